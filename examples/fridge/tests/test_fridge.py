"""The refrigerator's app over hours and days of board time. A copy of this folder works anywhere: `pytest` in it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from sim import Model, Recording

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models" / "fridge"))
import fridge

pytestmark = pytest.mark.app("../apps/fridge")


def play(machine, **what):
    temperatures = fridge.course(**what)
    machine.temperature.play(Recording(temperatures, ["temperature"], "degC", rate=fridge.CARD["rate_hz"]))


def test_an_open_door_is_noticed_and_forgotten(machine):
    play(machine, seed=7, hours=5, door=(2.0, 2.4))
    machine.run("5 h")
    _, door, again = machine.decisions
    assert [d.label for d in machine.decisions] == ["normal", "door", "normal"]
    assert 2.0 < door.time / 3600 < 2.25
    assert again.time / 3600 < 2.75


def test_a_failing_compressor_is_noticed(machine):
    play(machine, seed=8, hours=5, fails_at=2.0)
    found = machine.wait_for_decision("failing", within="5 h")
    assert 2.2 < found.time / 3600 < 4.0


def test_decisions_are_those_of_the_model_on_the_host(machine):
    """The features computed on the device are the ones of training: the classes are TFLM's on the host."""
    runtime = pytest.importorskip("tflite_micro").runtime
    course = fridge.course(seed=11, hours=3, door=(1.0, 1.4))
    machine.temperature.play(Recording(course, ["temperature"], "degC", rate=fridge.CARD["rate_hz"]))
    machine.run("3 h")
    path = fridge.HERE / "fridge.tflite"
    host, (given, *_) = runtime.Interpreter.from_file(str(path)), Model.load(path).inputs
    for decision in machine.decisions:
        window = fridge.windows(course)[decision.samples["temperature"] - fridge.CARD["window"]]
        codes = np.clip(np.rint(window / given.scale[0]) + given.zero_point[0], -128, 127).astype(np.int8)
        host.set_input(codes[None], 0)
        host.invoke()
        assert host.get_output(0)[0].argmax() == decision.index
    assert len(machine.decisions) == 3


def test_fits_a_small_board(firmware):
    assert firmware.flash < 100_000
    assert firmware.arena_reserved < 4096
