"""Faults of sensors: what the part delivers, how fast, and when the firmware gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from sim.durations import picoseconds
from sim.errors import UsageError, near
from sim.faults import codes as codes_
from sim.faults.base import FaultBase, Time
from sim.faults.bus import bus_fault
from sim.faults.codes import FOREVER, Change, Window
from sim.port.answer import Answer
from sim.port.mailbox import OK, Op, Request


class SensorFaults(FaultBase):
    """See docs/faults.md; times are board time from now."""

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
        """A read is answered later than its last sample exists: a bus that is busy, an interrupt that comes late.

        Raises UsageError for a bus build, which reads its sensors itself.
        """
        if self._run.layout.io == "bus":
            raise UsageError(f"{sensor} is read over a bus: no answer of the port can be late",
                             hint='the port build has it; machine.faults.bus(sensor, "stuck", lasts=...)')  # fmt: skip
        start, delay = self._in(after), picoseconds(by)
        end = FOREVER if lasts is None else start + picoseconds(lasts)
        self._channel(sensor)
        self._late(sensor, start, end, delay)
        self._note("late", sensor=sensor, time_ps=start, end_ps=end, by_ps=delay)

    def bus(self, sensor: str, kind: str = "no answer", *, after: Time = 0.0, lasts: Time | None = None) -> None:
        """The bus of a sensor, in a bus build.

        "no answer": nobody is at the part's address (NACK); from the start on: the sensor is missing. "stuck": the bus
        controller does nothing, or a stream does not go on.
        """
        start = bus_fault(self._run, sensor, kind, after, lasts)
        self._note("bus", sensor=sensor, time_ps=start, how=kind)

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
        self._channel(sensor).output.distortions.append(made)
        self._note(kind, sensor=sensor, time_ps=start, end_ps=end, **said)
        return made

    def _late(self, sensor: str, start: int, end: int, delay: int) -> None:
        def look(request: Request, now: int, answer: Answer) -> Answer:
            late = request.op is Op.READ and answer.status == OK and start <= now < end
            if late and self._run.port.handle(request.arg[0]).name == sensor:
                return replace(answer, ready_ps=max(answer.ready_ps, now) + delay)
            return answer

        # In front of a recorder, which is to see what the firmware gets.
        self._run.port.onlookers.insert(0, look)
