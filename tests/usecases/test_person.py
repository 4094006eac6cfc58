"""Person: upstream's person detection as shipped, as a pedestrian warning that comes too late."""

from __future__ import annotations

import numpy as np
import pytest
import upstream

from sim.errors import CannotPlay
from sim.sensors.frames import Frames
from sim.settings import Settings
from sim.target import Target

DEADLINE = 0.2  # s, from the frame to the warning
BOARDS = ("arduino_nano_33_ble", "stm32f4_discovery", "mps3_an547")  # the nucleo_l152re has not the RAM


@pytest.fixture(params=BOARDS)
def machine(request):
    model = upstream.file("person_detection_grayscale.tflite")
    try:
        target = Target.of(Settings.load({"board": request.param}))
    except CannotPlay as error:
        pytest.skip(str(error))
    with target.started(target.build("person", model).elf) as running:
        running.run_until_ready()
        yield running


def test_both_photographs_and_too_late(machine):
    """The answers of LiteRT's reference kernels, bit for bit, and by how much the deadline is missed."""
    pictures = [upstream.photograph(n) for n in ("person_image_data_grayscale", "no_person_image_data_grayscale")]
    # Slower than the network: each photograph is seen once. One frame in ten seconds.
    machine.camera.play(Frames(np.stack(pictures), rate=0.05, background=0.5))
    first = machine.wait_for_decision(within="60 s")
    while len(machine.port.outputs) < 40 and machine.decisions[-1].label != "nobody":
        machine.wait_for_decision(within="60 s")
    raw = [np.frombuffer(data, np.uint8).tolist() for slot, data in machine.port.outputs if slot == 1]
    assert (first.label, raw[0]) == ("person", [43, 250, 44])
    assert raw[-1] == [14, 107, 215]
    spent = machine.measure("invoke")
    late = first.latency - DEADLINE
    print(
        f"{machine.board.name}: {spent.instructions.max} instructions, {late:.2f} s after the deadline of {DEADLINE} s"
    )
    assert late > 0  # on the default tree, on every board
