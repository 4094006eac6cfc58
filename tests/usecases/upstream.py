"""Upstream's trained examples, as the crate of the default TFLM tree carries them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.errors import SetupError
from sim.tflm import TflmTree


def file(name: str) -> Path:
    """A file of the crate's examples/models. Skips where the crate is not there."""
    try:
        tree = TflmTree.default().path
    except SetupError as missing:
        pytest.skip(str(missing))
    path = tree.parent.parent / "examples" / "models" / name
    if not path.is_file():
        pytest.skip(f"the default tree has no {name}")
    return path


def photograph(name: str) -> np.ndarray:
    """A photograph of 96 x 96 grey pixels, uint8: "person_image_data_grayscale" or "no_person_..."."""
    return np.frombuffer(file(f"{name}.data").read_bytes(), np.uint8).reshape(96, 96)
