"""How a set is cut into units: every recording once, in order, and little is left for the last one."""

from __future__ import annotations

import pytest

from sim.evaluate.unit import groups


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
