"""What the model gives on a virtual board, and what that costs."""

from pathlib import Path

import numpy as np
import pytest

from sim import invoke
from sim.model import Model

MODEL = Model.load(Path(__file__).parent.parent / "@MODEL@")
ROWS = 3


def random_inputs():
    """Seeded random values for every input of the model: put real ones in their place."""
    random = np.random.default_rng(1)
    inputs = []
    for tensor in MODEL.inputs:
        shape = (ROWS, *tensor.shape)
        if tensor.dtype.startswith("float"):
            inputs.append(random.standard_normal(shape).astype(tensor.dtype))
        else:
            span = np.iinfo(tensor.dtype)
            inputs.append(random.integers(span.min, span.max, shape, tensor.dtype, endpoint=True))
    return inputs


@pytest.fixture
def result(board):
    return invoke(MODEL, random_inputs(), board=str(board.folder))


def test_outputs_have_their_shape(result):
    for output, tensor in zip(result.outputs, MODEL.outputs, strict=True):
        assert len(output) == ROWS
        assert output[0].size == np.prod(tensor.shape)
        assert output.dtype == np.dtype(tensor.dtype)
        assert np.isfinite(output).all()


def test_fits_the_board(result, board):
    assert result.firmware.flash < board.flash.size
    assert result.firmware.ram_static + result.firmware.arena_reserved < board.ram.size


def test_a_run_is_a_value(result, board):
    again = invoke(MODEL, random_inputs(), board=str(board.folder))
    assert again.outputs_sha256 == result.outputs_sha256
    assert again.instructions == result.instructions
