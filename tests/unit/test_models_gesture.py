"""The gesture model: the same numbers on the host as from the virtual part, and what its card says is true."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest

from sim.model import Model
from sim.paths import data_root
from sim.sensors.channel import SensorChannel
from sim.sensors.parts import part
from sim.sensors.recording import Recording

FOLDER = data_root() / "models" / "gesture"
RECORDINGS = sorted((FOLDER / "recordings").glob("*.csv"))


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


f = _module("features")
dataset = _module("dataset")


@pytest.fixture
def test_half() -> list[tuple[str, np.ndarray]]:
    try:
        return dataset.load("test")
    except dataset.DataMissing as missing:
        pytest.skip(str(missing))


def played(recording: Recording, samples: int) -> np.ndarray:
    """Codes [samples, 6] that the virtual part delivers while the recording plays."""
    channel = SensorChannel(part("lsm9ds1"))
    channel.open(Fraction("14.9"), 0, (f.CARD["part"]["accel_range_g"], f.CARD["part"]["gyro_range_dps"]))
    channel.play(recording, 0)
    got = [np.frombuffer(channel.read(1, 0).codes, "<i2") for _ in range(samples)]
    return np.stack(got)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.stem)
def test_host_and_virtual_part_agree_to_the_code(path):
    recording = Recording.load(path)
    assert recording.rate == dataset.RATE
    at_rate = f.resampled(recording.values, recording.rate)
    assert len(at_rate) == 149
    assert np.array_equal(played(recording, len(at_rate)), f.codes(at_rate))


def test_codes_end_where_the_part_ends():
    wild = Recording(np.array([[1e3, -1e3, 0, 1e5, -1e5, 0]] * 20), ["ax", "ay", "az", "gx", "gy", "gz"],
                     ["m/s^2"] * 3 + ["deg/s"] * 3, rate=10.0)  # fmt: skip
    assert np.array_equal(played(wild, 5), f.codes(wild.values[:5]))


def test_input_formula():
    raw = np.array([-32768, -32767, -129, -128, -1, 0, 127, 128, 32639, 32640, 32767], np.int16)
    assert f.inputs(raw).tolist() == [-128, -128, -1, 0, 0, 0, 0, 1, 127, 127, 127]


def test_windows_begin_with_the_first_full_one():
    values = np.arange(f.WINDOW + f.STRIDE).repeat(6).reshape(-1, 6).astype(np.int8)
    got = f.windows(values)
    assert got.shape == (2, f.WINDOW, 6)
    assert (got[0, 0, 0], got[1, 0, 0]) == (0, f.STRIDE)


def test_a_single_bad_window_does_not_change_the_decision():
    good, bad = [0.1, 0.9, 0.0, 0.0], [0.9, 0.1, 0.0, 0.0]
    scores = np.array([good, good, good, bad, good])
    assert f.decisions(scores).tolist() == [1, 1, 1, 1, 1]
    assert f.verdict(np.array([bad, good])) == 0  # a draw: the earlier label


def test_model_takes_what_the_formula_gives():
    model = Model.load(FOLDER / "gesture.tflite")
    (given,), (taken,) = model.inputs, model.outputs
    assert (given.shape, given.dtype, given.scale, given.zero_point) == ((1, f.WINDOW, 6), "int8", (1 / 64,), (0,))
    assert (taken.shape, taken.dtype) == ((1, len(f.LABELS)), "int8")
    assert len(model.data) < 10_000
    assert (FOLDER / "labels.txt").read_text().split() == f.LABELS


def test_card_is_of_this_model():
    card = (FOLDER / "card.md").read_text(encoding="utf-8")
    assert hashlib.sha256((FOLDER / "gesture.tflite").read_bytes()).hexdigest() in card


def test_shipped_recordings_are_of_the_data(test_half):
    by_label: dict[str, list[np.ndarray]] = {}
    for label, samples in test_half:
        by_label.setdefault(label, []).append(samples)
    assert {p.stem.rpartition("_")[0] for p in RECORDINGS} == set(f.LABELS)
    assert "running_07" in {p.stem for p in RECORDINGS}
    for path in RECORDINGS:
        label, number = re.fullmatch(r"(\w+)_(\d\d)", path.stem).groups()
        np.testing.assert_allclose(Recording.load(path).values, by_label[label][int(number) - 1], rtol=1e-5)


@pytest.fixture
def host() -> ModuleType:
    return pytest.importorskip("tflite_micro", reason="the host runtime: pip install --pre tflite-micro").runtime


def test_test_half_is_recognised_on_the_host(test_half, host):
    runner = host.Interpreter.from_file(str(FOLDER / "gesture.tflite"))
    (output,) = Model.load(FOLDER / "gesture.tflite").outputs
    right_windows, windows, right = 0, 0, 0
    for label, samples in test_half:
        truth, scores = f.LABELS.index(label), []
        for window in f.windows(f.inputs(f.codes(f.resampled(samples, dataset.RATE)))):
            runner.set_input(window[None], 0)
            runner.invoke()
            scores.append((runner.get_output(0)[0].astype(float) - output.zero_point[0]) * output.scale[0])
        right_windows += int(sum(s.argmax() == truth for s in scores))
        windows += len(scores)
        right += f.verdict(np.array(scores)) == truth
    assert right >= 39
    assert right_windows / windows >= 0.97
