"""Answers requests of the firmware. Knows the mailbox and the board's sensors, nothing of engines."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from sim.decision import Decision
from sim.durations import PS
from sim.errors import UsageError
from sim.port.bus import BusFeed
from sim.port.mailbox import AGAIN, BAD, END, NONE, OK, Op, Request
from sim.port.streams import StreamLog
from sim.sensors.channel import SensorChannel

Results = tuple[int, int, int, int]
_NO_RESULTS: Results = (0, 0, 0, 0)
_TEXT_MAX = 255
_DECISIONS_MAX = 100_000
_INFO_MAX = 1024  # keys
_OUTPUTS_MAX = 64 << 20  # bytes kept
_TIME_MAX_PS = (1 << 63) * 1000  # board time is given to the firmware as nanoseconds in 64 bits
_READ_MAX = 1 << 22  # bytes of one sensor read: more than any board has RAM


class PortMisuse(Exception):
    """The firmware used the port wrongly; the text says how. A failure of the firmware."""


class Memory(Protocol):
    """Memory as the firmware sees it."""

    def readable(self, address: int, length: int) -> bytes:
        """Bytes in RAM or flash. Raises IndexError."""

    def check_ram(self, address: int, length: int) -> None:
        """Raises IndexError unless all of it is the board's RAM."""

    def write_ram(self, address: int, data: bytes) -> None:
        """Write to the board's RAM. Raises IndexError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `ready_ps`: the board time at which the firmware gets it, if later than now."""

    status: int = OK
    results: Results = _NO_RESULTS
    ready_ps: int = 0
    blocked: bool = False  # cannot be answered yet: the test has to provide something first


