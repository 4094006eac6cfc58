"""What the firmware decides on a virtual board, and what that costs."""

import pytest

pytestmark = pytest.mark.app("gesture")


@pytest.mark.parametrize("name", ["standing_06", "running_07", "walking_08", "badminton_09"])
def test_motion_is_recognised(machine, recording, name):
    label = name.split("_")[0]
    machine.imu.play(recording(name))
    decision = machine.wait_for_decision(label=label, within="9 s")  # board time, not host time
    assert decision.score > 0.5


def test_fits_the_board(firmware, board):
    assert firmware.flash < board.flash.size
    assert firmware.ram_static + firmware.arena_reserved < board.ram.size / 2
