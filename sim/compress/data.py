"""Labelled samples for a compression: what fine-tunes, and what judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.convert.data import load, rows_for
from sim.errors import UsageError, near

Array = NDArray[Any]
HELD_OUT = 5  # without test data every fifth sample judges
REPRESENTATIVE = "representative"


@dataclass(frozen=True, eq=False)
class Samples:
    """`x` [n, ...] float32 in real units, `y` [n] int64 class numbers."""

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Data:
    """`representative` [r, ...]: what int8's ranges are taken from. `note`: where the test samples are from."""

    train: Samples
    test: Samples
    representative: Array
    note: str


def data_for(model: Any, train: Any, test: Any = None) -> Data:
    """Checked data for a Keras model with one input and one output of classes.

    `train`, `test`: the path of an `.npz`, or a mapping, with `x` [n, ...] and `y` [n] (class numbers, or [n, classes]
    with a one in each row); in `train` perhaps `representative` [r, ...]. Without `test` every fifth sample of `train`
    is kept from fine-tuning and judges. Raises UsageError.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        counts = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise UsageError(f"compress: a model with one input and one output is needed, this has {counts}")
    shape = tuple(model.inputs[0].shape)[1:]
    outputs = tuple(model.outputs[0].shape)[1:]
    if len(outputs) != 1 or outputs[0] is None:
        raise UsageError(f"compress: the output has shape {[None, *outputs]}: one score a class [n, classes] is needed")
    classes = max(2, int(outputs[0]))
    where, arrays = _arrays(train, "train")
    samples = _samples(arrays, shape, classes, where)
    given = arrays.get(REPRESENTATIVE)
    if test is None:
        judged = np.arange(len(samples)) % HELD_OUT == HELD_OUT - 1
        judging = Samples(samples.x[judged], samples.y[judged])
        samples = Samples(samples.x[~judged], samples.y[~judged])
        note = f"judged by every fifth sample of {where}, kept from fine-tuning"
    else:
        at, other = _arrays(test, "test")
        judging = _samples(other, shape, classes, at)
        note = f"judged by {at}"
    rows = samples.x if given is None else rows_for(given, ["x"], [shape], f"{where}, representative")[0]
    return Data(samples, judging, rows, f"{note}: {len(judging)} samples")


def _arrays(data: Any, name: str) -> tuple[str, Mapping[str, Any]]:
    where = name
    if isinstance(data, str | Path):
        where, data = str(data), load(Path(data))
    if not isinstance(data, Mapping):
        raise UsageError(f"{where}: samples and their classes are needed", hint="np.savez(file, x=samples, y=classes)")
    for key in ("x", "y"):
        if key not in data:
            raise UsageError(f"{where}: has no array {key!r}", hint=near(key, [str(k) for k in data]))
    return where, data


def _samples(arrays: Mapping[str, Any], shape: tuple[int | None, ...], classes: int, where: str) -> Samples:
    (x,) = rows_for(arrays["x"], ["x"], [shape], where)
    y = np.asarray(arrays["y"])
    if y.ndim == 2 and y.shape[1] == classes and ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
        y = y.argmax(axis=1)
    if y.ndim != 1 or y.dtype.kind not in "iub":
        raise UsageError(
            f"{where}, y: {y.dtype} {list(y.shape)}: class numbers [n] are needed",
            hint="steps are judged by accuracy; a model that is no classifier cannot be compressed so",
        )
    if len(y) != len(x):
        raise UsageError(f"{where}: {len(x)} samples in x, {len(y)} classes in y")
    if y.min() < 0 or y.max() >= classes:
        raise UsageError(f"{where}, y: classes {y.min()} to {y.max()}, the model has 0 to {classes - 1}")
    return Samples(x, y.astype(np.int64))
