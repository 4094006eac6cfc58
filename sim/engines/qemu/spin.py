"""Waiting for the probe without sleeping, at first: a doorbell is answered in less time than a wake-up takes.

On a virtual machine a sleeping process takes 25 us and more to wake, twice for each doorbell. probe/spin.c does the
same at the other end. Where spinning was in vain it is left out for a while, so that long waits cost next to nothing.
"""

from __future__ import annotations

import os
import select
import time

_SPIN = 50e-6  # s of host time
_SKIP_MAX = 64  # waits


class Spin:
    """Of one process: how often spinning is worth its time."""

    def __init__(self) -> None:
        self._other_core = _cores() > 1
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


def _cores() -> int:
    """Cores that we may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS
