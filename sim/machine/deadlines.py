"""Whether the firmware keeps up with its sensors: period, worst latency, jitter and misses of each stream.

A *stream* is one sensor from its opening on. An *answer* is a decision for which the firmware had got new samples of
that stream.

- **period**: board time between two answers if nothing is late: the samples delivered from one answer to the next,
  over the part's rate; where that varies (an app that reports only what it hears), the greatest length of which all
  are a multiple. The samples before the first answer (the first window) do not count, so one answer has no period.
- **latency** of an answer: board time from the instant at which the newest sample the firmware had was available at
  the sensor to the decision. Time that it lay in the FIFO, as the firmware was busy, is in it.
- **jitter**: the worst latency less the best.
- **misses**: answers later than the deadline; the deadline is the period unless one is given.
- **lost**: samples that the part's FIFO dropped; **overruns**: reads that found some lost; **backlog**: the most
  samples that waited unread when the firmware came for them, of `fifo` places.

An answer that is still being worked on is none yet. A firmware that never decides has no latency, but its losses are
counted. Times are in seconds of board time, as exact as the machine's `time_base`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from sim.durations import PS, picoseconds
from sim.errors import UsageError, near

if TYPE_CHECKING:
    from sim.port.streams import StreamLog


@dataclass(frozen=True)
class Deadline:
    """One stream. Times in seconds; NaN where there was no answer."""

    sensor: str
    rate: float  # Hz, of the part
    period: float
    deadline: float
    latencies: tuple[float, ...]  # of all answers, oldest first
    lost: int
    overruns: int
    backlog: int
    fifo: int

    @property
    def answers(self) -> int:
        return len(self.latencies)

    @property
    def worst(self) -> float:
        return max(self.latencies, default=math.nan)

    @property
    def best(self) -> float:
        return min(self.latencies, default=math.nan)

    @property
    def jitter(self) -> float:
        return self.worst - self.best

    @property
    def misses(self) -> int:
        return sum(latency > self.deadline for latency in self.latencies)

    @property
    def kept(self) -> bool:
        """No answer was late and no sample was lost."""
        return self.misses == 0 and self.lost == 0

    def as_json(self) -> dict[str, str | int | float | None]:
        """As it stands in results; what is not known is null."""
        times = {"period": self.period, "deadline": self.deadline, "worst": self.worst, "jitter": self.jitter}
        return {
            "sensor": self.sensor,
            "rate": self.rate,
            "answers": self.answers,
            **{key: None if math.isnan(value) else value for key, value in times.items()},
            "misses": self.misses,
            "lost": self.lost,
            "overruns": self.overruns,
            "backlog": self.backlog,
            "fifo": self.fifo,
        }

    def __str__(self) -> str:
        if not self.answers:
            said = "no decision"
        else:
            each = "" if math.isnan(self.period) else f", one every {self.period * 1e3:.1f} ms"
            late = "" if math.isnan(self.deadline) else f"; {self.misses} later than {self.deadline * 1e3:.1f} ms"
            said = (
                f"{self.answers} decision{'s' * (self.answers != 1)}{each}; latency at worst "
                f"{self.worst * 1e3:.2f} ms, jitter {self.jitter * 1e3:.2f} ms{late}"
            )
        lost = f"{self.lost} samples lost in {self.overruns} overruns" if self.lost else "no sample lost"
        return f"{self.sensor}: {said}; {lost}, at most {self.backlog} of {self.fifo} places waiting"


class Deadlines(Mapping[str, Deadline]):
    """Each sensor that the firmware has opened, by its slot."""

    def __init__(self, streams: Mapping[str, Deadline]) -> None:
        self._streams = dict(streams)

    def __getitem__(self, sensor: str) -> Deadline:
        """Raises UsageError for a sensor that the firmware has not opened."""
        if sensor not in self._streams:
            raise UsageError(f"the firmware has not opened a sensor {sensor!r}", hint=near(sensor, self._streams))
        return self._streams[sensor]

    def __iter__(self) -> Iterator[str]:
        return iter(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

    def within(self, deadline: float | str) -> Deadlines:
        """The same against a deadline of the product: `machine.deadlines.within("50 ms")`."""
        limit = picoseconds(deadline) / PS
        return Deadlines({name: replace(stream, deadline=limit) for name, stream in self._streams.items()})

    @property
    def misses(self) -> int:
        """Late answers of all streams."""
        return sum(stream.misses for stream in self._streams.values())

    @property
    def kept(self) -> bool:
        """No answer was late and no sample was lost, on any stream."""
        return all(stream.kept for stream in self._streams.values())

    def __str__(self) -> str:
        return "\n".join(str(stream) for stream in self._streams.values()) or "no sensor was opened"


def deadlines_of(logs: Mapping[str, StreamLog]) -> Deadlines:
    """See the module."""
    return Deadlines({name: _deadline(name, log) for name, log in logs.items()})


def _deadline(name: str, log: StreamLog) -> Deadline:
    counts = [answer.samples for answer in log.answers]
    step = reduce(math.gcd, counts[1:], 0)
    rate = float(log.channel.rate)
    period = step / rate if step else math.nan
    return Deadline(
        sensor=name,
        rate=rate,
        period=period,
        deadline=period,
        latencies=tuple(answer.latency_ps / PS for answer in log.answers),
        lost=log.lost,
        overruns=log.overruns,
        backlog=log.backlog,
        fifo=log.channel.fifo_depth,
    )
