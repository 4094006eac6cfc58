"""Board time: counted, not clocked.

Board time = busy cycles / core clock + idle time. Busy cycles are instructions times one (no timing model yet, and
every report says so); idle time is added when the firmware waits for a sample or sleeps. All in whole picoseconds,
so a run gives the same times on every host.
"""

from __future__ import annotations

from sim.durations import PS

CYCLE_MODEL = "1 cycle per instruction"


class BoardClock:
    """The clock of one virtual board. Times in ps."""

    def __init__(self, clock_hz: int) -> None:
        self._hz = clock_hz
        self.idle_ps = 0

    def at(self, instructions: int) -> int:
        """Board time when that many instructions have been executed, with the idle time so far."""
        return instructions * PS // self._hz + self.idle_ps

    def wait_until(self, ps: int, instructions: int) -> None:
        """The core waits: board time moves on to `ps`, if that is later than now."""
        self.idle_ps += max(0, ps - self.at(instructions))

    def limit(self, ps: int) -> int:
        """The first instruction count at which board time is at least `ps`, if the core never waits."""
        return max(0, -(-(ps - self.idle_ps) * self._hz // PS))
