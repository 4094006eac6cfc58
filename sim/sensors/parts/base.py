"""What a sensor part is to the project, and the kind nearly all are: linear, with ranges and saturation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.sensors.units import factor
from sim.source import Source

Codes = npt.NDArray[np.int16] | npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


class Part(Protocol):
    """A sensor component: physical values in, raw codes out. Figures are from its datasheet or its driver."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def slot(self) -> str:
        """What it is on a board: "imu", "microphone"."""

    @property
    def channels(self) -> tuple[str, ...]: ...
    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each channel that `encode` takes."""

    @property
    def rates(self) -> tuple[Fraction, ...]:
        """Output data rates in Hz, rising."""

    @property
    def pollable(self) -> bool:
        """Whether a driver may read it on a timer of its own, at any rate up to its highest."""

    @property
    def fifo_depth(self) -> int:
        """Samples that wait unread; one more, and the oldest is lost."""

    @property
    def driver_buffer(self) -> bool:
        """Whether they wait in RAM of the driver, so that firmware may give it more (PDM microphones)."""

    @property
    def dtype(self) -> str:
        """Of a code, little-endian: "int16", "uint8"."""

    @property
    def sources(self) -> Mapping[str, Source]: ...

    def full_ranges(self, wanted: Sequence[float] = ()) -> tuple[float, ...]:
        """One range a quantity; 0 or none is the widest. Raises UsageError for one that the part has not."""

    def scales(self, ranges: Sequence[float] = ()) -> tuple[float, ...]:
        """Physical value of one code, a channel."""

    def limits(self, ranges: Sequence[float] = ()) -> tuple[int, ...]:
        """Largest code, a channel."""

    def into(self, channel: int, unit: str) -> float:
        """Factor from `unit` to the channel's. Raises UsageError for a unit that the channel cannot take."""

    def convert(self, values: npt.NDArray[np.float64], ranges: Sequence[float] = ()) -> tuple[Codes, Mask]:
        """Values [n, channels] in `units` -> codes, and where they were beyond the range; same shape."""


@dataclass(frozen=True)
class Noise:
    """White noise of a quantity, in its `code_unit`: sqrt(floor² + density² x half the output rate), rms."""

    density: float = 0.0  # per sqrt(Hz)
    floor: float = 0.0  # rms, at any rate


@dataclass(frozen=True)
class Quantity:
    """Channels that share a range setting: the three axes of an accelerometer."""

    name: str
    channels: tuple[str, ...]
    unit: str  # of the values that go in
    range_unit: str  # in which ranges are named
    code_unit: str  # in which `sensitivity` is
    sensitivity: Mapping[float, float]  # range -> size of one code
    noise: Noise | None = None  # its source is the part's sources["noise"]


@dataclass(frozen=True)
class LinearPart:
    """A Part with 16-bit codes: value / size of a code, to the nearest (half to even), cut off at the range.

    Noise is added where a stimulus is played with a seed for it. Not modelled: offset, filter, temperature.
    """

    name: str
    title: str
    slot: str
    quantities: tuple[Quantity, ...]
    rates: tuple[Fraction, ...]
    pollable: bool
    fifo_depth: int
    sources: Mapping[str, Source]
    dtype: str = "int16"
    # Units beside those of the same quantity, with their factor into the channel's unit.
    also: Mapping[str, float] | None = None
    # Supply current in mA while it is on, for estimates of energy; its source is sources["current_ma"].
    current_ma: float | None = None
    driver_buffer: bool = False

    @property
    def channels(self) -> tuple[str, ...]:
        """All channels, in the order of a sample."""
        return tuple(c for q in self.quantities for c in q.channels)

    @property
    def units(self) -> tuple[str, ...]:
        """See Part."""
        return tuple(q.unit for q in self.quantities for _ in q.channels)

    def full_ranges(self, wanted: Sequence[float] = ()) -> tuple[float, ...]:
        """See Part."""
        out = []
        for i, q in enumerate(self.quantities):
            given = float(wanted[i]) if i < len(wanted) else 0.0
            if given and given not in q.sensitivity:
                has = ", ".join(f"{r:g}" for r in sorted(q.sensitivity))
                raise UsageError(
                    f"{self.name}: no range of {given:g} {q.range_unit} ({q.name})",
                    hint=f"it has: {has} {q.range_unit}; 0 is the widest",
                )
            out.append(given or max(q.sensitivity))
        if any(wanted[len(out) :]):
            raise UsageError(f"{self.name}: {len(wanted)} ranges", hint=f"it has {len(out)} to set")
        return tuple(out)

    def scales(self, ranges: Sequence[float] = ()) -> tuple[float, ...]:
        """See Part."""
        return tuple(
            q.sensitivity[r] * factor(q.code_unit, q.unit)
            for q, r in zip(self.quantities, self.full_ranges(ranges), strict=True)
            for _ in q.channels
        )

    def noise(self, rate: float) -> tuple[float, ...]:
        """Standard deviation at that output rate, a channel, in its unit. Raises UsageError where none is known."""
        out: list[float] = []
        for q in self.quantities:
            if q.noise is None:
                raise UsageError(
                    f"{self.name}: its part file has no noise figure for {q.name}", hint="play without noise_seed"
                )
            rms = math.sqrt(q.noise.floor**2 + q.noise.density**2 * rate / 2)
            out += [rms * factor(q.code_unit, q.unit)] * len(q.channels)
        return tuple(out)

    def into(self, channel: int, unit: str) -> float:
        """See Part."""
        if self.also and unit in self.also:
            return self.also[unit]
        return factor(unit, self.units[channel])

    def convert(self, values: npt.NDArray[np.float64], ranges: Sequence[float] = ()) -> tuple[Codes, Mask]:
        """See Part."""
        scale = np.array(self.scales(ranges))
        high = np.array(self.limits(ranges), dtype=np.float64)
        low = np.where(high == 32767, -32768.0, -high)  # two's complement has one more below
        wanted = np.rint(values / scale)
        beyond = (wanted < low) | (wanted > high)
        if beyond.any():
            wanted = np.clip(wanted, low, high)
        return wanted.astype(np.int16), beyond

    def encode(self, values: npt.NDArray[np.float64], ranges: Sequence[float] = ()) -> tuple[Codes, int]:
        """Values [n, channels] in `units` -> (codes int16 [n, channels], how many were beyond the range)."""
        codes, beyond = self.convert(values, ranges)
        return codes, int(beyond.sum())

    def limits(self, ranges: Sequence[float] = ()) -> tuple[int, ...]:
        """See Part: that of the range, or of 16 bits where the range is wider."""
        out: list[int] = []
        for q, r in zip(self.quantities, self.full_ranges(ranges), strict=True):
            # A hair is added: a range that is a whole number of codes must not fall one short by rounding.
            span = int(r * factor(q.range_unit, q.code_unit) / q.sensitivity[r] + 1e-9)
            out += [min(32767, span)] * len(q.channels)
        return tuple(out)
