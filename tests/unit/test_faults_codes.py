"""Faults of sensors on codes alone: what each does, and that it does not depend on how the firmware reads."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from sim.faults import codes
from sim.sensors.channel import PS, SensorChannel
from sim.sensors.parts import part
from sim.sensors.recording import Recording

AXES = ["ax", "ay", "az", "gx", "gy", "gz"]


def channel() -> SensorChannel:
    made = SensorChannel(part("lsm6dso"))
    values = np.arange(1, 601, dtype=float)[:, None] * np.array([0.01, 0.02, 0.03, 0.1, 0.2, 0.3])
    made.play(Recording(values, AXES, ["m/s^2"] * 3 + ["deg/s"] * 3, rate=104.0), 0)
    return made


def delivered(change: codes.Change | None, reads: list[int], start: float = 1.0, end: float = 2.0) -> np.ndarray:
    """Codes [n, 6] of that many samples a read, with a fault from start to end (s)."""
    made = channel()
    made.open(104, 0)
    if change is not None:
        made.output.distortions.append(codes.Window(made, round(start * PS), round(end * PS), change))
    raw = b"".join(made.read(n, 0).codes for n in reads)
    return np.frombuffer(raw, "<i2").reshape(-1, 6)


CHANGES = {
    "stuck": lambda: codes.stuck(lambda: None, [0, 1], 7),
    "saturated": lambda: codes.saturated([2], [5]),
    "noisy": lambda: codes.noisy([0, 3], [20.0, 5.0], 3),
    "drifting": lambda: codes.drifting([1], [1.5], lambda: 104),
    "swapped": lambda: codes.swapped(0, 5),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_however_it_is_read(name: str) -> None:
    clean = delivered(None, [500])
    whole = delivered(CHANGES[name](), [500])
    assert (whole == delivered(CHANGES[name](), [1] * 300 + [200])).all()
    assert (whole == delivered(CHANGES[name](), [7] * 71 + [3])).all()
    # Sample k is taken at (k + 1) / 104: those after 1 s, up to 2 s.
    assert (whole[:104] == clean[:104]).all()
    assert (whole[208:] == clean[208:]).all()
    assert (whole[104:208] != clean[104:208]).any()


def test_what_each_does() -> None:
    clean = delivered(None, [500]).astype(int)
    inside = slice(104, 208)
    assert (delivered(CHANGES["stuck"](), [500])[inside, :2] == 7).all()
    assert (delivered(CHANGES["saturated"](), [500])[inside, 2] == 5).all()
    drift = delivered(CHANGES["drifting"](), [500])[inside, 1] - clean[inside, 1]
    assert drift.tolist() == [round(1.5 * (i + 1)) for i in range(104)]
    swapped = delivered(CHANGES["swapped"](), [500])[inside]
    assert (swapped == clean[inside][:, [5, 1, 2, 3, 4, 0]]).all()
    noise = delivered(CHANGES["noisy"](), [500])[inside] - clean[inside]
    assert 15 < noise[:, 0].std() < 25
    assert not noise[:, 1].any()


def test_stuck_at_the_last_one() -> None:
    made = channel()
    made.open(104, 0)
    windows: list[codes.Window] = []
    windows.append(codes.Window(made, PS, codes.FOREVER, codes.stuck(lambda: windows[0].last, [0], None)))
    made.output.distortions.append(windows[0])
    got = np.frombuffer(made.read(200, 0).codes, "<i2").reshape(-1, 6)
    assert (got[104:, 0] == got[103, 0]).all()
    assert windows[0].samples == 96


def test_codes_stay_what_the_part_can_say() -> None:
    got = delivered(codes.drifting([0], [30000.0], lambda: 104), [500])
    assert got[110, 0] == 32767


def test_a_wrong_rate_is_another_true_rate() -> None:
    right, fast = channel(), channel()
    fast.rate_error = Fraction("1.02")
    right.open(104, 0)
    fast.open(104, 0)
    assert fast.rate == right.rate == 104  # what the firmware is told
    assert fast.read(104, 0).ready_ps == pytest.approx(right.read(104, 0).ready_ps / 1.02, rel=1e-9)
