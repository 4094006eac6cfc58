"""Gesture on the virtual board: all test recordings of BasicMotions, through the sensor."""

from __future__ import annotations

import importlib.util
from collections import Counter
from types import ModuleType

import pytest

from sim import Recording, Settings
from sim.paths import data_root
from sim.target import Target


@pytest.fixture(scope="module")
def dataset() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gesture_dataset", data_root() / "models/gesture/dataset.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        module.load("test")
    except module.DataMissing as missing:
        pytest.skip(str(missing))
    return module


def test_39_of_the_40_test_recordings_and_97_percent_of_the_windows(dataset: ModuleType) -> None:
    target = Target.of(Settings())
    firmware = target.build("gesture")
    wrong = []
    windows: Counter[bool] = Counter()
    units = ("m/s^2",) * 3 + ("deg/s",) * 3
    for number, (label, samples) in enumerate(dataset.load("test")):
        recording = Recording(samples, rate=dataset.RATE, channels=("ax", "ay", "az", "gx", "gy", "gz"), units=units)
        with target.boot(firmware.elf) as machine:
            machine.imu.play(recording)
            machine.run_to_end()
            decided = [d.label for d in machine.decisions]
        windows.update(said == label for said in decided)
        verdict = Counter(decided).most_common(1)[0][0]
        if verdict != label:
            wrong.append((number, label, verdict))
    print(f"{40 - len(wrong)} of 40 recordings, {windows[True]} of {windows.total()} windows right")
    assert len(wrong) <= 1, wrong
    assert windows.total() >= 40 * 15
    assert windows[True] / windows.total() >= 0.97


@pytest.mark.app("gesture")
def test_cost(machine, recording):
    machine.imu.play(recording("walking_03"))
    assert machine.measure("invoke", runs=3).instructions.max < 15_000_000
