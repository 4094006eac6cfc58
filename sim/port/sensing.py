"""Requests of the firmware that concern sensors: opened, read, on the port or on a bus of the board."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from sim.errors import UsageError
from sim.port.answer import Answer, Memory, PortMisuse
from sim.port.bus import BusFeed
from sim.port.mailbox import END
from sim.port.streams import StreamLog
from sim.sensors.channel import SensorChannel

_TEXT_MAX = 255
_READ_MAX = 1 << 22  # bytes of one sensor read: more than any board has RAM


@dataclass
class SensorRequests:
    """The sensors of one run as the firmware uses them; `PortHost` is the rest of the port."""

    memory: Memory
    sensors: Mapping[str, SensorChannel]
    ends_with_stimulus: bool = False  # a read that would pass the end of what is played gets END, and no rest values
    stimulus_ended: bool = False  # such a read has come
    last_sample_ps: int | None = None  # board time of the newest sample that the firmware has
    streams: dict[str, StreamLog] = field(default_factory=dict)  # sensor -> what became of its samples
    on_bus: Callable[[SensorChannel], BusFeed] | None = None  # opens a sensor of a bus build in the engine's model
    bus: dict[str, BusFeed] = field(default_factory=dict)  # those that are open
    _handles: list[SensorChannel] = field(default_factory=list)

    def handle(self, number: int) -> SensorChannel:
        """The sensor that the firmware has opened as this handle. Raises IndexError."""
        return self._handles[number]

    def close_all(self) -> None:
        """The firmware begins anew: what it had opened is closed for it."""
        self._handles.clear()
        self.bus.clear()
        self.last_sample_ps = None

    def _text(self, address: int, length: int) -> str:
        if length > _TEXT_MAX:
            raise PortMisuse(f"a text of {length} bytes at {address:#010x}: at most {_TEXT_MAX} are allowed")
        return self.memory.readable(address, length).decode("utf-8", "replace")

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


def _passes_end(channel: SensorChannel, samples: int, now: int) -> bool:
    """Whether a read at board time `now` would need a sample behind the end of the stimulus."""
    end = channel.end_ps()
    first = max(channel.next_index, channel.taken(now) - channel.fifo_depth)
    return end is not None and channel.time_of(first + samples - 1) > end
