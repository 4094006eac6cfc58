"""`machine.faults`: what goes wrong, when, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.durations import picoseconds
from sim.engines.protocol import FLASH
from sim.errors import UsageError, near
from sim.faults import codes as codes_
from sim.faults.codes import FOREVER, Change, Window
from sim.faults.places import place_of
from sim.port.host import Answer
from sim.port.mailbox import OK, Op, Request

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.sensors.channel import SensorChannel

RAM_AFTER = ("kept", "lost", "random")
Time = float | str


class Faults:
    """Faults of one machine. Times are board time from now: `after="2 s"`, `lasts="500 ms"` (default: for ever).

    Everything is the same for the same seed, stands in a recording of the run and is done again by its replay.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._run = machine.runner
        self.done: list[dict[str, Any]] = []  # what has been injected so far, with its board time
        self._flashed: dict[int, int] = {}  # address -> byte, where flash is not as in the image

    # ---- sensors ----

    def dropout(self, sensor: str, *, lasts: Time, after: Time = 0.0, kind: str = "silent") -> None:
        """ "silent": the part takes no samples; "stuck": it delivers its last one again and again."""
        start = self._in(after)
        end = start + picoseconds(lasts)
        self._channel(sensor).drop_out(start, end, kind)
        self._note("dropout", sensor=sensor, time_ps=start, end_ps=end, how=kind)

    def stuck(
        self, sensor: str, *channels: str, at: int | None = None, after: Time = 0.0, lasts: Time | None = None
    ) -> None:
        """Channels (default: all) stay at code `at`, or at the last one before."""
        columns = self._columns(sensor, channels)
        holder: list[Window] = []
        change = codes_.stuck(lambda: holder[0].last, columns, at)
        holder.append(self._window("stuck", sensor, change, after, lasts, channels=list(channels), at=at))

    def saturation(self, sensor: str, *channels: str, at: float, after: Time = 0.0, lasts: Time | None = None) -> None:
        """Codes are cut off at ± `at` (0..1) of the largest code of the range."""
        if not 0 <= at <= 1:
            raise UsageError(f"saturation at {at}", hint="a part of the range: 0..1")
        columns, channel = self._columns(sensor, channels), self._channel(sensor)

        def change(first: int, codes: codes_.Codes) -> codes_.Codes:
            limits = [round(channel.part.limits(channel.ranges)[c] * at) for c in columns]
            return codes_.saturated(columns, limits)(first, codes)

        self._window("saturation", sensor, change, after, lasts, channels=list(channels), at=at)

    def noise(
        self, sensor: str, *channels: str, sigma: float, seed: int, after: Time = 0.0, lasts: Time | None = None
    ) -> None:
        """White noise with a standard deviation in the channels' unit (m/s², °/s, ...)."""
        columns, channel = self._columns(sensor, channels), self._channel(sensor)
        if not 0 <= sigma < float("inf"):
            raise UsageError(f"noise with a standard deviation of {sigma}", hint="in its unit, not below 0")

        def change(first: int, codes: codes_.Codes) -> codes_.Codes:
            scales = channel.part.scales(channel.ranges)
            return codes_.noisy(columns, [sigma / scales[c] for c in columns], seed)(first, codes)

        self._window("noise", sensor, change, after, lasts, channels=list(channels), sigma=sigma, seed=seed)

    def drift(
        self, sensor: str, *channels: str, per_second: float, after: Time = 0.0, lasts: Time | None = None
    ) -> None:
        """Channels move away, so many of their units a second; back at once when it is over."""
        columns, channel = self._columns(sensor, channels), self._channel(sensor)
        holder: list[Window] = []

        def change(first: int, codes: codes_.Codes) -> codes_.Codes:
            scales = channel.part.scales(channel.ranges)
            slopes = [per_second / scales[c] / float(channel.rate) for c in columns]
            return codes_.drifting(columns, slopes, lambda: channel.taken(holder[0].start_ps))(first, codes)

        holder.append(
            self._window("drift", sensor, change, after, lasts, channels=list(channels), per_second=per_second)
        )

    def swap(self, sensor: str, a: str, b: str, *, after: Time = 0.0, lasts: Time | None = None) -> None:
        """Two channels change places: an axis mounted the other way."""
        first, second = self._columns(sensor, (a, b))
        self._window("swap", sensor, codes_.swapped(first, second), after, lasts, channels=[a, b])

    def rate(self, sensor: str, factor: float | str) -> None:
        """The part's clock is wrong: it delivers at its rate times `factor` ("1.02"); the firmware is not told.

        Before the firmware opens the sensor.
        """
        channel = self._channel(sensor)
        try:
            error = Fraction(str(factor))
        except (ValueError, ZeroDivisionError):
            raise UsageError(f"a rate factor of {factor!r}", hint="a number near 1") from None
        if not Fraction(1, 100) <= error <= 100:
            raise UsageError(f"a rate factor of {factor}", hint="from 0.01 to 100; 1.02 is two percent too fast")
        if channel.opened:
            raise UsageError(f"{sensor} runs already", hint="set its rate before the firmware opens it")
        channel.rate_error = error
        self._note("rate", sensor=sensor, time_ps=0, factor=str(error))

    def late(self, sensor: str, *, by: Time, after: Time = 0.0, lasts: Time | None = None) -> None:
        """A read is answered later than its last sample exists: a bus that is busy, an interrupt that comes late."""
        start, delay = self._in(after), picoseconds(by)
        end = FOREVER if lasts is None else start + picoseconds(lasts)
        self._channel(sensor)
        self._late(sensor, start, end, delay)
        self._note("late", sensor=sensor, time_ps=start, end_ps=end, by_ps=delay)

    # ---- memory ----

    def flip(
        self,
        where: str | int,
        *,
        bit: int | None = None,
        seed: int | None = None,
        bits: int = 1,
        after: Time = 0.0,
        every: Time | None = None,
        times: int = 1,
        rate: float | None = None,
        lasts: Time | None = None,
        at_decision: int | None = None,
    ) -> None:
        """Flip bits: in "weights", "weights:TENSOR", "code", "stack", "arena", a symbol, or a byte by its address.

        `bit`: which one of the byte (0..7) or of the place, else `bits` are drawn with `seed`. `after`, or
        `at_decision`: when the firmware has made that many. Again `every` so often, `times` in all; or at random
        instants, `rate` a second for as long as it `lasts`. Flash is written so that the core notices.
        """
        place = place_of(self._run.elf, self._run.layout, where)
        self._check_writable(place.at(0))
        if bit is None and seed is None:
            raise UsageError(f"flip of {where!r}: which bit?", hint="bit=0..7, or seed= to have it drawn")
        if bit is not None and not 0 <= bit < place.size * 8:
            raise UsageError(f"bit {bit} of {place.name}, which has {place.size * 8}")
        if bits < 1 or times < 1:
            raise UsageError(f"{bits} bits, {times} times", hint="at least one")
        rng = np.random.default_rng(seed)

        def hit() -> None:
            for _ in range(bits):
                address, number = (place.at(bit // 8), bit % 8) if bit is not None else place.drawn(rng)
                self._flip(address, number, place.name)

        if at_decision is not None:
            self._at_decision(at_decision, hit)
            return
        for start in self._instants(after, every, times, rate, lasts, rng):
            self._run.alarms.at(start, hit)

    def _instants(
        self, after: Time, every: Time | None, times: int, rate: float | None, lasts: Time | None,
        rng: np.random.Generator,
    ) -> list[int]:  # fmt: skip
        start = self._in(after)
        if rate is None:
            step = 0 if every is None else picoseconds(every)
            if times > 1 and step < 1:
                raise UsageError(f"{times} times, but how often?", hint='every="100 ms"')
            return [start + i * step for i in range(times)]
        if lasts is None or not 0 < rate < 1e6:
            raise UsageError(f"a rate of {rate} flips a second", hint='above 0, and for how long: lasts="10 s"')
        length, at, out = picoseconds(lasts) / 1e12, 0.0, []
        while (at := at + float(rng.exponential(1 / rate))) < length:
            out.append(start + round(at * 1e12))
        return out

    def hit(self, address: int, bit: int, place: str = "") -> None:
        """Flip one bit now, at this stop. Raises UsageError outside RAM and flash."""
        self._check_writable(address)
        self._flip(address, bit, place)

    def _flip(self, address: int, bit: int, place: str) -> None:
        memory = self._run.memory
        old = self._flashed.get(address)
        if old is None:
            old = memory.readable(address, 1)[0]
        self._poke(address, old ^ 1 << bit)
        self._note("flip", time_ps=self._run.time_ps, address=address, bit=bit, place=place)

    def _poke(self, address: int, byte: int) -> None:
        """Write one byte of RAM, or of flash in the engine's own way."""
        try:
            self._run.memory.write_ram(address, bytes([byte]))
        except IndexError:
            self._run.session.write_flash(address, bytes([byte]), code=self._is_code(address))  # type: ignore[attr-defined]
            self._flashed[address] = byte

    def _is_code(self, address: int) -> bool:
        return self._run.elf.function_at(address) is not None

    def _check_writable(self, address: int) -> None:
        ram, flash = self._run.layout.ram, self._run.layout.flash
        if ram.origin <= address < ram.end:
            return
        if not flash.origin <= address < flash.end:
            raise UsageError(f"{address:#010x} is neither RAM nor flash of board {self._run.board.name}")
        if FLASH not in self._run.engine.capabilities:
            raise UsageError(
                f"engine {self._run.engine.name} cannot write flash while it runs",
                hint="an engine that can: --engine qemu; or flip RAM",
            )

    # ---- power, time, interrupts ----

    def reset(
        self, *, after: Time = 0.0, at_decision: int | None = None, ram: str = "kept", seed: int = 0,
        off: Time = 0.0,
    ) -> None:  # fmt: skip
        """The board loses power for `off` and starts again. RAM: "kept", "lost" (zero) or "random" (by `seed`)."""
        if ram not in RAM_AFTER:
            raise UsageError(f"ram={ram!r}", hint=near(ram, RAM_AFTER))
        pause = picoseconds(off)

        def cut() -> None:
            self._note("reset", time_ps=self._run.time_ps, ram=ram, seed=seed, off_ps=pause)
            self._reset(ram, seed, pause)

        if at_decision is not None:
            self._at_decision(at_decision, cut)
        else:
            self._run.alarms.at(self._in(after), cut)

    def _reset(self, ram: str, seed: int, pause_ps: int) -> None:
        size = self._run.layout.ram.size
        content: bytes | None = None
        if ram == "lost":
            content = bytes(size)
        elif ram == "random":
            content = np.random.default_rng(seed).bytes(size)
        self._machine.restart(content, pause_ps)
        # A bit of flash that has flipped stays flipped; the new start has loaded the image.
        for address, byte in sorted(self._flashed.items()):
            self._run.session.write_flash(address, bytes([byte]), code=self._is_code(address))  # type: ignore[attr-defined]

    def clock(self, *, ppm: float, after: Time = 0.0) -> None:
        """The core's clock is off by so many parts per million, from then on; sensors have clocks of their own."""
        if not -900_000 <= ppm <= 9_000_000:
            raise UsageError(f"a clock off by {ppm} ppm", hint="from -900000 to 9000000; a crystal is within 100")
        hz = round(self._run.board.clock_hz * (1 + ppm / 1e6))
        start = self._in(after)
        self._run.alarms.at(start, lambda: self._run.set_clock(hz))
        self._note("clock", time_ps=start, hz=hz)

    def lose_interrupt(self, *_: Any, **__: Any) -> None:
        """No engine so far can lose an interrupt. Raises UsageError."""
        raise UsageError(
            f"engine {self._run.engine.name} cannot lose an interrupt",
            hint="faults.late(sensor, by=...) and faults.dropout(sensor, ...) are what the firmware sees of one",
        )

    # ---- again ----

    def repeat(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """What a recording says was done; changed codes are in its samples already. Raises UsageError."""
        for fault in faults:
            try:
                self._again(fault)
            except (KeyError, TypeError, ValueError) as error:
                raise UsageError(f"the recording has a fault that cannot be repeated: {dict(fault)}: {error}") from None

    def _again(self, fault: Mapping[str, Any]) -> None:
        kind, at = fault["kind"], fault["time_ps"]
        if kind == "dropout":
            self._channel(fault["sensor"]).drop_out(at, fault["end_ps"], fault["how"])
            self._note(**fault)
        elif kind == "rate":
            self.rate(fault["sensor"], fault["factor"])
        elif kind == "late":
            self._late(fault["sensor"], at, fault["end_ps"], fault["by_ps"])
            self._note(**fault)
        elif kind == "flip":
            address, bit, place = fault["address"], fault["bit"], fault["place"]
            self._check_writable(address)
            self._run.alarms.at(at, lambda: self._flip(address, bit, place))
        elif kind == "reset":
            ram, seed, off = fault["ram"], fault["seed"], fault["off_ps"]

            def cut() -> None:
                self._note(**fault)
                self._reset(ram, seed, off)

            self._run.alarms.at(at, cut)
        elif kind == "clock":
            hz = fault["hz"]
            self._run.alarms.at(at, lambda: self._run.set_clock(hz))
            self._note(**fault)
        else:
            self._note(**fault)

    # ---- what they share ----

    def _in(self, after: Time) -> int:
        return self._run.time_ps + picoseconds(after)

    def _channel(self, sensor: str) -> SensorChannel:
        return self._machine.sensor(sensor).channel

    def _columns(self, sensor: str, channels: Sequence[str]) -> list[int]:
        names = self._channel(sensor).part.channels
        for name in channels:
            if name not in names:
                raise UsageError(f"{sensor} has no channel {name!r}", hint=near(name, names))
        return [names.index(c) for c in channels] or list(range(len(names)))

    def _window(self, kind: str, sensor: str, change: Change, after: Time, lasts: Time | None, **said: Any) -> Window:
        start = self._in(after)
        end = FOREVER if lasts is None else start + picoseconds(lasts)
        made = Window(self._channel(sensor), start, end, change)
        self._channel(sensor).distortions.append(made)
        self._note(kind, sensor=sensor, time_ps=start, end_ps=end, **said)
        return made

    def _late(self, sensor: str, start: int, end: int, delay: int) -> None:
        def look(request: Request, now: int, answer: Answer) -> Answer:
            from dataclasses import replace

            late = request.op is Op.READ and answer.status == OK and start <= now < end
            if late and self._run.port.handle(request.arg[0]).name == sensor:
                return replace(answer, ready_ps=max(answer.ready_ps, now) + delay)
            return answer

        # In front of a recorder, which is to see what the firmware gets.
        self._run.port.onlookers.insert(0, look)

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
