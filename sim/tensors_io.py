"""Rows of input for a model from arrays and files, and raw outputs back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.files import replaced
from sim.model.types import Tensor

Array = npt.NDArray[Any]


def load_inputs(path: Path, tensors: Sequence[Tensor]) -> list[Array]:
    """Arrays for each input tensor from a `.npy` (one input) or `.npz` (several: by tensor name, or in order)."""
    if not path.is_file():
        raise UsageError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    try:
        loaded = _loaded(path)
    except Exception as error:  # on damage NumPy raises all kinds: TokenError, BadZipFile, MemoryError, ...
        raise UsageError(f"{path}: not a .npy or .npz file with plain numbers: {_why(error)}") from None
    if isinstance(loaded, dict):
        return in_order(loaded, tensors, str(path))
    if len(tensors) != 1:
        names = ", ".join(t.name for t in tensors)
        raise UsageError(f"{path}: one array, but the model has {len(tensors)} inputs: {names}",
                         hint="give a .npz with one array for each, by name or in that order")  # fmt: skip
    return [loaded]


def _loaded(path: Path) -> Array | dict[str, Array]:
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about headers that old versions wrote
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {name: np.asarray(loaded[name]) for name in loaded.files}


def _why(error: BaseException) -> str:
    # NumPy would recommend to trust the file.
    return "it has pickled Python objects" if "allow_pickle" in str(error) else str(error) or type(error).__name__


def in_order(arrays: Mapping[str, Array], tensors: Sequence[Tensor], where: str) -> list[Array]:
    """Arrays by tensor name, or, if no name fits and their number does, in their own order."""
    names = [t.name for t in tensors]
    if all(n in arrays for n in names):
        return [arrays[n] for n in names]
    if len(arrays) == len(tensors) and not any(n in arrays for n in names):
        return list(arrays.values())
    raise UsageError(
        f"{where}: has {', '.join(sorted(arrays)) or 'nothing'}, but the model's inputs are {', '.join(names)}"
    )


def rows(array: Array, tensor: Tensor, where: str = "input") -> Array:
    """The array as [n, *tensor.shape] of the tensor's own dtype.

    Raw integers are taken as they are; floats for an integer tensor are quantised as
    `clip(rint(x / scale) + zero_point)`. Accepts rows with or without the leading batch dimension of 1, or flat.
    Raises UsageError for a shape, dtype, value out of range or NaN.
    """
    dtype = np.dtype(tensor.dtype)
    where = f"{where} {tensor.name!r}"
    array = np.asarray(array)
    if array.dtype.kind not in "iufb":
        raise UsageError(f"{where}: dtype {array.dtype} is no number", hint=f"give {dtype.name} or float")
    shape = tuple(tensor.shape)
    size = int(np.prod(shape, dtype=np.int64))
    inner = shape[1:] if shape and shape[0] == 1 else shape
    fits = array.ndim >= 1 and array.shape[0] > 0 and array.shape[1:] in (shape, inner, (size,))
    if not fits:
        raise UsageError(
            f"{where}: shape {array.shape} is not [n, {', '.join(map(str, inner))}] with n > 0",
            hint="one row an inference; the model's input is " + str(list(shape)),
        )
    array = array.reshape(array.shape[0], *shape)
    if array.dtype.kind == "f":
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            raise UsageError(f"{where}: row {bad[0][0]} has a value that is not finite (NaN or infinite)")
        return array.astype(dtype) if dtype.kind == "f" else _quantised(array, tensor, dtype, where)
    if dtype.kind == "f":
        return array.astype(dtype)
    limits = np.iinfo(dtype)
    if array.dtype.kind != "b" and array.size and (array.min() < limits.min or array.max() > limits.max):
        raise UsageError(
            f"{where}: values from {array.min()} to {array.max()} are not {dtype.name} ({limits.min} to {limits.max})"
        )
    return array.astype(dtype)


def _quantised(array: Array, tensor: Tensor, dtype: np.dtype[Any], where: str) -> Array:
    if len(tensor.scale) != 1:
        raise UsageError(f"{where}: floats, but the tensor has no quantisation", hint=f"give raw {dtype.name}")
    limits = np.iinfo(dtype)
    steps = np.rint(array.astype(np.float64) / tensor.scale[0]) + tensor.zero_point[0]
    return np.clip(steps, limits.min, limits.max).astype(dtype)


def save_outputs(path: Path, outputs: Sequence[Array], tensors: Sequence[Tensor]) -> None:
    """Write raw outputs: one array as `.npy`, or by tensor name as `.npz`. Raises UsageError; no half file is left."""
    check_name(path, tensors)
    with replaced(path) as file:
        if path.suffix == ".npz":
            named = {t.name: o for t, o in zip(tensors, outputs, strict=True)}
            np.savez(file, **named)  # type: ignore[arg-type]
        else:
            np.save(file, outputs[0])


def check_name(path: Path, tensors: Sequence[Tensor]) -> None:
    """Raises UsageError for several outputs that would go into a file that holds one."""
    if len(tensors) != 1 and path.suffix != ".npz":
        raise UsageError(f"{path}: the model has {len(tensors)} outputs", hint="name the file .npz")