@dataclass
class PortHost:
    """The state of the port of one run.

    Set by the test: `config` (values for bl_config), `inputs` (slot, capacity -> bytes, None at the end). Filled by
    the firmware: `decisions`, `outputs`, `info`, `app`, `exit_code`.
    """

    memory: Memory
    sensors: Mapping[str, SensorChannel]
    config: dict[str, int] = field(default_factory=dict)
    on_config: Callable[[str], int | None] | None = None
    inputs: Callable[[int, int], bytes | None] | None = None
    ends_with_stimulus: bool = False  # a read that would pass the end of what is played gets END, and no rest values
    again: bool = False  # at its end the firmware is to start again
    on_output: Callable[[int, bytes], None] | None = None
    on_info: Callable[[str, int], None] | None = None
    decisions: list[Decision] = field(default_factory=list)
    outputs: list[tuple[int, bytes]] = field(default_factory=list)
    info: dict[str, int] = field(default_factory=dict)
    app: str = ""
    ready: bool = False
    exit_code: int | None = None
    stimulus_ended: bool = False  # such a read has come
    last_sample_ps: int | None = None  # board time of the newest sample that the firmware has
    streams: dict[str, StreamLog] = field(default_factory=dict)  # sensor -> what became of its samples
    _handles: list[SensorChannel] = field(default_factory=list)
    _kept: int = 0  # bytes of `outputs`
    # Who looks at every request and its answer (a recorder), or changes the answer (a fault).
    onlookers: list[Callable[[Request, int, Answer], Answer]] = field(default_factory=list)
    on_bus: Callable[[SensorChannel], BusFeed] | None = None  # opens a sensor of a bus build in the engine's model
    bus: dict[str, BusFeed] = field(default_factory=dict)  # those that are open

    def handle(self, number: int) -> SensorChannel:
        """The sensor that the firmware has opened as this handle. Raises IndexError."""
        return self._handles[number]

    def restart(self) -> None:
        """The firmware begins anew: what it had opened is closed for it."""
        self._handles.clear()
        self.bus.clear()
        self.ready, self.exit_code, self.last_sample_ps = False, None, None

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

    def _text(self, address: int, length: int) -> str:
        if length > _TEXT_MAX:
            raise PortMisuse(f"a text of {length} bytes at {address:#010x}: at most {_TEXT_MAX} are allowed")
        return self.memory.readable(address, length).decode("utf-8", "replace")

    def _ready(self, arg: tuple[int, ...], _now: int) -> Answer:
        self.app = self._text(arg[0], arg[1])
        self.ready = True
        return Answer()

    def _open(self, arg: tuple[int, ...], now: int) -> Answer:
        name = self._text(arg[0], arg[1])
        channel = self.sensors.get(name)
        if channel is None:
            has = ", ".join(sorted(self.sensors)) or "none"
            raise PortMisuse(f"the firmware opens sensor {name!r}, but the board has {has}")
        ranges = [float(r) for r in arg[3:5]]
        try:
            channel.open(Fraction(arg[2], 1000), now, ranges)
        except UsageError as error:
            raise PortMisuse(f"the firmware opens {name!r}: {error}") from None
        if channel not in self._handles:
            self._handles.append(channel)
        self.streams.setdefault(name, StreamLog(channel))
        rate_mhz = round(channel.rate * 1000)
        results = (self._handles.index(channel), len(channel.part.channels), channel.bytes_per_sample, rate_mhz)
        return Answer(results=results)

    def _bus_open(self, arg: tuple[int, ...], now: int) -> Answer:
        if self.on_bus is None:
            raise PortMisuse("the firmware opens a sensor on the board's own bus, which this machine has not")
        answer = self._open(arg, now)
        channel = self._handles[answer.results[0]]
        del self.streams[channel.name]  # nothing is known of when its samples are taken
        self.bus[channel.name] = self.on_bus(channel)
        return answer

    def _bus_take(self, arg: tuple[int, ...], now: int) -> Answer:
        handle, samples, lost = arg[:3]
        if handle >= len(self._handles) or self._handles[handle].name not in self.bus:
            raise PortMisuse(f"samples of sensor handle {handle} taken, but it is not open on a bus")
        channel = self._handles[handle]
        if not 0 < samples * channel.bytes_per_sample <= _READ_MAX:
            raise PortMisuse(f"{samples} samples from {channel.name!r}: at least 1, at most {_READ_MAX} bytes")
        end = channel.end_ps()
        if self.ends_with_stimulus and end is not None and channel.time_of(channel.next_index + samples - 1) > end:
            self.stimulus_ended = True
            return Answer(status=END)
        self.bus[channel.name].take(samples, lost)
        return Answer()

    def _buffer(self, arg: tuple[int, ...], _now: int) -> Answer:
        handle, address, size = arg[:3]
        if handle >= len(self._handles):
            raise PortMisuse(f"buffer for sensor handle {handle}, but {len(self._handles)} are open")
        channel = self._handles[handle]
        what = f"buffer of {size} bytes for {channel.name!r}"
        if not channel.part.driver_buffer:
            raise PortMisuse(f"{what}: samples of {channel.part.title} wait in the part's own FIFO")
        samples = size // channel.bytes_per_sample
        if not 0 < samples <= _READ_MAX:
            raise PortMisuse(f"{what}: at least one sample, at most {_READ_MAX} bytes")
        self.memory.check_ram(address, size)
        channel.fifo_depth = samples
        return Answer()

    def _read(self, arg: tuple[int, ...], now: int) -> Answer:
        handle, address, samples = arg[:3]
        if handle >= len(self._handles):
            raise PortMisuse(f"read of sensor handle {handle}, but {len(self._handles)} are open")
        channel = self._handles[handle]
        size = samples * channel.bytes_per_sample
        if not 0 < size <= _READ_MAX:
            raise PortMisuse(f"read of {samples} samples from {channel.name!r}: at least 1, at most {_READ_MAX} bytes")
        # Before the part moves on: a buffer that is not there must not cost samples.
        self.memory.check_ram(address, size)
        if self.ends_with_stimulus and _passes_end(channel, samples, now):
            self.stimulus_ended = True
            return Answer(status=END)
        delivery = channel.read(samples, now)
        self.memory.write_ram(address, delivery.codes)
        self.last_sample_ps = channel.time_of(delivery.end_index - 1)
        self.streams[channel.name].read(delivery)
        first = delivery.first_index
        results = (delivery.count, min(delivery.overrun, 0xFFFFFFFF), first & 0xFFFFFFFF, first >> 32)
        return Answer(results=results, ready_ps=delivery.ready_ps)

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


def _passes_end(channel: SensorChannel, samples: int, now: int) -> bool:
    """Whether a read at board time `now` would need a sample behind the end of the stimulus."""
    end = channel.end_ps()
    first = max(channel.next_index, channel.taken(now) - channel.fifo_depth)
    return end is not None and channel.time_of(first + samples - 1) > end


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

__all__ = ["BAD", "Answer", "PortHost", "PortMisuse"]
