"""Board time: counted, not clocked.

Board time = busy cycles / core clock + idle time. Busy cycles are those of the board's timing model; a core that has
none is taken to do one instruction a cycle, and every report says so. Idle time is added when the firmware waits for a
sample or sleeps. All in whole picoseconds, so a run gives the same times on every host.
"""

from __future__ import annotations

import hashlib

from sim.durations import PS
from sim.timing import TimingProfile

ONE_PER_INSTRUCTION = "1 cycle per instruction"  # the model of a core without a timing model
# Of an image with timers or interrupts; docs/port.md, "Board time".
STILL = "its timers stand still while it waits for samples; waiting in WFI is not counted"


def cycle_model(timing: TimingProfile | None) -> str:
    """What the cycles of board time are, for reports."""
    if timing is None:
        return ONE_PER_INSTRUCTION
    return timing.name if timing.validated else f"{timing.name}, never held against hardware"


def model_with_parameters(timing: TimingProfile | None, model: str) -> str:
    """A cycle model as measured, with the parameters that the board gives it: other parameters, other cycles."""
    if timing is None or ONE_PER_INSTRUCTION in model:
        return model
    values = ",".join(f"{key}={p.value}" for key, p in sorted(timing.parameters.items()))
    return f"{model}, parameters {hashlib.sha256(values.encode()).hexdigest()[:8]}"


class BoardClock:
    """The clock of one virtual board. Times in ps."""

    def __init__(self, clock_hz: int) -> None:
        self._hz = clock_hz
        self.idle_ps = 0
        self._offset_ps = 0

    def at(self, cycles: int) -> int:
        """Board time when the core has been busy for that many cycles, with the idle time so far."""
        return cycles * PS // self._hz + self.idle_ps + self._offset_ps

    def go_on(self, ps: int, cycles: int, hz: int | None = None) -> None:
        """It is `ps` now, at this count of cycles, which goes on at `hz`: another clock, or a count from zero."""
        self._hz = hz or self._hz
        self._offset_ps += ps - self.at(cycles)

    def wait_until(self, ps: int, cycles: int) -> None:
        """The core waits: board time moves on to `ps`, if that is later than now."""
        self.idle_ps += max(0, ps - self.at(cycles))

    def limit(self, ps: int) -> int:
        """The first count of busy cycles at which board time is at least `ps`, if the core never waits."""
        return max(0, -(-(ps - self.idle_ps - self._offset_ps) * self._hz // PS))
