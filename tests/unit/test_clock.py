"""Board time in whole picoseconds."""

from __future__ import annotations

import random

import pytest

from sim.clock import BoardClock
from sim.durations import PS, picoseconds, shown
from sim.errors import UsageError


@pytest.mark.parametrize("hz", [1, 32_768, 16_000_000, 64_000_000, 84_000_000, 168_000_000, 480_000_000])
def test_limit_is_the_first_count_at_that_time(hz: int) -> None:
    rng = random.Random(hz)
    clock = BoardClock(hz)
    for _ in range(500):
        clock.idle_ps = rng.choice([0, rng.randrange(10 * PS)])
        ps = rng.randrange(20 * PS)
        n = clock.limit(ps)
        assert clock.at(n) >= ps or (n == 0 and clock.idle_ps >= ps)
        assert n == 0 or clock.at(n - 1) < ps


def test_waiting_moves_to_the_instant_and_never_back() -> None:
    clock = BoardClock(64_000_000)
    clock.wait_until(1000, 0)
    assert clock.at(0) == 1000
    clock.wait_until(500, 0)
    assert clock.at(0) == 1000
    clock.wait_until(PS, 64_000)
    assert clock.at(64_000) == PS


def test_busy_time_does_not_drift() -> None:
    clock = BoardClock(84_000_000)
    assert clock.at(84_000_000 * 3600) == 3600 * PS
    assert clock.at(1) == 11904  # 11904.76 ps, rounded down


@pytest.mark.parametrize(
    ("given", "ps"),
    [("2 s", 2 * PS), ("150 ms", 150 * 10**9), ("1.5us", 1_500_000), ("3 µs", 3_000_000), ("7 ns", 7000),
     ("1 min", 60 * PS), ("1 h", 3600 * PS), (0.25, PS // 4), (3, 3 * PS), (0, 0)],
)  # fmt: skip
def test_durations(given: float | str, ps: int) -> None:
    assert picoseconds(given) == ps


@pytest.mark.parametrize(
    "given", ["", "2", "s", "-1 s", "2 sec", "1 s 2 ms", -1, float("nan"), float("inf"), None, 10**400]
)
def test_no_durations(given: float | str | None) -> None:
    with pytest.raises(UsageError, match="no duration"):
        picoseconds(given)  # type: ignore[arg-type]


def test_shown() -> None:
    assert shown(1_250_000_000_000) == "1.250000 s"
