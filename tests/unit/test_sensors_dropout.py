"""A part that drops out: what is missing, what is held, what is said, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from sim.durations import PS
from sim.errors import UsageError
from sim.sensors.channel import SensorChannel
from sim.sensors.delivery import Delivery
from sim.sensors.parts import part
from sim.sensors.recording import Recording

RATE = 10


def channel(points: int = 200) -> SensorChannel:
    """Temperatures whose code at index i is i + 1, at 10 Hz, with room for one sample unread."""
    found = SensorChannel(part("hts221"))
    found.open(RATE, 0)
    found.play(Recording((np.arange(points) + 1) * 0.01, ["temperature"], "degC", rate=RATE), 0)
    return found


def codes(delivery: Delivery) -> list[int]:
    return np.frombuffer(delivery.codes, "<i2").tolist()


def at(index: int) -> int:
    """Board time just after sample `index`."""
    return (index + 1) * PS // RATE + 1


def test_silent_samples_are_missing_and_the_read_waits() -> None:
    sensor = channel()
    sensor.drop_out(at(4), at(9), "silent")  # 5..9 do not exist
    got = sensor.read(8, 0)
    assert codes(got) == [1, 2, 3, 4, 5, 11, 12, 13]
    assert (got.first_index, got.end_index, got.overrun, got.count) == (0, 13, 5, 8)
    assert got.ready_ps == sensor.time_of(12)
    after = sensor.read(2, got.ready_ps)
    assert codes(after) == [14, 15]
    assert after.overrun == 0
    stats = sensor.statistics()
    assert (stats.consumed, stats.overrun, stats.silent) == (10, 0, 5)
    assert "5 missing" in str(stats)


def test_stuck_repeats_the_last_sample() -> None:
    sensor = channel()
    sensor.drop_out(at(4), at(7), "stuck")
    got = sensor.read(10, 0)
    assert codes(got) == [1, 2, 3, 4, 5, 5, 5, 5, 9, 10]
    assert (got.overrun, sensor.statistics().consumed) == (0, 10)


def test_stuck_from_the_start_rests() -> None:
    sensor = channel()
    sensor.drop_out(0, at(2), "stuck")
    assert codes(sensor.read(5, 0)) == [0, 0, 0, 4, 5]


def test_overrun_and_silence_are_told_apart() -> None:
    """Nobody reads for 20 samples, 5 of which do not exist: 14 found the FIFO full, one is there."""
    sensor = channel()
    sensor.drop_out(at(4), at(9), "silent")
    got = sensor.read(2, at(19))
    assert codes(got) == [20, 21]
    assert (got.first_index, got.overrun, got.waiting) == (19, 19, 1)
    stats = sensor.statistics()
    assert (stats.overrun, stats.silent) == (14, 5)


def test_a_dropout_that_nobody_meets_changes_nothing() -> None:
    plain, broken = channel(), channel()
    broken.drop_out(at(500), at(600), "silent")
    now = 0
    for samples in (3, 1, 7, 2):
        a, b = plain.read(samples, now), broken.read(samples, now)
        assert a == b
        now = a.ready_ps + 3 * PS // RATE
    assert plain.statistics() == broken.statistics()


def test_several_one_after_the_other() -> None:
    sensor = channel()
    sensor.drop_out(at(9), at(11), "silent")
    sensor.drop_out(at(1), at(3), "silent")
    sensor.drop_out(at(11), at(13), "stuck")  # the last there was has code 10
    assert codes(sensor.read(14, 0)) == [1, 2, 5, 6, 7, 8, 9, 10, 10, 10, 15, 16, 17, 18]


@pytest.mark.parametrize(
    ("times", "kind", "said"),
    [((0, 5), "broken", "silent"), ((5, 5), "stuck", "no time"), ((3, 8), "stuck", "same time")],
)
def test_bad_ones_are_refused(times: tuple[int, int], kind: str, said: str) -> None:
    sensor = channel()
    sensor.drop_out(4 * PS, 6 * PS)
    with pytest.raises(UsageError, match=said):
        sensor.drop_out(times[0] * PS, times[1] * PS, kind)


def test_recent_codes_are_kept() -> None:
    sensor = channel()
    sensor.read(3, 0)
    sensor.read(2, 0)
    assert sensor.output.recent().tolist() == [[1], [2], [3], [4], [5]]
