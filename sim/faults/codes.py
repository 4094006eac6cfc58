"""Faults of a sensor that change the codes it delivers, from one instant to another.

Each is a function (first index, codes [n, channels] int64) -> codes of the same shape, which `Window` applies to the
samples that are taken after `start_ps`, up to and with `end_ps` of board time. What it gives for a sample depends on
the index of the sample only, so that it is the same however the firmware reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sim.sensors.channel import SensorChannel

Codes = npt.NDArray[np.int64]
Change = Callable[[int, Codes], Codes]
FOREVER = 1 << 73  # ps
_BLOCK = 256  # samples whose noise is drawn at once


@dataclass
class Window:
    """A change of the codes in a span of board time; put it into `PartOutput.distortions`."""

    channel: SensorChannel
    start_ps: int
    end_ps: int
    change: Change
    samples: int = 0  # how many it has changed
    last: Codes | None = field(default=None)  # the sample before the first that is changed

    def __call__(self, first: int, codes: bytes) -> bytes:
        """Codes of samples first, first + 1, ... as delivered."""
        part = self.channel.part
        dtype = np.dtype(part.dtype).newbyteorder("<")
        values = np.frombuffer(codes, dtype).reshape(-1, len(part.channels)).astype(np.int64)
        low = min(max(self.channel.taken(self.start_ps) - first, 0), len(values))
        high = len(values)
        if self.end_ps < FOREVER:
            high = min(max(self.channel.taken(self.end_ps) - first, 0), len(values))
        if low > 0:
            self.last = values[low - 1].copy()
        if high <= low:
            return codes
        self.samples += high - low
        values[low:high] = self.change(first + low, values[low:high])
        info = np.iinfo(np.dtype(part.dtype))
        return np.clip(values, info.min, info.max).astype(dtype).tobytes()


def stuck(window: Callable[[], Codes | None], columns: Sequence[int], at: int | None) -> Change:
    """Channels stay at a code, or at the last one before (zero where there was none)."""

    def change(_first: int, codes: Codes) -> Codes:
        out, last = codes.copy(), window()
        for c in columns:
            out[:, c] = at if at is not None else 0 if last is None else last[c]
        return out

    return change


def saturated(columns: Sequence[int], limits: Sequence[int]) -> Change:
    """Codes are cut off at ± a limit, one a channel."""

    def change(_first: int, codes: Codes) -> Codes:
        out = codes.copy()
        for c, limit in zip(columns, limits, strict=True):
            out[:, c] = np.clip(out[:, c], -limit, limit)
        return out

    return change


def noisy(columns: Sequence[int], sigmas: Sequence[float], seed: int) -> Change:
    """White noise with a standard deviation in codes, one a channel; the same for the same seed and index."""

    def change(first: int, codes: Codes) -> Codes:
        out, end = codes.copy(), first + len(codes)
        for block in range(first // _BLOCK, (end - 1) // _BLOCK + 1):
            start = block * _BLOCK
            drawn = np.random.default_rng([seed, block]).normal(size=(_BLOCK, len(columns))) * np.asarray(sigmas)
            a, b = max(first, start), min(end, start + _BLOCK)
            out[a - first : b - first, list(columns)] += np.rint(drawn[a - start : b - start]).astype(np.int64)
        return out

    return change


def drifting(columns: Sequence[int], per_sample: Sequence[float], begin: Callable[[], int]) -> Change:
    """Channels move away by so many codes a sample, counted from the first sample of the drift."""

    def change(first: int, codes: Codes) -> Codes:
        out = codes.copy()
        steps = np.arange(first - begin() + 1, first - begin() + 1 + len(codes), dtype=np.float64)
        for c, slope in zip(columns, per_sample, strict=True):
            out[:, c] += np.rint(steps * slope).astype(np.int64)
        return out

    return change


def swapped(a: int, b: int) -> Change:
    """Two channels change places."""

    def change(_first: int, codes: Codes) -> Codes:
        out = codes.copy()
        out[:, [a, b]] = codes[:, [b, a]]
        return out

    return change
