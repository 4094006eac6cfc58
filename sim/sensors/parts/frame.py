"""A camera as a part: a sample is a frame, a channel is a pixel, a code is 8 bits of brightness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.sensors.parts.base import Mask
from sim.source import Source


@lru_cache(maxsize=8)
def pixels(width: int, height: int) -> tuple[str, ...]:
    """Names of a frame's channels, row by row. The same object each time: comparing two is one look."""
    return tuple(f"p{y}_{x}" for y in range(height) for x in range(width))


@dataclass(frozen=True)
class FramePart:
    """A Part with 8-bit grey frames, row by row: code = share of full scale * 255, to the nearest, cut off.

    The exposure is fixed: full scale is what the sensor's automatic exposure would have chosen. Not modelled: noise,
    the lens, the rolling shutter.
    """

    name: str
    title: str
    width: int
    height: int
    rates: tuple[Fraction, ...]
    fifo_depth: int
    sources: Mapping[str, Source]
    slot: str = "camera"
    pollable: bool = True  # a frame at a time, on a trigger
    dtype: str = "uint8"
    current_ma: float | None = None
    driver_buffer: bool = False

    @property
    def channels(self) -> tuple[str, ...]:
        """See `pixels`."""
        return pixels(self.width, self.height)

    @property
    def units(self) -> tuple[str, ...]:
        """See Part."""
        return ("fs",) * (self.width * self.height)

    def full_ranges(self, wanted: Sequence[float] = ()) -> tuple[float, ...]:
        """See Part. A camera has none to set."""
        if any(wanted):
            raise UsageError(f"{self.name}: a range of {list(wanted)}", hint="a camera has none: open it with 0")
        return (1.0,)

    def scales(self, ranges: Sequence[float] = ()) -> tuple[float, ...]:
        """See Part."""
        return (1 / 255,) * (self.width * self.height)

    def limits(self, ranges: Sequence[float] = ()) -> tuple[int, ...]:
        """See Part."""
        return (255,) * (self.width * self.height)

    def into(self, channel: int, unit: str) -> float:
        """See Part."""
        if unit != "fs":
            raise UsageError(f"[{unit}] is no brightness", hint="a frame's unit is fs: 0 is black, 1 full scale")
        return 1.0

    def convert(
        self, values: npt.NDArray[np.float64], ranges: Sequence[float] = ()
    ) -> tuple[npt.NDArray[np.uint8], Mask]:
        """See Part."""
        wanted = np.rint(values * 255)
        return np.clip(wanted, 0, 255).astype(np.uint8), (wanted < 0) | (wanted > 255)
