"""Waiting for the probe without sleeping, at first: a doorbell is answered in less time than a wake-up takes.

On a virtual machine a sleeping process takes 25 us and more to wake, twice for each doorbell. probe/spin.c does the
same at the other end. Where spinning was in vain it is left out for a while, so that long waits cost next to nothing;
where boards run on all cores there is none to spin on.
"""

from __future__ import annotations

import select
import time

from sim.parallel import at_once, cores

_SPIN = 50e-6  # s of host time
_SKIP_MAX = 64  # waits


def has_a_core() -> bool:
    """Whether each board that runs at once has two cores: one for the emulator, one for us."""
    return cores() >= 2 * at_once()


class Spin:
    """Of one process: how often spinning is worth its time."""

    def __init__(self) -> None:
        self._other_core = has_a_core()
        self._skip = self._skipped = 0

    def ready(self, poll: select.poll) -> bool:
        """Whether something is ready within the time of spinning."""
        if self._skipped < self._skip or not self._other_core:
            self._skipped += 1
            return False
        end = time.perf_counter() + _SPIN
        while time.perf_counter() < end:
            if poll.poll(0):
                self._skip = 0
                return True
        self._skipped = 0
        self._skip = min(2 * self._skip or 1, _SKIP_MAX)
        return False
