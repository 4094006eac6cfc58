"""The same firmware source, model and stimulus on two engines, event by event."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.durations import shown
from sim.errors import FirmwareFailure, UsageError
from sim.field.events import Event
from sim.field.recorded import FieldRecording

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.target import Target

_TIMES = re.compile(r" ready \d+$")  # what depends on the engine's clock, in a read


@dataclass(frozen=True)
class Side:
    """A firmware on an engine. `start` puts the stimulus in; it is called on a machine that is ready."""

    target: Target
    elf: Path
    start: Callable[[Machine], None]


@dataclass(frozen=True)
class Compared:
    """What both did. `index`: the first event that is not the same, None where there is none."""

    first: FieldRecording
    second: FieldRecording
    index: int | None
    states: tuple[str, str]  # of both machines at that event: registers, backtrace, log; empty without a difference

    @property
    def same_decisions(self) -> bool:
        """Equal decision hash, over as many decisions as both came to."""
        return self.decision_hashes[0] == self.decision_hashes[1]

    @property
    def decision_hashes(self) -> tuple[str, str]:
        """Of both, over as many decisions as both came to."""
        count = min(len(self.first.decisions), len(self.second.decisions))
        a, b = (replace(r, decisions=r.decisions[:count]).decision_hash for r in (self.first, self.second))
        return a, b

    @property
    def last_common(self) -> tuple[Event, Event] | None:
        """The last event in front of the difference, as both had it."""
        if not self.index:
            return None
        return self.first.events[self.index - 1], self.second.events[self.index - 1]

    @property
    def different(self) -> tuple[Event | None, Event | None]:
        """The events that differ; None: that run had no more. (None, None) without a difference."""
        if self.index is None:
            return None, None
        return _at(self.first, self.index), _at(self.second, self.index)

    def lines(self) -> list[str]:
        """For people."""
        names = [f"{r.engine['name']} {r.engine['version']} ({r.engine['machine']})" for r in (self.first, self.second)]
        if self.index is None:
            events = min(len(self.first.events), len(self.second.events))
            decisions = min(len(self.first.decisions), len(self.second.decisions))
            return [f"the same on {names[0]} and {names[1]}: {events} events, {decisions} decisions, "
                    f"decision hash {self.decision_hashes[0][:16]}"]  # fmt: skip
        out = [f"first difference: event {self.index}"]
        for name, event in zip(names, self.different, strict=True):
            out.append(f"  {name}: {event if event is not None else 'nothing more'}")
        common = self.last_common
        if common is not None:
            a, b = common
            out.append(f"last common event: {a.what} {a.detail}, at {shown(a.time_ps)} and {shown(b.time_ps)}")
        out.append("decisions: " + ("the same" if self.same_decisions else "not the same"))
        for name, state in zip(names, self.states, strict=True):
            out += [f"{name}, at that event:", *(f"  {line}" for line in state.splitlines())]
        return out


def _at(recording: FieldRecording, index: int) -> Event | None:
    return recording.events[index] if index < len(recording.events) else None


def _plain(event: Event) -> tuple[str, str]:
    """An event without what may differ between engines: its time."""
    return event.what, _TIMES.sub("", event.detail)


def compare(first: Side, second: Side, within: float | str) -> Compared:
    """Run both for that much board time, compare, and look at both machines where the runs part.

    The runs are done again for that: a run is a value. Firmware failures are events. Engines do not agree on board
    time, so what one of them did not come to in the time is no difference. Raises UsageError.
    """
    if first.target.board.name != second.target.board.name:
        raise UsageError("two engines are compared on one board", hint="the same --board for both")
    runs = [_run(side, None, within)[0] for side in (first, second)]
    index = _first(runs[0], runs[1])
    states = ("", "")
    if index is not None:
        a, b = (_run(side, index + 1, within)[1] for side in (first, second))
        states = (a, b)
    return Compared(runs[0], runs[1], index, states)


def _first(a: FieldRecording, b: FieldRecording) -> int | None:
    ours, theirs = ([_plain(e) for e in r.events if e.what != "console"] for r in (a, b))
    for index, (x, y) in enumerate(zip(ours, theirs, strict=False)):
        if x != y:
            return index
    ended = a.failure or b.failure or a.exit_code is not None or b.exit_code is not None
    return min(len(ours), len(theirs)) if ended and len(ours) != len(theirs) else None


def _run(side: Side, events: int | None, within: float | str) -> tuple[FieldRecording, str]:
    """The run as a recording, and the state of the machine at its end."""
    with side.target.started(side.elf) as machine:
        machine.record()
        capture = machine.capture
        assert capture is not None

        def done() -> bool:
            return machine.port.exit_code is not None or (events is not None and capture.count >= events)

        try:
            machine.run_until_ready()
            side.start(machine)
            machine.run_until(done, within, "the events to compare")
        except FirmwareFailure:
            pass  # the recording has it, or the time is over
        return capture.recording(), str(machine.report())


__all__ = ["Compared", "Side", "compare"]
