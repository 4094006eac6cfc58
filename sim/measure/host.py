"""Interpreters on this machine that give every tensor of a model: what a board is compared with."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sim.errors import SetupError, UsageError, near

if TYPE_CHECKING:
    from sim.model import Model
    from sim.tensors_io import Array

TFLM, LITERT = "tflm", "litert"
# Name -> packages that have it, the first of them to be recommended.
PACKAGES = {TFLM: ("tflite_micro",), LITERT: ("ai_edge_litert", "tensorflow")}
_INSTALL = {TFLM: "pip install --pre tflite-micro (Linux on x86-64)", LITERT: "pip install ai-edge-litert"}


class Host(Protocol):
    """An interpreter. `name` and version for reports."""

    text: str

    def run(self, row: Sequence[Array]) -> None:
        """One inference; per input one array of the tensor's shape and dtype."""

    def tensor(self, index: int) -> Array | None:
        """Content of a tensor after the last inference; None where the interpreter does not give it."""


def installed() -> list[str]:
    """Names of the host interpreters that are installed, the one nearest to the board first."""
    return [name for name in PACKAGES if any(importlib.util.find_spec(p) for p in PACKAGES[name])]


def hosts(model: Model, name: str = "") -> Iterator[Host]:
    """The interpreter of that name, or each that is installed. Raises SetupError where there is none."""
    if name and name not in PACKAGES:
        raise UsageError(f"unknown host interpreter {name!r}", hint=near(name, PACKAGES))
    have = installed()
    if name and name not in have:
        raise SetupError(f"host interpreter {name} is not installed", hint=_INSTALL[name])
    if not have:
        raise SetupError("no host interpreter is installed to compare the board with", hint=_INSTALL[TFLM])
    for one in [name] if name else have:
        yield _Tflm(model) if one == TFLM else _LiteRt(model)


class _Tflm:
    """TFLM's reference kernels, of the version of the package."""

    def __init__(self, model: Model) -> None:
        from importlib.metadata import version

        from tflite_micro import runtime

        self.text = f"TFLM on the host (tflite-micro {version('tflite-micro')})"
        try:
            self._interpreter = runtime.Interpreter.from_bytes(
                model.data,
                intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
                arena_size=64 << 20,
            )
        except Exception as error:  # it raises RuntimeError, TypeError and others
            raise UsageError(f"{model.name}: {self.text} refuses it: {error}") from None

    def run(self, row: Sequence[Array]) -> None:
        for i, array in enumerate(row):
            self._interpreter.set_input(array, i)
        self._interpreter.invoke()

    def tensor(self, index: int) -> Array | None:
        found: Array = self._interpreter.GetTensor(index, 0)["tensor_data"]
        return found


class _LiteRt:
    """LiteRT (TensorFlow Lite) with its reference kernels and no delegate."""

    def __init__(self, model: Model) -> None:
        from sim.convert.quiet import quiet

        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        try:
            with quiet():  # TensorFlow tells of its deprecated interpreter, at length
                lite, self.text = _lite()
                self._interpreter = lite.Interpreter(
                    model_content=model.data,
                    experimental_op_resolver_type=lite.OpResolverType.BUILTIN_REF,
                    experimental_preserve_all_tensors=True,
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise UsageError(f"{model.name}: LiteRT on the host refuses it: {error}") from None
        self._inputs = [t.index for t in model.inputs]

    def run(self, row: Sequence[Array]) -> None:
        for index, array in zip(self._inputs, row, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()

    def tensor(self, index: int) -> Array | None:
        try:
            found: Array = self._interpreter.get_tensor(index)
        except ValueError:  # the interpreter has fused or dropped it
            return None
        return found


def _lite() -> tuple[Any, str]:
    from importlib.metadata import version

    if importlib.util.find_spec("ai_edge_litert"):
        from ai_edge_litert import interpreter

        return interpreter, f"LiteRT on the host, reference kernels (ai-edge-litert {version('ai-edge-litert')})"
    import tensorflow as tf
    from tensorflow.lite.python import interpreter

    return interpreter, f"LiteRT on the host, reference kernels (tensorflow {tf.__version__})"
