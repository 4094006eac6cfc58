"""A stimulus as one part delivers it at one rate and range: raw codes by index, from its first sample on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.sensors.parts.base import Part
from sim.sensors.stimulus import Stimulus, Values

_BLOCK = 1 << 16  # samples converted at once, at most: bounds memory for hours of sound
_AHEAD = 4096  # of a stimulus that does not end
_VALUES = 1 << 19  # values converted at once, at most: a camera's sample is a frame
_NAMED = 64  # channels that warnings name one by one
# A recording's duration is rounded; its last sample must not get lost by that.
_HAIR = 1e-6


class Track:
    """Sample i is the stimulus at `offset + (i + 1) / rate` seconds.

    A stimulus that ends is converted whole when it is made, so what is beyond the range is known before the run and
    reading is a slice.
    """

    def __init__(
        self,
        stimulus: Stimulus,
        part: Part,
        rate: Fraction,
        ranges: Sequence[float],
        offset: Fraction,
        noise_seed: int | None = None,
    ) -> None:
        """Raises UsageError for channels or units that the part cannot take."""
        self.stimulus = stimulus
        self._part = part
        self._rate = rate
        self._ranges = tuple(ranges)
        self._noise = None if noise_seed is None else (noise_seed, np.array(noise_of(part)(float(rate))))
        self.offset = offset  # seconds of the stimulus that went before
        self._offset = float(offset)
        self._columns, self._factors, self.resting = match(stimulus, part)
        self._bytes = np.dtype(part.dtype).itemsize * len(part.channels)
        # A frame has thousands of channels: all in order and alike, they are one array operation.
        self._plain = len(set(self._factors)) == 1 and self._columns == list(range(len(part.channels)))
        self._at_once = max(1, _VALUES // len(part.channels))
        self._ahead: tuple[int, bytes, list[int]] = (-1, b"", [])
        self.samples: int | None = None  # None: it does not end
        self._codes = b""
        self._beyond: npt.NDArray[np.int64] | None = None  # values beyond the range up to sample i; None: never one
        self.peaks: dict[str, tuple[int, float]] = {}  # channel -> values beyond the range, the largest
        if stimulus.duration is not None:
            left = (stimulus.duration - self._offset) * float(rate)
            self.samples = max(0, int(left + _HAIR))
            self._convert_all(self.samples)

    def codes(self, first: int, end: int) -> tuple[bytes, int]:
        """Codes of samples first..end (little-endian, sample by sample), how many values were beyond the range.

        `end` is at most `samples`.
        """
        if self.samples is None:
            return self._endless(first, end)
        data = self._codes[first * self._bytes : end * self._bytes]
        return data, 0 if self._beyond is None else int(self._beyond[end] - self._beyond[first])

    def remarks(self) -> list[str]:
        """What may well be meant, a line each."""
        out = []
        if self.resting:
            out.append(f"{self.stimulus.name} has no {', '.join(self.resting)}: {self._part.name} delivers 0 there")
        given = getattr(self.stimulus, "rate", None)
        if given is not None and self.stimulus.channels is not self._part.channels and 2 * given < float(self._rate):
            out.append(
                f"{self.stimulus.name} has {given:g} Hz, the part runs at {float(self._rate):g} Hz: more than every "
                "second sample lies between its points"
            )
        return out

    def warnings(self) -> list[str]:
        """What a user should know before the run, a line each."""
        out = []
        given = getattr(self.stimulus, "rate", None)
        if given is not None and given > float(self._rate) * (1 + _HAIR):
            out.append(
                f"{self.stimulus.name} has {given:g} Hz, the part runs at {float(self._rate):g} Hz: what is above half "
                "of that aliases; generators.resampled(recording, rate) says it is meant"
            )
        if self.samples == 0:
            out.append(
                f"{self.stimulus.name} ({self.stimulus.duration:g} s) is shorter than one sample at "
                f"{float(self._rate):g} Hz"
            )
        if len(self.peaks) > _NAMED:  # a picture's channels are its pixels
            count = sum(c for c, _ in self.peaks.values())
            peak = max((p for _, p in self.peaks.values()), key=abs)
            out.append(
                f"{self.stimulus.name}: {count} of {(self.samples or 0) * len(self._part.channels)} values of "
                f"{len(self.peaks)} channels are beyond the range of {self._part.name}, the farthest {peak:.4g} "
                f"{self._part.units[0]}: cut off"
            )
            return out
        for channel, (count, peak) in self.peaks.items():
            i = self._part.channels.index(channel)
            limit = self._part.scales(self._ranges)[i] * self._part.limits(self._ranges)[i]
            unit = self._part.units[i]
            out.append(
                f"{self.stimulus.name}: {count} of {self.samples} samples of {channel} are beyond the range of "
                f"{self._part.name} (±{limit:.4g} {unit}), the largest {peak:.4g} {unit}: cut off"
            )
        return out

    def _values(self, first: int, end: int) -> Values:
        times = self._offset + np.arange(first + 1, end + 1, dtype=np.float64) / float(self._rate)
        given = self.stimulus.sample(times)
        if given.shape != (end - first, len(self.stimulus.channels)):
            raise UsageError(
                f"{self.stimulus.name}: gave shape {given.shape} for {end - first} times",
                hint=f"it must give [{end - first}, {len(self.stimulus.channels)}]",
            )
        if self._plain:
            values = given * self._factors[0]
        else:
            values = np.zeros((end - first, len(self._part.channels)))
            for to, (column, scale) in enumerate(zip(self._columns, self._factors, strict=True)):
                if column >= 0:
                    values[:, to] = given[:, column] * scale
        if self._noise is None:
            return values
        # Blocks begin at fixed places, so a sample's noise does not depend on how it is read.
        seed, sigmas = self._noise
        noisy: Values = values + np.random.default_rng([seed, first]).normal(size=values.shape) * sigmas
        return noisy

    def _convert_all(self, samples: int) -> None:
        parts: list[bytes] = []
        beyond = [np.zeros(1, dtype=np.int64)]
        any_beyond = False
        step = min(_BLOCK, self._at_once)
        for first in range(0, samples, step):
            values = self._values(first, min(samples, first + step))
            codes, mask = self._part.convert(values, self._ranges)
            parts.append(codes.astype(codes.dtype.newbyteorder("<"), copy=False).tobytes())
            beyond.append(mask.sum(axis=1))
            if mask.any():
                any_beyond = True
                for i in np.flatnonzero(mask.any(axis=0)).tolist():
                    channel = self._part.channels[i]
                    worst = values[int(np.argmax(np.abs(values[:, i]))), i]
                    count, peak = self.peaks.get(channel, (0, 0.0))
                    self.peaks[channel] = (
                        count + int(mask[:, i].sum()),
                        float(worst) if abs(worst) > abs(peak) else peak,
                    )
        self._codes = b"".join(parts)
        if any_beyond:
            self._beyond = np.cumsum(np.concatenate(beyond))

    def _endless(self, first: int, end: int) -> tuple[bytes, int]:
        """Blocks of fixed places, so that what is computed does not depend on how it is read."""
        data, total = [], 0
        step = min(_AHEAD, self._at_once)
        for block in range(first // step, (end - 1) // step + 1):
            start = block * step
            if self._ahead[0] != block:
                codes, mask = self._part.convert(self._values(start, start + step), self._ranges)
                counts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(mask.sum(axis=1))])
                little = codes.astype(codes.dtype.newbyteorder("<"), copy=False)
                self._ahead = (block, little.tobytes(), counts.tolist())
            a, b = max(first - start, 0), min(end - start, step)
            data.append(self._ahead[1][a * self._bytes : b * self._bytes])
            total += self._ahead[2][b] - self._ahead[2][a]
        return b"".join(data), total


def noise_of(part: Part) -> Callable[[float], Sequence[float]]:
    """Rate (Hz) -> standard deviation of the part's noise, a channel. Raises UsageError where its file has none."""
    found: Callable[[float], Sequence[float]] | None = getattr(part, "noise", None)
    if found is None:
        raise UsageError(
            f"{part.name}: its part file has no noise figure",
            hint="play without noise_seed, or add noise yourself: sim.sensors.generators.noise(recording, snr, seed)",
        )
    return found


