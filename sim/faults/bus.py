"""Faults of the bus that a sensor is on; they need a bus build, as the port has no bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sim.durations import picoseconds
from sim.engines.protocol import BusSession
from sim.errors import UsageError, near

if TYPE_CHECKING:
    from sim.machine.runner import Runner

KINDS = ("no answer", "stuck")


def bus_fault(run: Runner, sensor: str, kind: str, after: float | str, lasts: float | str | None) -> int:
    """Sets it, for ever without `lasts`; returns the board time at which it begins (ps). Raises UsageError."""
    if kind not in KINDS:
        raise UsageError(f"a bus with the fault {kind!r}", hint=near(kind, KINDS))
    if sensor not in run.sensors:
        raise UsageError(f"board {run.board.name} has no {sensor!r}", hint=near(sensor, run.sensors))
    if run.layout.io != "bus":
        raise UsageError(
            f"the firmware has the samples of {sensor!r} from the port, not from a bus",
            hint='a bus build has them from there: io = "bus" (docs/bus.md)',
        )
    start = run.time_ps + picoseconds(after)

    def switch(on: bool) -> None:
        cast(BusSession, run.session).bus_fault(sensor, kind, on)

    if start <= run.time_ps:  # now, before the machine goes on
        switch(True)
    else:
        run.alarms.at(start, lambda: switch(True))
    if lasts is not None:
        run.alarms.at(start + picoseconds(lasts), lambda: switch(False))
    return start
