import numpy as np
import pytest

from sim.sensors.stimulus import Constant, Function

pytestmark = [
    pytest.mark.firmware("../build/product.elf"),
    pytest.mark.board("stm32f4_discovery"),
]

AXES = ["ax", "ay", "az"]
resting = Constant([0, 0, 1], AXES, "g")
shaking = Function(lambda t: np.stack([3 * np.sin(2 * np.pi * 6 * t), 0 * t, 1 + 0 * t], 1), AXES, "g", duration=3)


def test_it_says_who_it_is(machine):
    machine.console.expect("shake detector 1.0", within="10 ms")


def test_shaking_is_noticed_and_its_end_too(machine):
    machine.imu.play(shaking)
    machine.console.expect("shaken", within="500 ms")
    machine.console.expect("at rest", within="4 s")
    assert machine.wait_for_decision("shaken").time < 0.5


def test_rest_is_rest(machine):
    machine.imu.play(resting)
    machine.run("5 s")
    assert {d.label for d in machine.decisions} == {"at rest"}
    assert "shaken" not in machine.console.text


def test_the_threshold_can_be_tuned(machine):
    machine.write("shake_threshold", 60_000)
    machine.imu.play(shaking)
    machine.run_to_end()
    assert "shaken" not in machine.console.text
    assert machine.read_int("windows") == len(machine.decisions)


def test_a_window_is_cheap(machine):
    machine.imu.play(shaking)
    use = machine.measure("unrest", runs=10)
    assert use.instructions.max < 1500
