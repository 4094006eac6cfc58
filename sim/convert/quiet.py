"""TensorFlow, imported late and kept quiet."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

from sim.errors import SetupError

_MINIMUM_KERAS = (3, 5)  # clone_model(call_function=...), which the rewriting needs


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing on stdout or stderr while TensorFlow works.

    Its C++ part writes to the file descriptors, whatever Python's streams are, so those are moved aside.
    Python's own warnings of that time are dropped too: they speak of TensorFlow's insides.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        sink = stack.enter_context(tempfile.TemporaryFile())
        for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
            with contextlib.suppress(ValueError, OSError):
                stream.flush()
            try:
                saved = os.dup(number)
            except OSError:  # closed by the caller: nothing to keep quiet
                continue
            stack.callback(_restore, saved, number)
            os.dup2(sink.fileno(), number)
        # stderr stays Python's own: absl keeps the stream it finds at import for good.
        stack.enter_context(contextlib.redirect_stdout(_Nowhere()))
        yield


class _Nowhere:
    """A text stream that keeps nothing."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


def _restore(saved: int, number: int) -> None:
    os.dup2(saved, number)
    os.close(saved)


def tensorflow() -> tuple[Any, Any]:
    """(tensorflow, keras). Raises SetupError with the pip command when they are missing or too old."""
    # oneDNN's other order of additions would make float results differ between machines.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    command = "pip install 'boardless[convert]'"
    try:
        with quiet():
            import keras
            import tensorflow as tf
    except ImportError as error:
        raise SetupError(f"converting needs TensorFlow, which cannot be imported: {error}", hint=command) from None
    version = tuple(int(part) for part in str(keras.__version__).split(".")[:2])
    if version < _MINIMUM_KERAS:
        raise SetupError(f"Keras {keras.__version__} is too old: 3.5 or newer is needed", hint=command + " --upgrade")
    if keras.config.backend() != "tensorflow":
        raise SetupError(
            f"Keras runs on the backend {keras.config.backend()!r}; the converter needs 'tensorflow'",
            hint="set KERAS_BACKEND=tensorflow",
        )
    return tf, keras
