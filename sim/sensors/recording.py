"""A recording: measured values at points in time, as a stimulus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError, near
from sim.sensors.stimulus import Values, checked_channels

INTERPOLATIONS = ("linear", "hold")
# Points this close to a point asked for are that point: only what floating point does to k / rate.
_SAME = 1e-6


@dataclass(frozen=True, init=False, eq=False)
class Recording:
    """Points i = 0..n-1 of [n, channels] values; point i stands at (i + 1) / rate seconds.

    That is when a sensor switched on at 0 takes its samples, so a part that runs at the recording's rate delivers the
    points themselves. In between: straight lines ("linear"), or the last point before ("hold"). It is over after
    n / rate seconds. Points with times of their own keep their distances.
    """

    name: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    values: Values  # float64 [n, channels], read-only
    rate: float | None  # Hz; None: points have times of their own
    times: Values | None  # float64 [n] seconds, rising, where there is no rate
    source: str  # where it is from, for reports
    interpolation: str

    def __init__(
        self,
        values: npt.ArrayLike,
        channels: Sequence[str],
        units: Sequence[str] | str,
        *,
        rate: float | None = None,
        times: npt.ArrayLike | None = None,
        name: str = "recording",
        source: str = "",
        interpolation: str = "linear",
    ) -> None:
        """`values` [n, channels], or [n] where there is one channel; either `rate` (Hz) or `times` (s).

        Raises UsageError for what does not fit together, and for values that are not finite.
        """
        names, checked = checked_channels(channels, units)
        data = _numbers(values, name)
        if data.ndim == 1 and len(names) == 1:
            data = data[:, None]
        if data.ndim != 2 or data.shape[1] != len(names):
            raise UsageError(
                f"{name}: values of shape {data.shape} for {len(names)} channels ({', '.join(names)})",
                hint=f"give [points, {len(names)}]: a row a point in time, a column a channel",
            )
        if not len(data):
            raise UsageError(f"{name}: is empty")
        if not np.isfinite(data).all():
            row, column = np.argwhere(~np.isfinite(data))[0].tolist()
            raise UsageError(
                f"{name}: {data[row, column]} at point {row}, channel {names[column]}",
                hint="cut the gap out, or fill it in knowingly: a sensor always delivers a number",
            )
        if (rate is None) == (times is None):
            raise UsageError(
                f"{name}: " + ("no rate" if rate is None else "both a rate and times"),
                hint="give rate= in Hz, or times= in s: one of them",
            )
        if rate is not None and not 0 < rate < 1e9:
            raise UsageError(f"{name}: a rate of {rate} Hz", hint="above 0, in Hz")
        if interpolation not in INTERPOLATIONS:
            raise UsageError(
                f"{name}: unknown interpolation {interpolation!r}", hint=near(interpolation, INTERPOLATIONS)
            )
        at = None
        if times is not None:
            at, rate = _placed(_numbers(times, name), len(data), name)
        data.setflags(write=False)
        for key, value in {
            "name": name,
            "channels": names,
            "units": checked,
            "values": data,
            "rate": rate,
            "times": at,
            "source": source,
            "interpolation": interpolation,
        }.items():
            object.__setattr__(self, key, value)

    @staticmethod
    def load(
        path: str | Path,
        *,
        rate: float | None = None,
        channels: Sequence[str] | None = None,
        units: Sequence[str] | str | None = None,
        interpolation: str | None = None,
    ) -> Recording:
        """A recording from a .csv, .npy, .npz, .wav or .parquet file (docs/sensors.md says what is in them).

        What is given here completes or replaces what the file says. Raises UsageError naming file, line and remedy.
        """
        from sim.sensors.recording_file import load

        return load(Path(path), rate, channels, units, interpolation)

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.values) / self.rate if self.rate is not None else float(self._times[-1])

    def sample(self, times: Values) -> Values:
        """See Stimulus. Before the first point, that point; times after the last one give the last."""
        last = len(self.values) - 1
        if self.rate is not None:
            place = times * self.rate - 1.0  # in points
        else:
            place = np.interp(times, self._times, np.arange(last + 1, dtype=np.float64))
        near_point = np.rint(place)
        place = np.clip(np.where(np.abs(place - near_point) < _SAME, near_point, place), 0.0, last)
        before = np.floor(place).astype(np.int64)
        if self.interpolation == "hold":
            return self.values[before]
        left: Values = self.values[before]
        share = (place - before)[:, None]
        if not share.any():  # of most recordings: the part runs at their rate
            return left
        between: Values = left + share * (self.values[np.minimum(before + 1, last)] - left)
        return between

    def select(self, *channels: str) -> Recording:
        """The same with these channels only, in this order. Raises UsageError for a name it has not."""
        for name in channels:
            if name not in self.channels:
                raise UsageError(f"{self.name}: no channel {name!r}", hint=near(name, self.channels))
        columns = [self.channels.index(c) for c in channels]
        return Recording(
            self.values[:, columns],
            channels,
            [self.units[c] for c in columns],
            rate=self.rate,
            times=self.times,
            name=self.name,
            source=self.source,
            interpolation=self.interpolation,
        )

    def renamed(self, **names: str) -> Recording:
        """The same with channels renamed: `recording.renamed(acc_x="ax")`."""
        for old in names:
            if old not in self.channels:
                raise UsageError(f"{self.name}: no channel {old!r}", hint=near(old, self.channels))
        return Recording(
            self.values,
            [names.get(c, c) for c in self.channels],
            self.units,
            rate=self.rate,
            times=self.times,
            name=self.name,
            source=self.source,
            interpolation=self.interpolation,
        )

    @property
    def _times(self) -> Values:
        assert self.times is not None
        return self.times


def _numbers(values: npt.ArrayLike, name: str) -> Values:
    try:
        data = np.array(values)  # a copy: what the caller does to his array later must not change a run
        if data.dtype.kind not in "biuf":
            raise TypeError
        return np.ascontiguousarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"{name}: the values are not numbers in rows of equal length") from None


def _placed(times: Values, points: int, name: str) -> tuple[Values | None, float | None]:
    """Times counted as a part would take the points: the first one step after 0. Even steps become a rate."""
    if times.shape != (points,):
        raise UsageError(f"{name}: {times.size} times for {points} points")
    if points < 2:
        raise UsageError(f"{name}: one point has no rate", hint="give rate= in Hz")
    steps = np.diff(times)
    if not np.isfinite(times).all() or not (steps > 0).all():
        at = int(np.argmin(np.isfinite(times[1:]) & (steps > 0))) + 1
        raise UsageError(f"{name}: time {times[at]} s at point {at} is not after {times[at - 1]} s")
    mean = float((times[-1] - times[0]) / (points - 1))
    # Logs round their times: within a twentieth of a step the points are meant to be even.
    if float(np.abs(times - times[0] - mean * np.arange(points)).max()) <= mean / 20:
        return None, 1.0 / mean
    placed = times - times[0] + float(np.median(steps))
    placed.setflags(write=False)
    return placed, None
