"""Deadlines of a stream: worked out by hand from reads and decisions at given board times."""

from __future__ import annotations

import math

import pytest

from sim.durations import PS
from sim.errors import UsageError
from sim.machine.deadlines import Deadlines, deadlines_of
from sim.port.streams import StreamLog
from sim.sensors.channel import SensorChannel
from sim.sensors.parts import part

MS = PS // 1000


def run(work_ms: list[float], samples: int = 10) -> Deadlines:
    """A sensor at 100 Hz with a FIFO of 32; each turn: read 10 samples, work that long, decide."""
    channel = SensorChannel(part("lsm9ds1"), "imu")
    channel.open(100, 0)
    log, now = StreamLog(channel), 0
    for work in work_ms:
        delivery = channel.read(samples, now)
        log.read(delivery)
        now = delivery.ready_ps + round(work * MS)
        log.decided(now)
    return deadlines_of({"imu": log})


def test_fast_enough() -> None:
    imu = run([5, 6, 4])["imu"]
    assert imu.period == imu.deadline == 0.1
    assert imu.latencies == (0.005, 0.006, 0.004)
    assert (imu.worst, imu.jitter, imu.misses, imu.lost, imu.kept) == (0.006, pytest.approx(0.002), 0, 0, True)


def test_a_slow_one_queues_up_then_loses() -> None:
    """150 ms of work every 100 ms: each answer is 50 ms later, until the FIFO is full and samples are lost."""
    imu = run([150] * 12)["imu"]
    assert imu.latencies[:4] == pytest.approx((0.15, 0.2, 0.25, 0.3))
    assert imu.period == 0.1
    assert imu.misses == 12
    assert imu.lost > 0
    assert imu.backlog == imu.fifo == 32
    # Nothing waits longer than the FIFO holds: the oldest of 32, taken as the tenth of them, and the work.
    assert imu.worst <= 0.32 - 0.1 + 0.01 + 0.15 + 1e-9
    assert not imu.kept


def test_a_deadline_of_ones_own() -> None:
    found = run([20, 60, 20])
    assert found.misses == 0
    tight = found.within("50 ms")
    assert (tight["imu"].misses, tight.misses, tight.kept) == (1, 1, False)
    assert "1 later than 50.0 ms" in str(tight)


def test_an_app_that_seldom_answers_has_the_greatest_common_period() -> None:
    channel = SensorChannel(part("lsm9ds1"), "imu")
    channel.open(100, 0)
    log, now = StreamLog(channel), 0
    for turn in range(12):
        delivery = channel.read(5, now)
        log.read(delivery)
        now = delivery.ready_ps
        if turn in (3, 5, 11):
            log.decided(now)
    assert deadlines_of({"imu": log})["imu"].period == 0.1  # 10 and 30 samples


def test_decisions_without_samples_are_no_answers_and_one_has_no_period() -> None:
    channel = SensorChannel(part("lsm9ds1"), "imu")
    channel.open(100, 0)
    log = StreamLog(channel)
    log.decided(0)
    none = deadlines_of({"imu": log})["imu"]
    assert none.answers == 0
    assert math.isnan(none.worst)
    assert "no decision" in str(none)
    log.read(channel.read(10, 0))
    log.decided(PS)
    log.decided(2 * PS)
    one = deadlines_of({"imu": log})["imu"]
    assert one.answers == 1
    assert math.isnan(one.period)
    assert one.misses == 0


def test_unknown_sensors_are_named() -> None:
    with pytest.raises(UsageError, match="imu"):
        run([1])["microphone"]
