"""The golden inputs and outputs: one small file for all models.

`data/goldens.npz` holds `index` (JSON: name -> {"in": [[dtype, shape], ...], "out": [...]}, in the order of the
bytes) and `blob` (all arrays' little-endian bytes, one behind the other). Shapes begin with the number of rows, then
the tensor's own shape, batch dimension and all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Golden:
    """What the host computes: `inputs` and `outputs`, one array [rows, *tensor shape] each, raw numbers."""

    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


def load() -> dict[str, Golden]:
    with np.load(DATA / "goldens.npz") as file:
        index, blob = json.loads(file["index"].tobytes()), file["blob"].tobytes()
    out: dict[str, Golden] = {}
    at = 0
    for name, sides in index.items():
        read: dict[str, list[np.ndarray]] = {"in": [], "out": []}
        for side, arrays in read.items():
            for dtype, shape in sides[side]:
                array = np.frombuffer(blob, np.dtype(dtype), math.prod(shape), at).reshape(shape)
                arrays.append(array)
                at += array.nbytes
        out[name] = Golden(tuple(read["in"]), tuple(read["out"]))
    return out


def save(goldens: Mapping[str, Golden]) -> None:
    index, blob = {}, b""
    for name, golden in sorted(goldens.items()):
        index[name] = {
            "in": [[a.dtype.newbyteorder("<").str, list(a.shape)] for a in golden.inputs],
            "out": [[a.dtype.newbyteorder("<").str, list(a.shape)] for a in golden.outputs],
        }
        for array in (*golden.inputs, *golden.outputs):
            blob += array.astype(array.dtype.newbyteorder("<")).tobytes()
    text = json.dumps(index, separators=(",", ":")).encode()
    np.savez_compressed(DATA / "goldens.npz", index=np.frombuffer(text, np.uint8), blob=np.frombuffer(blob, np.uint8))


def names() -> list[str]:
    """All models, with and without golden."""
    return sorted(path.stem for path in DATA.glob("*.tflite"))


def refused_by_host() -> dict[str, str]:
    """Models that today's TFLM refuses on the host, and its words; they have no golden."""
    return dict(json.loads((DATA / "host_refuses.json").read_text(encoding="utf-8")))


def refused_by_2020() -> dict[str, str]:
    """Models that the default tree must refuse, and what came of running them all the same."""
    return dict(json.loads((DATA / "refused_2020.json").read_text(encoding="utf-8")))
