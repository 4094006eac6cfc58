"""A recording's codes go back into the sensors of a machine, by sample index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sim.errors import UsageError, near
from sim.field.recorded import FieldRecording, SensorRecord
from sim.port.answer import Answer
from sim.port.mailbox import OK, Op, Request

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.machine.runner import Runner
    from sim.sensors.channel import SensorChannel


@dataclass
class Feed:
    """One sensor. What lies behind the recorded samples is the part's rest value."""

    record: SensorRecord
    opening: int = -1  # number of the opening that is under way
    beyond: int = 0  # samples that were asked for and that the recording has not
    _rest: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        self._rest = bytes(self.record.bytes_per_sample)

    def codes(self, first: int, end: int) -> bytes:
        """Of samples first..end."""
        size = self.record.bytes_per_sample
        openings = self.record.openings
        known = openings[self.opening].codes if 0 <= self.opening < len(openings) else b""
        out = known[first * size : end * size]
        short = end - first - len(out) // size
        self.beyond += short
        return out + self._rest * short


def feed(runner: Runner, recording: FieldRecording) -> dict[str, Feed]:
    """From now on the sensors deliver what the recording has. Raises UsageError where the board has not got them."""
    feeds: dict[str, Feed] = {}
    for record in recording.sensors:
        channel = runner.sensors.get(record.slot)
        if channel is None:
            raise UsageError(
                f"the recording has samples of {record.slot!r}, but board {runner.board.name} has none",
                hint=near(record.slot, runner.sensors),
            )
        part = channel.part
        if (tuple(part.channels), part.dtype) != (record.channels, record.dtype):
            raise UsageError(
                f"the recording's {record.slot} was a {record.part} with {', '.join(record.channels[:8])} in "
                f"{record.dtype}; that of board {runner.board.name} is a {part.name} and delivers other codes",
                hint="replay it on the board that it is from, or one with such a part",
            )
        made = feeds[record.slot] = Feed(record, 0 if channel.opened else -1)
        channel.output.feed = made.codes

    def look(request: Request, _now: int, answer: Answer) -> Answer:
        if request.op is Op.OPEN and answer.status == OK:
            opened = runner.port.handle(answer.results[0])
            if opened.name in feeds:
                feeds[opened.name].opening += 1
        return answer

    runner.port.onlookers.append(look)
    return feeds


def prepare(machine: Machine, recording: FieldRecording) -> dict[str, Feed]:
    """Everything of a recording that a run depends on: codes, inputs, configuration, what the test wrote, faults."""
    runner = machine.runner
    feeds = feed(runner, recording)
    port = runner.port
    port.config.update(recording.config)
    if recording.inputs:
        waiting = list(recording.inputs)

        def given(slot: int, _capacity: int) -> bytes | None:
            return waiting.pop(0)[1] if waiting and waiting[0][0] == slot else None

        port.inputs = given
    for time_ps, address, data in recording.writes:
        runner.alarms.at(time_ps, partial(machine.write, address, data))
    late = [fault for fault in recording.faults if _opened_before(recording, fault)]
    if len(late) < len(recording.faults):
        machine.faults.repeat([f for f in recording.faults if f not in late])
    if late:
        opened = {s.slot: s.openings[0].time_ps for s in recording.sensors if s.openings}
        _at_opening(runner, [_moved(fault, -opened[fault["sensor"]]) for fault in late])
    return feeds


def _opened_before(recording: FieldRecording, fault: Mapping[str, Any]) -> bool:
    """A dropout of a sensor that had been opened, once, before it."""
    sensor = recording.sensor(str(fault.get("sensor", "")))
    if fault.get("kind") != "dropout" or sensor is None or len(sensor.openings) != 1:
        return False
    return bool(fault["time_ps"] >= sensor.openings[0].time_ps)


def _moved(fault: Mapping[str, Any], by_ps: int) -> Mapping[str, Any]:
    return {**fault, "time_ps": fault["time_ps"] + by_ps, "end_ps": fault["end_ps"] + by_ps}


def _at_opening(runner: Runner, dropouts: Sequence[Mapping[str, Any]]) -> None:
    """Dropouts count from the opening of their sensor: the next build opens it some cycles sooner or later, and is to
    miss the same samples. (A log does not say when it was opened at all.)
    """

    def look(request: Request, now: int, answer: Answer) -> Answer:
        if request.op is Op.OPEN and answer.status == OK:
            channel = runner.port.handle(answer.results[0])
            for fault in dropouts:
                if fault["sensor"] == channel.name and not channel.dropouts:
                    waiting.append((channel, fault))
            for opened, fault in waiting:
                opened.drop_out(now + fault["time_ps"], now + fault["end_ps"], fault["how"])
            waiting.clear()
        return answer

    waiting: list[tuple[SensorChannel, Mapping[str, Any]]] = []
    runner.port.onlookers.append(look)
