"""What the six train.py share: the exact input scale, what is written into a card's numbers, learning rates."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim.paths import data_root


@pytest.fixture(scope="module")
def training() -> ModuleType:
    spec = importlib.util.spec_from_file_location("models_training", data_root() / "models" / "training.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = loaded  # dataclasses look their module up
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(("shape", "high"), [((5, 3), (1, 0)), ((4,), (1,)), ((2, 3, 1), (0, 1, 0))])
def test_both_ends_of_the_range_are_among_the_representative_rows(training, shape, high):
    x = np.random.default_rng(1).normal(0, 0.1, (50, *shape)).astype(np.float32)
    rows = training.representative(x, 1 / 32, high)
    assert rows.shape == (training.CALIBRATED + 1, *shape)
    assert (rows.min(), rows.max()) == (-4.0, 127 / 32)
    assert (rows.max() - rows.min()) / 255 == 1 / 32  # so the converter's scale is exactly that
    assert np.array_equal(rows[0], x[0])
    assert np.array_equal(rows[-2], x[-1])


def test_real_is_what_the_scale_says(training):
    assert training.real(np.array([-128, 0, 127], np.int8), 1 / 255, -128).tolist() == [
        0.0,
        np.float32(128) * np.float32(1 / 255),
        np.float32(255) * np.float32(1 / 255),
    ]


def test_the_learning_rate_falls_as_a_cosine(training):
    rates = [training.cosine(epoch, 10) for epoch in range(10)]
    assert rates[0] == 2e-3
    assert rates[5] == pytest.approx(1e-3)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_a_number_of_the_card_is_replaced_and_its_remark_stays(training, tmp_path: Path):
    toml = tmp_path / "model.toml"
    toml.write_text("hop = 320\nthreshold = 0.88           # of that mean\nsmoothing = 4\n")
    training._set(toml, "threshold", 0.925)
    training._set(toml, "smoothing", 3)
    assert toml.read_text() == "hop = 320\nthreshold = 0.925           # of that mean\nsmoothing = 3\n"
    with pytest.raises(SystemExit, match="has no line `margin"):
        training._set(toml, "margin", 1)


def test_confusion(training):
    got = training.confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert got.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
