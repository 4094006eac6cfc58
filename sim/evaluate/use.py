"""What a model's folder says about evaluating it: `evaluate.py` in it, if there is one.

    def recordings() -> Iterable[Labelled]          the set that the model is judged by
    def host(codes, run) -> list[tuple[int, int]]   what the app decides of `codes`, computed on this machine

`codes`: int [samples, channels], what the part delivers. `run`: the int8 model on this machine (`run(inputs)`, and
`run.model`; see sim.evaluate.host.HostModel). Of each decision: samples taken up to it, index of the label.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.evaluate.labelled import Labelled

FILE = "evaluate.py"
Host = Callable[[npt.NDArray[np.int64], Any], Sequence[tuple[int, int]]]


@dataclass(frozen=True)
class Use:
    """A model's folder; None where its evaluate.py does not have it."""

    folder: Path
    recordings: Callable[[], Iterable[Labelled]] | None
    host: Host | None

    @staticmethod
    def of(folder: Path | None) -> Use | None:
        """None without a folder, or without an evaluate.py in it. Raises UsageError where that cannot be loaded."""
        if folder is None or not (folder / FILE).is_file():
            return None
        module = _loaded(folder.resolve())
        return Use(folder, getattr(module, "recordings", None), getattr(module, "host", None))


def _loaded(folder: Path) -> ModuleType:
    """The file as a module of a package of its own: `from . import features` is its neighbour and nobody else's."""
    package = f"_boardless_use_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    if package not in sys.modules:
        made = ModuleType(package)
        made.__path__ = [str(folder)]
        sys.modules[package] = made
    try:
        return importlib.import_module(f"{package}.evaluate")
    except Exception as error:  # it is anybody's code
        raise UsageError(f"{folder / FILE}: cannot be loaded: {type(error).__name__}: {error}") from error
