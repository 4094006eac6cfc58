"""How a set is cut into units: every recording once, in order, and little is left for the last one."""

from __future__ import annotations

import pytest

from sim.evaluate.unit import groups, settled


@pytest.mark.parametrize("seconds", [[], [1.0], [500.0, 500.0], [10.0] * 40, [2.6] * 150, [4.0] * 336, [0.125] * 599])
def test_every_recording_once_in_order(seconds):
    assert [i for group in groups(seconds) for i in group] == list(range(len(seconds)))
    assert all(groups(seconds))


@pytest.mark.parametrize("seconds", [[10.0] * 40, [2.6] * 150, [4.0] * 336, [0.125] * 599, [60.0] * 20])
def test_two_processes_have_the_same_to_do(seconds):
    """Units as they are taken by whoever is free: at the end nobody waits for a tenth of all."""
    busy = [0.0, 0.0]
    for group in groups(seconds):
        busy[busy.index(min(busy))] += sum(seconds[i] for i in group)
    assert sum(busy) / max(busy) > 1.8


def test_long_recordings_are_played_alone():
    assert groups([300.0, 300.0, 1.0, 1.0]) == [[0], [1], [2, 3]]


@pytest.mark.parametrize(
    ("seconds", "least"),
    [([2.6] * 150, 14), ([0.125] * 599, 54), ([300.0, 1.0] * 9, 8), ([10.0] * 40, 0), ([60.0] * 20, 0)],
)
def test_what_is_settled_stays_whatever_comes_after(seconds, least):
    """Units that are played while the rest is read are units of the whole set: nothing is played twice."""
    begin, sizes = 0, []
    for known in range(1, len(seconds) + 1):
        while begin < known and (size := settled(seconds[begin:known], len(seconds) - begin)):
            sizes.append(size)
            begin += size
    whole = [len(group) for group in groups(seconds)]
    assert sizes == whole[: len(sizes)]
    assert len(sizes) >= least, "of short recordings most are settled before all is read"


def test_what_is_not_settled_waits():
    """Five of 30 s are one group of four where much follows, and two where little does."""
    seconds = [30.0] * 5
    assert settled(seconds, 100) == 0
    assert len(groups([*seconds, *[30.0] * 95])[0]) == 4
    assert len(groups([*seconds, *[0.1] * 95])[0]) == 1
