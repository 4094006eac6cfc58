"""BasicMotions out of the installed package aeon (or sktime); nothing is downloaded.

Four people wore a smart watch and did each of four motions five times, 10 s at 10 Hz. The headers give no units;
see card.md for why they are taken as m/s^2 without gravity and rad/s.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError

RATE = 10.0  # Hz
SOURCE = "BasicMotions (aeon)"


class DataMissing(UsageError):
    """Neither package that brings the data is installed."""


def load(half: str) -> list[tuple[str, NDArray[np.float64]]]:
    """All 40 recordings of `half` ("train" or "test"), in the file's order: (label, [100, 6] m/s^2 and deg/s)."""
    text = _file(half.upper()).read_text(encoding="utf-8")
    body = text.split("@data", 1)[1].strip().splitlines()
    out = []
    for line in body:
        *channels, label = line.split(":")
        samples = np.array([[float(v) for v in c.split(",")] for c in channels]).T
        samples[:, 3:] = np.degrees(samples[:, 3:])
        out.append((label.strip().lower(), samples))
    return out


def _file(half: str) -> Path:
    for package in ("aeon", "sktime"):
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            continue
        path = Path(spec.submodule_search_locations[0]) / "datasets/data/BasicMotions" / f"BasicMotions_{half}.ts"
        if path.is_file():
            return path
    raise DataMissing("BasicMotions comes with the package aeon: pip install 'boardless[data]'")
