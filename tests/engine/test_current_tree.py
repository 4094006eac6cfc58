"""What only a current TFLM tree can: variables (streaming models), and the operators of the audio library."""

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
        pytest.skip("the default TFLM tree of 2020 has neither: BOARDLESS_TFLM names no current tree")
    return Target.of(Settings.load({"board": "arduino_nano_33_ble", "kernels": request.param}))


def on_the_host(model: Model, rows: np.ndarray) -> np.ndarray:
    """Of each row in turn, with one interpreter, [rows, values]."""
    (host,) = hosts(model, "tflm")
    out = []
    for row in rows:
        host.run([row])
        out.append(np.array(host.tensor(model.outputs[0].index)).ravel())
    return np.stack(out)


def test_state_is_kept_from_row_to_row(target: Target) -> None:
    model = Model.load(STREAM)
    assert model.variables == 1
    (got,) = invoke(model, FRAMES, target=target).outputs
    np.testing.assert_array_equal(got.reshape(20, -1), on_the_host(model, FRAMES))
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


def test_the_audio_preprocessor_of_upstream(target: Target) -> None:
    """Window, FFT, filter bank, PCAN, log: ten operators of the tree's own audio library."""
    model_file = target.tree.path / "tensorflow/lite/micro/examples/micro_speech/models/audio_preprocessor_int8.tflite"
    if not model_file.is_file():
        pytest.skip(f"the tree has no examples: {model_file.name} is not there")
    if not target.tree.signal_sources:
        pytest.skip("the tree has no kissfft, which the audio library needs")
    model = Model.load(model_file)
    size = model.inputs[0].size
    sound = (
        np.random.default_rng(0).normal(0, 1, (6, 1, size)) * np.array([0, 30, 300, 3000, 9000, 30000])[:, None, None]
    )
    rows = np.clip(sound, -32768, 32767).astype(np.int16)
    (got,) = invoke(model, rows, target=target).outputs
    wanted = on_the_host(model, rows)
    np.testing.assert_array_equal(got.reshape(6, -1), wanted)
    assert len({row.tobytes() for row in wanted}) >= 5
