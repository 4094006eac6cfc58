"""Privacy: what leaves the device carries its decisions, and no samples.

Copy: `test_no_samples_leave`, for your app and your recordings. The rest shows that it would notice.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim import Recording
from sim.leaks import leaks
from sim.outgoing import traffic

WAYS = {1: "decimal", 2: "hex", 3: "raw", 4: "scaled", 5: "floats", 6: "score"}


@pytest.mark.app("gesture")
@pytest.mark.parametrize("name", ["running_07", "walking_03", "badminton_04"])
def test_no_samples_leave(machine, recording, name):
    machine.imu.play(recording(name))
    machine.run_to_end()
    assert machine.decisions
    assert leaks(machine) == []
    sent = traffic(machine)
    assert (sent.console, sent.outputs) == (0, 0)  # the decisions, and nothing beside them


@pytest.mark.app("keyword")
def test_no_sound_leaves(machine, recording):
    machine.microphone.play(recording("yes_synthetic"))
    machine.run_to_end()
    assert leaks(machine) == []
    assert traffic(machine).sent < 100


@pytest.mark.app("gesture")
def test_two_recordings_of_one_motion_look_alike_from_outside(firmware, recording, request):
    """Different samples, the same decision: nothing but when and how sure tells them apart."""
    seen = []
    for name in ("standing_01", "standing_06"):
        with request.getfixturevalue("_boardless_target").boot(firmware.elf) as machine:
            machine.imu.play(recording(name))
            machine.run_to_end()
            said = [(d.label, d.index, dict(d.samples)) for d in machine.decisions]
            seen.append((machine.console.raw, machine.port.outputs, dict(machine.port.info), said))
    assert seen[0] == seen[1]


@pytest.mark.app("apps/talkative")
@pytest.mark.parametrize("way", WAYS, ids=WAYS.get)
def test_a_firmware_that_tells_is_caught(machine, recording, way):
    """The same assertion as above, on a firmware that leaks: it fails, and says which samples went where."""
    machine.port.config["way"] = way
    machine.imu.play(recording("walking_03"))
    machine.run_to_end()
    found = leaks(machine)
    with pytest.raises(AssertionError):
        assert found == []
    print(*found, sep="\n")
    assert {leak.sensor for leak in found} == {"imu"}
    first = found[0]
    codes = machine.imu.channel.output.recent()[:, machine.imu.channel.part.channels.index(first.channel)].tolist()
    assert any(tuple(codes[i : i + len(first.samples)]) == first.samples for i in range(len(codes)))
    assert np.corrcoef(first.values, first.samples)[0, 1] ** 2 > 0.98


@pytest.mark.app("apps/talkative")
def test_the_same_firmware_that_keeps_quiet_is_not(machine, recording):
    machine.imu.play(recording("walking_03"))
    machine.run_to_end()
    assert leaks(machine) == []


@pytest.mark.app("image")
def test_a_frame_is_found_too(machine):
    """`show_input` sends the model's input, the reduced picture: made of the samples, yet none of them."""
    from sim.sensors.frames import Frames

    rng = np.random.default_rng(1)
    machine.port.config["show_input"] = 1
    machine.camera.play(Frames(rng.uniform(0, 1, (8, 120, 160)), 8))
    machine.run("600 ms")
    assert leaks(machine) == []
    frame = machine.camera.channel.output.recent()[-1]
    machine.port.outputs.append((7, frame[1000:1100].astype(np.uint8).tobytes()))  # as a firmware would
    (leak,) = leaks(machine)
    assert (leak.where, leak.channel) == ("output 7", "pixels")


@pytest.mark.app("apps/talkative")
def test_counting_and_chance_are_no_leaks(machine):
    """A ramp before the sensor, and a firmware that counts; noise that has nothing to do with it."""
    machine.imu.play(Recording(np.linspace(-9, 9, 200), ["ax"], "m/s^2", rate=14.9))
    machine.run_to_end()
    rng = np.random.default_rng(2)
    machine.port.outputs.append((0, bytes(range(256)) * 4))
    machine.port.outputs.append((1, rng.integers(0, 256, 1000, np.uint8).tobytes()))
    assert leaks(machine) == []
