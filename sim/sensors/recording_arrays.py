"""Recordings in numpy's files: .npy with a .json beside it, or .npz with everything in it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import UsageError, near

KEYS = ("rate", "channels", "units", "name", "source", "interpolation")


def read_npy(path: Path) -> dict[str, Any]:
    """An array [points, channels]; the rest in a .json of the same name, or given."""
    with path.open("rb") as stream:
        try:
            values = np.load(stream, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise UsageError(f"{path}: not an array file of numpy: {error}") from None
    if not isinstance(values, np.ndarray):
        raise UsageError(f"{path}: not one array", hint="a file of several arrays ends in .npz")
    return {"values": values, **_sidecar(path.with_suffix(".json"))}


def _sidecar(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a JSON file: {error}") from None
    if not isinstance(said, dict):
        raise UsageError(f"{path}: must be an object", hint='for example {"rate": 10, "units": "m/s^2"}')
    return _known(path, said)


def read_npz(path: Path) -> dict[str, Any]:
    """Arrays `values`, `rate` or `times`, and texts `channels`, `units`, `name`, `source`, `interpolation`."""
    found: dict[str, Any] = {}
    with path.open("rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as arrays:
                for key in arrays.files:
                    found[key] = arrays[key]
        except (ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
            raise UsageError(f"{path}: not a .npz file of numpy: {error}") from None
    if "values" not in found:
        raise UsageError(f"{path}: has no array `values`", hint=near("values", found))
    arrays_only: dict[str, Any] = {key: found.pop(key) for key in ("values", "times") if key in found}
    plain = {key: value.tolist() for key, value in found.items()}
    return {**arrays_only, **_known(path, plain)}


def _known(path: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    """The keys checked by name and type."""
    for key, value in said.items():
        if key not in KEYS:
            raise UsageError(f"{path}: unknown key {key!r}", hint=near(key, KEYS))
        if key == "rate":
            fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        elif key in ("channels", "units"):
            fits = (isinstance(value, str) and key == "units") or (
                isinstance(value, list) and all(isinstance(v, str) for v in value)
            )
        else:
            fits = isinstance(value, str)
        if not fits:
            wanted = {"rate": "a number in Hz", "channels": "a list of texts", "units": "a text, or one a channel"}
            raise UsageError(f"{path}: {key} is {value!r}", hint=f"it must be {wanted.get(key, 'a text')}")
    return dict(said)
