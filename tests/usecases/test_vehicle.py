"""Vehicle: drives over synthetic roads on the virtual board, and the deadline of each decision."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import use

from sim.sensors.recording import Recording

pytestmark = pytest.mark.app("vehicle")
f = use.module("vehicle", "features")
road = use.module("vehicle", "road")
SEED = 77  # none of the seeds that train.py uses
DEADLINE = f.CARD["deadline_ms"] / 1000


def of(drives) -> Recording:
    units = ["m/s^2"] * 3 + ["deg/s"] * 3
    return Recording(np.concatenate([d.samples for d in drives]), f.CARD["channels"], units, rate=road.RATE)


def run(machine, played: Recording) -> None:
    machine.port.config["show_input"] = 1
    machine.imu.play(played)
    machine.run_to_end()
    machine.run(0.3)  # the last window is still being worked on


@pytest.mark.board("arduino_nano_33_ble", "stm32f4_discovery", "nucleo_l152re", "mps3_an547")
def test_every_decision_in_time_and_as_on_the_host(machine):
    drives = road.drives(SEED, list(road.LABELS))
    run(machine, of(drives))
    wanted = f.windows(f.inputs(f.codes(np.concatenate([d.samples for d in drives]))))
    decisions = machine.decisions[: len(wanted)]
    assert np.array_equal(use.inputs_of(machine)[: len(wanted)], wanted.reshape(len(wanted), -1))
    assert [d.index for d in decisions] == use.on_host("vehicle", wanted).argmax(axis=1).tolist()
    worst = max(d.latency for d in decisions)
    print(f"{machine.board.name}: worst latency {1e3 * worst:.1f} ms")
    assert worst < DEADLINE
    assert machine.imu.channel.statistics().overrun == 0


def test_right_on_roads_it_was_not_trained_on(machine):
    drives = road.drives(SEED, [label for label in road.LABELS for _ in range(15)], first=100)
    run(machine, of(drives))
    right = counted = 0
    for decision in machine.decisions:
        end = decision.samples["imu"] / f.RATE
        drive, within = divmod(end - 1e-6, road.SECONDS)
        if int(drive) >= len(drives) or within < 1.0 - 1e-3:
            continue  # the window lies over two drives
        truth = road.truth(drives[int(drive)], within)
        if truth is not None:
            counted += 1
            right += decision.label == truth
    print(f"{right} of {counted} windows right")
    assert counted > 1000
    assert right / counted >= 0.9


@pytest.mark.parametrize("label", ["pothole", "speed_bump", "cobblestones", "hard_braking"])
def test_shipped_drives(machine, recording, label):
    played = recording(f"drive_{label}")
    machine.imu.play(played)
    machine.wait_for_decision(label, within=played.duration + 0.1)


def test_cost(machine):
    machine.imu.play(of(road.drives(SEED, ["rough"])))
    assert machine.measure("invoke", runs=5).instructions.max < 15_000_000


def test_card_is_of_this_model():
    card = (use.folder("vehicle") / "card.md").read_text(encoding="utf-8")
    assert hashlib.sha256((use.folder("vehicle") / "vehicle.tflite").read_bytes()).hexdigest() in card
