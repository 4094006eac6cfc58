"""What faults of every kind share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.durations import picoseconds
from sim.errors import UsageError
from sim.port.answer import Answer
from sim.port.mailbox import Op, Request

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.sensors.channel import SensorChannel

Time = float | str


class FaultBase:
    """Faults of one machine, in the order in which they are injected."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._run = machine.runner
        self.done: list[dict[str, Any]] = []  # what has been injected so far, with its board time

    def _in(self, after: Time) -> int:
        return self._run.time_ps + picoseconds(after)

    def _channel(self, sensor: str) -> SensorChannel:
        return self._machine.sensor(sensor).channel

    def _at_decision(self, number: int, call: Callable[[], None]) -> None:
        if number < 1:
            raise UsageError(f"at decision {number}", hint="1 is the first")

        def look(request: Request, now: int, answer: Answer) -> Answer:
            if request.op is Op.DECISION and len(self._run.port.decisions) == number:
                self._run.alarms.at(now, call)
            return answer

        self._run.port.onlookers.append(look)

    def _note(self, kind: str, **said: Any) -> None:
        fault = {"kind": kind, **said}
        self.done.append(fault)
        if self._machine.capture is not None and kind != "dropout":  # those it sees by itself
            self._machine.capture.faults.append(fault)
