"""Models with variables (streaming): state is kept from one inference to the next, on the board as on the host."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bare import engine

from sim.inference import invoke
from sim.measure.diff import diff
from sim.measure.host import hosts, installed
from sim.measure.profile import profile
from sim.model import Model
from sim.settings import Settings
from sim.target import Target

STREAM = Path(__file__).parents[1] / "data" / "models" / "stream.tflite"
FRAMES = np.random.default_rng(0).integers(-128, 128, (20, 1, 1, 4)).astype(np.int8)


@pytest.fixture(scope="module", params=["reference", "cmsis-nn"])
def target(request: pytest.FixtureRequest) -> Target:
    engine()  # skips where there is none
    if "tflm" not in installed():
        pytest.skip("tflite-micro is not installed")
    target = Target.of(Settings.load({"board": "arduino_nano_33_ble", "kernels": "reference"}))
    if target.tree.generation != "current":
        pytest.skip("the default TFLM tree of 2020 has no variables: BOARDLESS_TFLM names no current tree")
    return Target.of(Settings.load({"board": "arduino_nano_33_ble", "kernels": request.param}))


def test_state_is_kept_from_row_to_row(target: Target) -> None:
    model = Model.load(STREAM)
    assert model.variables == 1
    (host,) = hosts(model, "tflm")
    wanted = []
    for frame in FRAMES:
        host.run([frame])
        wanted.append(host.tensor(model.outputs[0].index))
    (got,) = invoke(model, FRAMES, target=target).outputs
    np.testing.assert_array_equal(got.reshape(20, -1), np.stack(wanted).reshape(20, -1))
    (alone,) = invoke(model, FRAMES[4:5], target=target).outputs
    assert not np.array_equal(alone[0], got[4]), "the same frame without its past"


def test_every_operator_is_equal_and_has_its_cost(target: Target) -> None:
    """CALL_ONCE runs a graph of its own, in the first inference only."""
    model = Model.load(STREAM)
    result = diff(model, FRAMES, target=target, host="tflm")
    assert result.equal
    compared = {o.operator.kind for o in result.hosts[0].operators if o.difference is not None}
    assert {"READ_VARIABLE", "CONCATENATION", "CONV_2D", "FULLY_CONNECTED", "STRIDED_SLICE"} <= compared
    assert [o.kind for o in profile(model, target=target).operators] == [o.kind for o in model.operators]
