"""Spinning for a doorbell's answer is left out where it was in vain, and taken up again when it may be worth it."""

from __future__ import annotations

import os
import select
import socket
from itertools import pairwise

import pytest

from sim.engines.qemu.spin import Spin
from sim.parallel import JOBS


class Counted:
    """A real poll that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.ours, self.theirs = socket.socketpair()
        self._poll = select.poll()
        self._poll.register(self.ours, select.POLLIN)

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        assert timeout == 0, "spinning never sleeps"
        self.asked += 1
        return self._poll.poll(timeout)

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def poll(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    monkeypatch.delenv(JOBS, raising=False)
    counted = Counted()
    yield counted
    counted.close()


def test_waits_in_vain_are_skipped_ever_longer(poll: Counted) -> None:
    spin, spun = Spin(), []
    for _ in range(250):
        before = poll.asked
        assert not spin.ready(poll)
        spun.append(poll.asked > before)
    at = [i for i, yes in enumerate(spun) if yes]
    assert [b - a - 1 for a, b in pairwise(at)] == [1, 2, 4, 8, 16, 32, 64, 64]


def test_an_answer_in_time_takes_it_up_again(poll: Counted) -> None:
    spin = Spin()
    for _ in range(20):
        spin.ready(poll)
    poll.theirs.send(b"!")
    while not spin.ready(poll):  # those to skip
        pass
    before = poll.asked
    assert spin.ready(poll)
    assert poll.asked > before


def test_on_one_core_it_would_keep_the_emulator_from_running(poll: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    poll.theirs.send(b"!")
    assert not Spin().ready(poll)
    assert poll.asked == 0


@pytest.mark.parametrize("name", [JOBS, "PYTEST_XDIST_WORKER_COUNT"])
def test_where_boards_run_on_all_cores_none_is_left_to_spin_on(
    poll: Counted, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "2")
    poll.theirs.send(b"!")
    assert not Spin().ready(poll)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    assert Spin().ready(poll)
