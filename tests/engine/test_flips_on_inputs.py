"""Flips in weights, each on the same inputs: what comes out is what a model with that bit flipped gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bare import engine

from sim.faults.on_inputs import Flipped, drawn_flips, flips_on_inputs
from sim.inference import invoke
from sim.model import Model
from sim.paths import data_root
from sim.settings import Settings
from sim.target import Target


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(data_root() / "models" / "keyword" / "keyword.tflite")


def inputs() -> np.ndarray:
    return np.random.default_rng(4).integers(-128, 128, size=(3, 49, 40), dtype=np.int8)


def target() -> Target:
    engine()
    return Target.of(replace(Settings(), timing="instructions"))


def flipped(model: Model, found: Flipped, to: Path) -> Path:
    """The .tflite with that bit flipped."""
    data = bytearray(model.data)
    (tensor,) = (t for t in model.tensors if t.name == found.flip.tensor and t.data)
    at = model.data.find(tensor.data) + found.flip.element * found.flip.width // 8 + found.flip.bit // 8
    data[at] ^= 1 << found.flip.bit % 8
    to.write_bytes(bytes(data))
    return to


def test_every_bit_can_be_drawn_and_only_of_weights(model: Model) -> None:
    flips = drawn_flips(model, 4000, 1)
    assert flips == drawn_flips(model, 4000, 1) != drawn_flips(model, 4000, 2)
    kinds = {t.name: np.dtype(t.dtype) for t in model.tensors}
    assert all(f.width == kinds[f.tensor].itemsize * 8 and f.bit < f.width for f in flips)
    assert {f.bit for f in flips if f.width == 8} == set(range(8))
    assert not any("Reshape" in f.tensor and f.width == 32 for f in flips)
    share = sum(f.width == 8 for f in flips) / len(flips)
    whole = sum(len(t.data) for t in model.tensors if t.data and np.dtype(t.dtype) == np.int8)
    assert share == pytest.approx(whole / (whole + 4 * 140), abs=0.02)


@pytest.mark.slow
def test_a_flip_does_what_it_would_in_the_file(model: Model, tmp_path: Path) -> None:
    where = target()
    found, clean = flips_on_inputs(where, model, inputs(), count=60, seed=5, jobs=2)
    assert [f.flip for f in found] == drawn_flips(model, 60, 5)
    assert (found, clean) == flips_on_inputs(where, model, inputs(), count=60, seed=5)
    assert sum(f.masked for f in found) > 40  # most are
    assert not any(f.failure for f in found)
    whole = invoke(model, inputs(), target=where).outputs[0].astype(int)
    moved = sorted((f for f in found if f.moved), key=lambda f: -f.moved)
    assert moved
    for one in (moved[0], moved[-1], next(f for f in found if not f.moved)):
        now = invoke(flipped(model, one, tmp_path / f"{one.flip.number}.tflite"), inputs(), target=where).outputs[0]
        assert np.abs(now.astype(int) - whole).max() == one.moved
        assert (now.argmax(axis=1) != whole.argmax(axis=1)).sum() == one.wrong
