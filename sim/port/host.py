"""Answers requests of the firmware. Knows the mailbox and the board's sensors, nothing of engines."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sim.decision import Decision
from sim.durations import PS
from sim.port.answer import Answer, PortMisuse
from sim.port.mailbox import AGAIN, END, NONE, Op, Request
from sim.port.sensing import SensorRequests

_DECISIONS_MAX = 100_000
_INFO_MAX = 1024  # keys
_OUTPUTS_MAX = 64 << 20  # bytes kept
_TIME_MAX_PS = (1 << 63) * 1000  # board time is given to the firmware as nanoseconds in 64 bits


@dataclass
class PortHost(SensorRequests):
    """The state of the port of one run.

    Set by the test: `config` (values for bl_config), `inputs` (slot, capacity -> bytes, None at the end). Filled by
    the firmware: `decisions`, `outputs`, `info`, `app`, `exit_code`.
    """

    config: dict[str, int] = field(default_factory=dict)
    on_config: Callable[[str], int | None] | None = None
    inputs: Callable[[int, int], bytes | None] | None = None
    again: bool = False  # at its end the firmware is to start again
    on_output: Callable[[int, bytes], None] | None = None
    on_info: Callable[[str, int], None] | None = None
    decisions: list[Decision] = field(default_factory=list)
    outputs: list[tuple[int, bytes]] = field(default_factory=list)
    info: dict[str, int] = field(default_factory=dict)
    app: str = ""
    ready: bool = False
    exit_code: int | None = None
    _kept: int = 0  # bytes of `outputs`
    # Who looks at every request and its answer (a recorder), or changes the answer (a fault).
    onlookers: list[Callable[[Request, int, Answer], Answer]] = field(default_factory=list)

    def restart(self) -> None:
        """The firmware begins anew: what it had opened is closed for it."""
        self.close_all()
        self.ready, self.exit_code = False, None

    def answer(self, request: Request, now_ps: int) -> Answer:
        """Answer one request made at board time `now_ps`. Raises PortMisuse."""
        handler = _HANDLERS[request.op]
        try:
            answer = handler(self, request.arg, now_ps)
        except IndexError as error:
            raise PortMisuse(f"{request.op.name.lower()}: {error}") from None
        for look in self.onlookers:
            answer = look(request, now_ps, answer)
        return answer

    def _ready(self, arg: tuple[int, ...], _now: int) -> Answer:
        self.app = self._text(arg[0], arg[1])
        self.ready = True
        return Answer()

    def _decision(self, arg: tuple[int, ...], now: int) -> Answer:
        score = struct.unpack("<f", struct.pack("<I", arg[1]))[0]
        if not math.isfinite(score):
            raise PortMisuse(f"decision for class {arg[0]} with a score that is not a number: {score}")
        if len(self.decisions) >= _DECISIONS_MAX:
            raise PortMisuse(f"the firmware floods the port with decisions: more than {_DECISIONS_MAX}")
        label = self._text(arg[2], arg[3])
        samples = {c.name: c.next_index for c in self._handles}
        self.decisions.append(
            Decision(
                label=label,
                index=arg[0],
                score=score,
                time=now / PS,
                latency=math.nan if self.last_sample_ps is None else (now - self.last_sample_ps) / PS,
                samples=samples,
                number=len(self.decisions),
            )
        )
        for stream in self.streams.values():
            stream.decided(now)
        return Answer()

    def _sleep(self, arg: tuple[int, ...], now: int) -> Answer:
        ns = arg[1] << 32 | arg[0]
        if now + ns * 1000 >= _TIME_MAX_PS:
            raise PortMisuse(f"the firmware sleeps for {ns} ns: a time below zero, or never?")
        return Answer(ready_ps=now + ns * 1000)

    def _time(self, _arg: tuple[int, ...], _now: int) -> Answer:
        return Answer()

    def _input(self, arg: tuple[int, ...], _now: int) -> Answer:
        slot, address, capacity = arg[:3]
        if self.inputs is None:
            return Answer(blocked=True)
        data = self.inputs(slot, capacity)
        if data is None:
            return Answer(status=END)
        if len(data) > capacity:
            raise PortMisuse(f"input {slot} has {len(data)} bytes, but the firmware has room for {capacity}")
        self.memory.write_ram(address, data)
        return Answer(results=(len(data), 0, 0, 0))

    def _output(self, arg: tuple[int, ...], _now: int) -> Answer:
        slot, address, length = arg[:3]
        data = self.memory.readable(address, length)
        if self.on_output is not None:
            self.on_output(slot, data)
        else:
            self._kept += len(data) + 64
            if self._kept > _OUTPUTS_MAX:
                raise PortMisuse(f"the firmware floods the port with outputs: more than {_OUTPUTS_MAX} bytes")
            self.outputs.append((slot, data))
        return Answer()

    def _exit(self, arg: tuple[int, ...], _now: int) -> Answer:
        if self.again:
            self.again = self.ready = False
            return Answer(status=AGAIN)
        self.exit_code = arg[0] - (1 << 32) if arg[0] >> 31 else arg[0]
        return Answer()

    def _fail(self, arg: tuple[int, ...], _now: int) -> Answer:
        raise PortMisuse(f"the firmware gave up: {self._text(arg[0], arg[1])}")

    def _info(self, arg: tuple[int, ...], _now: int) -> Answer:
        key = self._text(arg[0], arg[1])
        if key not in self.info and len(self.info) >= _INFO_MAX:
            raise PortMisuse(f"the firmware floods the port with figures: more than {_INFO_MAX} keys")
        self.info[key] = arg[2]
        if self.on_info is not None:
            self.on_info(key, arg[2])
        return Answer()

    def _config(self, arg: tuple[int, ...], _now: int) -> Answer:
        key = self._text(arg[0], arg[1])
        value = self.on_config(key) if self.on_config is not None else None
        if value is None:
            value = self.config.get(key)
        if value is None:
            return Answer(status=NONE)
        return Answer(results=(value & 0xFFFFFFFF, 0, 0, 0))


_HANDLERS: Mapping[Op, Callable[[PortHost, tuple[int, ...], int], Answer]] = {
    Op.READY: PortHost._ready,
    Op.OPEN: PortHost._open,
    Op.READ: PortHost._read,
    Op.DECISION: PortHost._decision,
    Op.SLEEP: PortHost._sleep,
    Op.TIME: PortHost._time,
    Op.INPUT: PortHost._input,
    Op.OUTPUT: PortHost._output,
    Op.EXIT: PortHost._exit,
    Op.FAIL: PortHost._fail,
    Op.INFO: PortHost._info,
    Op.CONFIG: PortHost._config,
    Op.BUFFER: PortHost._buffer,
    Op.BUS_OPEN: PortHost._bus_open,
    Op.BUS_TAKE: PortHost._bus_take,
}
