"""Capture: looks on while a machine runs, and makes a recording of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.durations import PS
from sim.errors import UsageError
from sim.field.build_id import build_id
from sim.field.captured import board_text, build, by_looking, dropouts, remarks, signature, stimuli
from sim.field.captured_codes import CapturedCodes
from sim.field.events import EVENTS_MAX, Event, short_hash
from sim.field.recorded import Failure, FieldRecording, SensorRecord
from sim.port.answer import Answer
from sim.port.mailbox import OK, Op, Request

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine.runner import Runner

BYTES_MAX = 128 << 20  # of codes, inputs and writes together


class Capture:
    """Everything that goes in and out of one machine, from its start on."""

    def __init__(self, runner: Runner) -> None:
        """Raises UsageError for a machine that has begun, or has its samples from a bus."""
        if runner.layout.io == "bus":
            raise UsageError(
                "a bus build cannot be recorded: nothing is known of when its samples are taken",
                hint='record the port build, io = "port" (docs/bus.md)',
            )
        if any(channel.opened for channel in runner.sensors.values()):
            raise UsageError(
                "record() comes too late: the firmware has opened a sensor already",
                hint="call it before the machine runs, or let pytest do it: --boardless-record always",
            )
        self._runner = runner
        self._events: list[Event] = []
        self._streams: dict[str, list[CapturedCodes]] = {}
        self._config: dict[str, int] = {}
        self._inputs: list[tuple[int, bytes]] = []
        self._writes: list[tuple[int, int, bytes]] = []
        self._bytes = 0
        self._too_long = ""
        self.faults: list[Mapping[str, Any]] = []
        runner.port.onlookers.append(self._look)
        for channel in runner.sensors.values():
            channel.output.tap = lambda first, codes, name=channel.name: self._delivered(name, first, codes)

    def wrote(self, address: int, data: bytes) -> None:
        """The test wrote to memory."""
        self._keep(len(data))
        self._writes.append((self._runner.time_ps, address, data))

    @property
    def count(self) -> int:
        """Events so far."""
        return len(self._events)

    # ---- looking on ----

    def _keep(self, size: int) -> None:
        self._bytes += size
        if self._bytes > BYTES_MAX:
            self._too_long = f"more than {BYTES_MAX >> 20} MiB of samples and inputs"

    def _event(self, now: int, what: str, detail: str) -> None:
        if len(self._events) >= EVENTS_MAX:
            self._too_long = f"more than {EVENTS_MAX} events"
        if not self._too_long:
            self._events.append(Event(now, what, detail))

    def _delivered(self, name: str, first: int, codes: bytes) -> None:
        stream = self._streams[name][-1]
        self._keep(len(codes))
        if not self._too_long:
            stream.pieces.append((first, codes))
        stream.last += codes

    def _look(self, request: Request, now: int, answer: Answer) -> Answer:
        if not answer.blocked and request.op in _EVENTS:
            self._event(now, request.op.name.lower(), _EVENTS[request.op](self, request.arg, now, answer))
        elif request.op is Op.CONFIG and answer.status == OK:
            self._config[self._text(request.arg)] = answer.results[0]
        return answer

    def _text(self, arg: Sequence[int]) -> str:
        return self._runner.memory.readable(arg[0], min(arg[1], 255)).decode("utf-8", "replace")

    def _ready(self, _arg: Sequence[int], _now: int, _answer: Answer) -> str:
        return self._runner.port.app

    def _open(self, arg: Sequence[int], now: int, answer: Answer) -> str:
        if answer.status != OK:
            return f"{self._text(arg)} refused"
        channel = self._runner.sensors[self._text(arg)]
        self._streams.setdefault(channel.name, []).append(CapturedCodes(channel, now))
        return f"{channel.name} at {channel.rate} Hz, ranges {', '.join(f'{r:g}' for r in channel.ranges)}"

    def _read(self, arg: Sequence[int], _now: int, answer: Answer) -> str:
        if answer.status != OK:
            return "end"
        channel = self._runner.port.handle(arg[0])
        stream = self._streams[channel.name][-1]
        codes, stream.last = stream.last, b""
        count, lost, low, high = answer.results
        return (
            f"{channel.name} {high << 32 | low}+{count} lost {lost} codes {short_hash(codes)} ready {answer.ready_ps}"
        )

    def _decision(self, _arg: Sequence[int], _now: int, _answer: Answer) -> str:
        d = self._runner.port.decisions[-1]
        taken = " ".join(f"{k}={v}" for k, v in sorted(d.samples.items()))
        return f"{d.label!r} class {d.index} score {d.score:.9g} after {taken}"

    def _sleep(self, arg: Sequence[int], _now: int, _answer: Answer) -> str:
        return f"{arg[1] << 32 | arg[0]} ns"

    def _input(self, arg: Sequence[int], _now: int, answer: Answer) -> str:
        if answer.status != OK:
            return f"slot {arg[0]} end"
        data = self._runner.memory.readable(arg[1], answer.results[0])
        self._keep(len(data))
        if not self._too_long:
            self._inputs.append((arg[0], data))
        return f"slot {arg[0]} {len(data)} bytes {short_hash(data)}"

    def _output(self, arg: Sequence[int], _now: int, _answer: Answer) -> str:
        data = self._runner.memory.readable(arg[1], arg[2])
        return f"slot {arg[0]} {len(data)} bytes {short_hash(data)}"

    def _exit(self, arg: Sequence[int], _now: int, _answer: Answer) -> str:
        return f"code {arg[0]}"

    def _info(self, arg: Sequence[int], _now: int, _answer: Answer) -> str:
        return f"{self._text(arg)} {arg[2]}"

    # ---- the recording ----

    def recording(self, firmware: Firmware | None = None, seed: int | None = None) -> FieldRecording:
        """What has been so far. Raises UsageError for a run that is too long for one."""
        run = self._runner
        if self._too_long:
            raise UsageError(f"the run is too long for a recording: {self._too_long}", hint="record a shorter one")
        failure, end, events = run.failure, run.time_ps, list(self._events)
        if failure is not None and by_looking(failure):
            end = events[-1].time_ps if events else 0  # when it is noticed depends on how the machine was run
        events.append(Event(end, "console", f"{len(run.log.raw)} bytes {short_hash(bytes(run.log.raw))}"))
        if failure is not None:
            events.append(Event(end, "failure", failure.reason))
        engine = run.engine
        return FieldRecording(
            firmware={"name": run.elf.path.name, "sha256": run.elf.sha256, "build_id": build_id(run.elf),
                      "app": run.port.app},
            elf=run.elf.path.read_bytes(),
            board=board_text(run),
            engine={"name": engine.name, "version": engine.version(), "machine": run.layout.machine},
            build=build(firmware),
            sensors=tuple(
                SensorRecord(name, c.part.name, tuple(c.part.channels), c.part.dtype,
                             tuple(s.opening() for s in self._streams[name]))
                for name, c in sorted(run.sensors.items()) if name in self._streams
            ),
            end_ps=run.time_ps,
            stimuli=stimuli(run.sensors),
            decisions=tuple(
                {"label": d.label, "index": d.index, "score": d.score, "time_ps": round(d.time * PS),
                 "latency_ps": None if math.isnan(d.latency) else round(d.latency * PS), "samples": dict(d.samples)}
                for d in run.port.decisions
            ),
            events=tuple(events),
            console=bytes(run.log.raw),
            config=dict(sorted(self._config.items())),
            inputs=tuple(self._inputs),
            writes=tuple(self._writes),
            faults=(*self.faults, *dropouts(run.sensors)),
            failure=None if failure is None else Failure(failure.reason, signature(failure.reason), failure.report),
            exit_code=run.port.exit_code,
            seed=seed,
            time_base=run.time_base,
            remarks=tuple(remarks(run)),
        )  # fmt: skip


_EVENTS = {
    Op.READY: Capture._ready,
    Op.OPEN: Capture._open,
    Op.READ: Capture._read,
    Op.DECISION: Capture._decision,
    Op.SLEEP: Capture._sleep,
    Op.INPUT: Capture._input,
    Op.OUTPUT: Capture._output,
    Op.EXIT: Capture._exit,
    Op.INFO: Capture._info,
}