def match(stimulus: Stimulus, part: Part) -> tuple[list[int], list[float], tuple[str, ...]]:
    """Which column of the stimulus goes to each channel (-1: none), its factor, and the channels left at rest.

    Channels are matched by name; a part with one channel takes any stimulus with one. Raises UsageError.
    """
    if len(part.channels) > 1 and stimulus.channels is part.channels and len(set(stimulus.units)) == 1:
        count = len(part.channels)  # a frame of the part's own size
        return list(range(count)), [part.into(0, stimulus.units[0])] * count, ()
    names = list(stimulus.channels)
    if len(part.channels) > 64:
        raise UsageError(
            f"{stimulus.name}: {len(names)} channels, but a sample of {part.name} is a frame of {len(part.channels)}",
            hint="play sim.sensors.frames.Frames to a camera",
        )
    has = ", ".join(f"{c}[{u}]" for c, u in zip(part.channels, part.units, strict=True))
    if len(part.channels) == 1:
        if len(names) != 1:
            raise UsageError(
                f"{stimulus.name}: {len(names)} channels ({', '.join(names)}), but {part.name} has one: {has}",
                hint=f'choose one: recording.select("{names[0]}"); of a set: select = ["{names[0]}"] in dataset.toml',
            )
        names = list(part.channels)
    for name in names:
        if name not in part.channels:
            raise UsageError(
                f"{stimulus.name}: channel {name!r} is none of {part.name}, which has {has}",
                hint="name the channels as the part does, or leave out those it has not: recording.select(...), "
                "of a set: select in dataset.toml",
            )
    columns, factors, resting = [], [], []
    for i, channel in enumerate(part.channels):
        if channel not in names:
            columns.append(-1)
            factors.append(0.0)
            resting.append(channel)
            continue
        column = names.index(channel)
        try:
            factors.append(part.into(i, stimulus.units[column]))
        except UsageError as error:
            raise UsageError(f"{stimulus.name}: channel {channel}: {error.message}", hint=error.hint) from None
        columns.append(column)
    return columns, factors, tuple(resting)
