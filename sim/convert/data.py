"""Representative data: checked against the model's inputs before the converter sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError, near

Array = NDArray[Any]
MINIMUM_ROWS = 10  # fewer say too little of the range of every tensor


def load(path: Path) -> Any:
    """The array of a `.npy`, or a dict of the arrays of an `.npz`. Raises UsageError for anything else."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file of representative data")
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        with content:
            return {name: content[name] for name in content.files}
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise UsageError(f"{path}: not an .npy or .npz file with plain numbers: {error}") from None


def rows_for(data: Any, names: Sequence[str], shapes: Sequence[tuple[int | None, ...]], where: str) -> list[Array]:
    """One array [n, ...] a model input, float32, in the order of the model's inputs.

    `data` is one array (a model with one input), a list in the order of the inputs, or a dict by input name.
    `shapes` are the model's, without the batch axis; None fits any size.
    Raises UsageError naming the input, what came and what would fit.
    """
    arrays = _in_order(data, names, where)
    out = []
    for name, shape, raw in zip(names, shapes, arrays, strict=True):
        at = f"{where}, input {name!r}"
        array = np.asarray(raw)
        if array.dtype.kind not in "fiub":
            raise UsageError(f"{at}: numbers are needed, not {array.dtype}")
        if array.ndim != len(shape) + 1 or any(
            s is not None and s != a for s, a in zip(shape, array.shape[1:], strict=True)
        ):
            wanted = "[" + ", ".join(["n", *("any" if s is None else str(s) for s in shape)]) + "]"
            hint = "the first axis counts samples"
            if array.ndim == len(shape):
                hint += "; one sample alone needs it too: X[None]"
            raise UsageError(f"{at}: has shape {list(array.shape)}, the model wants {wanted}", hint=hint)
        array = array.astype(np.float32)
        if not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise UsageError(f"{at}: NaN or infinity, first in sample {row}", hint="clean the data first")
        out.append(array)
    counts = {len(a) for a in out}
    if len(counts) > 1:
        raise UsageError(f"{where}: the inputs have different numbers of samples: {sorted(counts)}")
    if (count := counts.pop()) < MINIMUM_ROWS:
        raise UsageError(
            f"{where}: {count} samples are too few to find the range of every tensor",
            hint=f"give at least {MINIMUM_ROWS}, better some hundred, as the device will see them",
        )
    return out


def _in_order(data: Any, names: Sequence[str], where: str) -> list[Any]:
    if isinstance(data, Mapping):
        if missing := [n for n in names if n not in data]:
            given = [str(k) for k in data]
            raise UsageError(f"{where}: no array for input {missing[0]!r}", hint=near(missing[0], given))
        return [data[n] for n in names]
    if isinstance(data, list | tuple) and len(names) > 1:
        if len(data) != len(names):
            raise UsageError(f"{where}: {len(data)} arrays for {len(names)} inputs ({', '.join(names)})")
        return list(data)
    if len(names) > 1:
        raise UsageError(
            f"{where}: one array for {len(names)} inputs", hint=f"give an .npz (or dict) with {', '.join(names)}"
        )
    return [data]
