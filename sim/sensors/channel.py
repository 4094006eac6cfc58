"""A sensor part running in board time: what firmware reads, when it is there, and what got lost.

Board time is an int of picoseconds since the board started: exact, and finer than a cycle of any Cortex-M. Sample k
of a part opened at T0 is taken at T0 + (k + 1) / rate, rounded up to the picosecond, each from the exact fraction, so
nothing drifts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction

from sim.errors import StimulusWarning, UsageError
from sim.sensors.delivery import Delivery, Statistics
from sim.sensors.dropout import Dropout, Dropouts
from sim.sensors.output import PartOutput
from sim.sensors.parts.base import Part
from sim.sensors.stimulus import Stimulus
from sim.sensors.track import Track, match, noise_of

PS = 10**12  # picoseconds in a second


def to_ps(seconds: float | Fraction) -> int:
    """Seconds as board time, to the nearest picosecond."""
    return round(Fraction(seconds) * PS)


def cycles_to_ps(cycles: int, clock_hz: int) -> int:
    """Busy cycles as board time, rounded down."""
    return cycles * PS // clock_hz


class SensorChannel:
    """One part of a board while it runs. Not thread-safe; times must not run backwards."""

    def __init__(self, part: Part, name: str = "") -> None:
        """`name`: the slot, where a board has more than one part of a kind."""
        self.part = part
        self.name = name or part.slot
        self.warnings: list[str] = []  # for the user, as they come up
        self.played: list[tuple[int, Stimulus]] = []  # board time (ps) at which each stimulus began
        self.opened = False
        self.fifo_depth = part.fifo_depth  # samples
        self.rate = Fraction(0)  # Hz
        self.ranges: tuple[float, ...] = ()
        self.polled = False  # read on the driver's own timer: the rate is none of the part's
        self.output = PartOutput(part)
        self.bytes_per_sample = self.output.size
        self._t0 = 0
        self._num = self._den = 1  # sample k is taken at t0 + (k + 1) * den / num picoseconds
        self._next = 0  # index of the next sample to deliver
        self._waiting: Stimulus | None = None  # played before the part was opened
        self._list = self.output.playlist
        self._overrun = self._silent = 0
        self._dropouts = Dropouts(self.taken)
        self._noise: int | None = None
        self.rate_error = Fraction(1)  # the part's own clock: its true rate is the nominal one times this
        self.given: Callable[[], int] | None = None  # on a bus: index of the first sample that has not left the part

    def open(self, rate_hz: float | Fraction, board_ps: int, ranges: Sequence[float] = ()) -> None:
        """The firmware switches the part on (again): sampling starts at `board_ps`, counts from zero.

        `ranges`: one a quantity in the part's units (g, deg/s), 0 or none for the widest. A stimulus that was played
        before begins now; one that is playing goes on. Raises UsageError for a rate or range that the part has not.
        """
        rate = Fraction(rate_hz).limit_denominator(1000)
        polled = rate not in self.part.rates
        if polled and not (self.part.pollable and 0 < rate <= self.part.rates[-1]):
            has = ", ".join(f"{float(r):g}" for r in self.part.rates)
            less = f", or less than {float(self.part.rates[-1]):g} on a timer" if self.part.pollable else ""
            raise UsageError(f"{self.name}: {self.part.name} has no rate of {float(rate):g} Hz", hint=f"{has}{less}")
        ranges = self.part.full_ranges(ranges)
        playing = self._playing(board_ps)
        self.rate, self.ranges, self.polled, self.opened = rate, ranges, polled, True
        self.fifo_depth = self.part.fifo_depth
        self._t0, self._next = board_ps, 0
        true = rate * self.rate_error
        self._num, self._den = true.numerator, true.denominator * PS
        self._overrun = self._silent = 0
        self._list.clear()
        if self._waiting is not None:
            stimulus, self._waiting = self._waiting, None
            self._start(Track(stimulus, self.part, true, ranges, Fraction(0), self._noise), 0)
        elif playing is not None:
            self._list.clear((0, Track(playing[0], self.part, true, ranges, playing[1], self._noise)))

    def play(self, stimulus: Stimulus, board_ps: int, noise_seed: int | None = None) -> None:
        """The stimulus begins: its first sample is the first that the part takes after `board_ps`.

        So a recording made at the part's rate is delivered point by point. Before the part is opened it waits for
        that. It replaces one that is playing. `noise_seed`: with the part's own noise, the same for the same seed.
        Raises UsageError for channels or units that do not fit, and for noise of a part whose file has none.
        """
        if noise_seed is not None:
            noise_of(self.part)
        self._noise = noise_seed
        if not self.opened:
            match(stimulus, self.part)
            self._waiting = stimulus
            self._list.consumed = self._list.saturated = 0
            return
        track = Track(stimulus, self.part, self.rate * self.rate_error, self.ranges, Fraction(0), noise_seed)
        given = self.given() if self.given is not None else 0
        self._start(track, max(self.taken(board_ps), self._next, given))

    def drop_out(self, start_ps: int, end_ps: int, kind: str = "silent") -> None:
        """The part drops out for that board time; see `sim.sensors.dropout.Dropout`. Raises UsageError."""
        self._dropouts.add(start_ps, end_ps, kind)

    @property
    def dropouts(self) -> tuple[Dropout, ...]:
        """All that were asked for, in order of time."""
        return tuple(self._dropouts)

    def read(self, samples: int, board_ps: int) -> Delivery:
        """The next `samples` samples, for firmware that asks for them at `board_ps` and waits until they are there.

        Samples that found the FIFO full before the read are lost, oldest first. The caller has made sure that the
        buffer is the firmware's: any number is delivered. Raises UsageError for none, and before the part is open.
        """
        if not self.opened or samples < 1:
            raise UsageError(f"{self.name}: read of {samples} samples" + ("" if self.opened else " before it is open"))
        if self._dropouts:
            return self._read_around(samples, board_ps)
        waiting = (board_ps - self._t0) * self._num // self._den - self._next
        overrun = waiting - self.fifo_depth if waiting > self.fifo_depth else 0
        first = self._next + overrun
        end = self._next = first + samples
        ready = self._t0 - (-end * self._den // self._num)
        self._overrun += overrun
        codes, saturated, rest, over = self.output.codes(first, end)
        self.output.keep(codes)
        return Delivery(codes, samples, max(ready, board_ps), overrun, first, rest, saturated, over, end,
                        waiting=max(0, waiting - overrun))  # fmt: skip

    def take(self, samples: int, lost: int) -> Delivery:
        """The next samples for a driver of a bus build, which has lost some before them."""
        first = self._next + lost
        end = self._next = first + samples
        self._overrun += lost
        codes, saturated, rest, over = self.output.codes(first, end)
        self.output.keep(codes)
        return Delivery(codes, samples, 0, lost, first, rest, saturated, over, end)

    def state(self) -> tuple[object, ...]:
        """Differs when other codes come from now on: something else plays, or is done to them."""
        return len(self.played), self._t0, len(self.output.distortions), self.output.feed

    @property
    def next_index(self) -> int:
        """Index of the next sample that will be read: how many have been read or lost so far."""
        return self._next

    @property
    def opened_ps(self) -> int:
        """Board time at which the firmware switched the part on, the last time."""
        return self._t0

    def taken(self, board_ps: int) -> int:
        """How many samples the part has taken by then, read or not."""
        return max(0, (board_ps - self._t0) * self._num // self._den) if self.opened else 0

    def time_of(self, index: int) -> int:
        """Board time (ps) at which sample `index` is taken."""
        return self._t0 - (-(index + 1) * self._den // self._num)

    def end_ps(self) -> int | None:
        """Board time at which the last sample of the stimulus is taken; None: nothing plays, or without end."""
        end = self._list.end
        return None if end is None else self.time_of(end - 1)

    def ended(self) -> bool:
        """Whether firmware has read (or lost) all of the stimulus."""
        end = self._list.end
        return end is not None and self._next >= end

    def pending(self) -> bool:
        """Whether a stimulus that ends waits for the part to be opened, or has not been read to its end."""
        if self._waiting is not None:
            return self._waiting.duration is not None
        return self.end_ps() is not None and not self.ended()

    def statistics(self) -> Statistics:
        """See Statistics."""
        track = self._list.last[1] if self._list.last else None
        playing = track.stimulus if track else self._waiting
        return Statistics(
            name=self.name,
            stimulus=playing.name if playing else "",
            consumed=self._list.consumed,
            total=track.samples if track else None,
            saturated=self._list.saturated,
            overrun=self._overrun,
            rest=self._list.at_rest,
            silent=self._silent,
        )

    def _read_around(self, samples: int, board_ps: int) -> Delivery:
        """`read` of a part that drops out now and then."""
        before = self._next
        waiting = self._dropouts.existing(before, max(before, self.taken(board_ps)))
        overrun = max(0, waiting - self.fifo_depth)
        gone = self._dropouts.pieces(before, overrun)  # the oldest
        pieces = self._dropouts.pieces(gone[-1].end if gone else before, samples)
        codes, saturated, rest, over = b"", 0, 0, False
        for piece in pieces:
            data, cut, still, ended = self.output.piece(piece)
            codes += data
            saturated += cut
            rest += still
            over = ended if piece is pieces[0] else over
        first, self._next = pieces[0].first, pieces[-1].end
        lost = self._next - before - samples
        self._overrun += overrun
        self._silent += lost - overrun
        self.output.keep(codes)
        ready = max(self.time_of(self._next - 1), board_ps)
        return Delivery(codes, samples, ready, lost, first, rest, saturated, over, self._next,
                        missing=lost - overrun, waiting=waiting - overrun)  # fmt: skip

    def _start(self, track: Track, index: int) -> None:
        serious = track.warnings()
        self.warnings += [f"{self.name}: {line}" for line in (*track.remarks(), *serious)]
        self.played.append((self.time_of(index - 1), track.stimulus))
        # What was played before may still lie in the FIFO; what began and ended before that can go.
        self._list.start(index, track, max(self._next, index - self.fifo_depth))
        for line in serious:
            warnings.warn(f"{self.name}: {line}", StimulusWarning, stacklevel=4)

    def _playing(self, board_ps: int) -> tuple[Stimulus, Fraction] | None:
        """The stimulus that is under way, and how many seconds of it have been."""
        if self._list.last is None:
            return None
        start, track = self._list.last
        been = (max(self.taken(board_ps), self._next) - start) / self.rate + track.offset
        if track.samples is not None and track.stimulus.duration is not None and been >= track.stimulus.duration:
            return None
        return track.stimulus, been
