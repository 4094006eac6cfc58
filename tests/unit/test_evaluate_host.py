"""The int8 model on the host as an evaluate.py calls it: `run(inputs)`."""

from __future__ import annotations

import numpy as np
import pytest

from sim import Model
from sim.errors import SetupError, UsageError
from sim.evaluate.host import HostModel
from sim.paths import data_root
from sim.tensors_io import rows


@pytest.fixture(scope="module")
def run() -> HostModel:
    try:
        return HostModel(Model.load(data_root() / "models" / "vehicle" / "vehicle.tflite"))
    except SetupError as missing:
        pytest.skip(str(missing))


def test_floats_are_real_values_quantised_as_on_the_device(run: HostModel) -> None:
    given = run.model.inputs[0]
    real = np.random.default_rng(1).normal(0, 40 * given.scale[0], (5, *given.shape[1:]))
    stored = rows(real, given)
    assert len(np.unique(stored)) > 50
    assert np.array_equal(run(real), run(stored))
    assert len(np.unique(run(real), axis=0)) > 1


def test_what_is_no_input_of_the_model_is_said(run: HostModel) -> None:
    shape = (2, *run.model.inputs[0].shape[1:])
    with pytest.raises(UsageError, match="values from 300 to 300 are not int8"):
        run(np.full(shape, 300))
    with pytest.raises(UsageError, match="not finite"):
        run(np.full(shape, np.nan))
    with pytest.raises(UsageError, match=r"shape \(2, 7\)"):
        run(np.zeros((2, 7), np.int8))


def test_no_inputs_are_no_outputs(run: HostModel) -> None:
    """A recording shorter than a window: `argmax(axis=1)` works."""
    found = run(np.zeros((0, *run.model.inputs[0].shape[1:]), np.int8))
    assert found.argmax(axis=1).tolist() == []
