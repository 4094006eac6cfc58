"""Times of a log -> indices of samples: where samples are missing, and how far the device's clock is off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError

FILLS = ("hold", "interpolate", "drop", "silent")
_FOLLOW = 0.05  # of the distance between a row's time and where it should be: jitter is averaged, drift is not
_DRIFT_MOST = 0.05  # a clock that is further off is another rate


@dataclass(frozen=True)
class Timeline:
    """`index` of each row of the log; `gaps` as (first, count) of missing samples; `drift` of the log's clock."""

    index: npt.NDArray[np.int64]
    gaps: tuple[tuple[int, int], ...]
    drift: float  # measured rate / nominal rate - 1
    jitter: float  # s, the largest distance of a time from its place


def timeline(times: npt.NDArray[np.float64], rate: float, where: str) -> Timeline:
    """Rows at `times` (s, rising) of a sensor that runs at `rate` (Hz).

    Raises UsageError for times that do not rise, and for a log of another rate.
    """
    steps = np.diff(times)
    if len(times) < 2:
        return Timeline(np.zeros(len(times), dtype=np.int64), (), 0.0, 0.0)
    if not np.isfinite(times).all() or (steps <= 0).any():
        at = int(np.argmin(np.isfinite(times[1:]) & (steps > 0))) + 1
        raise UsageError(f"{where}: time {times[at]} s in row {at + 1} is not after {times[at - 1]} s")
    period = _period(steps, 1 / rate)
    drift = (1 / period) / rate - 1
    if abs(drift) > _DRIFT_MOST:
        raise UsageError(
            f"{where}: its samples are {1 / period:.4g} Hz, the sensor runs at {rate:.4g} Hz",
            hint="another --rate? Otherwise resample it first",
        )
    if float(times[-1] - times[0]) / period > 1 << 26:
        raise UsageError(f"{where}: a gap of {float(steps.max()):.0f} s", hint="cut the log into pieces")
    index = _followed(times, period)
    if index[-1] > 16:
        better = float(np.polyfit(index, times - times[0], 1)[0])
        if abs(better / period - 1) < _DRIFT_MOST:
            period = better
            index = _followed(times, period)
    drift = (1 / period) / rate - 1
    counts = np.diff(index)
    holes = np.flatnonzero(counts > 1)
    gaps = tuple((int(index[i]) + 1, int(counts[i]) - 1) for i in holes)
    jitter = float(np.abs(steps - counts * period).max())
    return Timeline(index, gaps, drift, jitter)


def _followed(times: npt.NDArray[np.float64], period: float) -> npt.NDArray[np.int64]:
    """Index of each row: the sample that its time is next to, by a clock that follows the log slowly."""
    out, clock, at = [0], float(times[0]), 0
    for time in times[1:].tolist():
        steps = max(1, round((time - clock) / period))
        at += steps
        clock += steps * period
        clock += _FOLLOW * (time - clock)
        out.append(at)
    return np.array(out, dtype=np.int64)


def _period(steps: npt.NDArray[np.float64], nominal: float) -> float:
    """Mean of the steps that are one sample, by the median of them."""
    middle = float(np.median(steps))
    ones = steps[np.abs(steps - middle) < middle / 2]
    # A log in which most rows are missing: by the nominal rate.
    if abs(middle / nominal - round(middle / nominal)) < _DRIFT_MOST and round(middle / nominal) > 1:
        return middle / round(middle / nominal)
    return float(ones.mean())


def filled(
    codes: npt.NDArray[np.int64], line: Timeline, how: str
) -> tuple[npt.NDArray[np.int64], tuple[tuple[int, int], ...]]:
    """(codes without gaps, (first, count) of those that nobody measured).

    "hold": the value before; "interpolate": a straight line; "drop": what comes after comes sooner; "silent": held,
    for a part that is silent there.
    """
    if how == "drop" or not line.gaps:
        return codes, ()
    whole = np.arange(int(line.index[-1]) + 1)
    if how == "interpolate":
        columns = [np.interp(whole, line.index, codes[:, c]) for c in range(codes.shape[1])]
        return np.rint(np.stack(columns, axis=1)).astype(np.int64), line.gaps
    return codes[np.searchsorted(line.index, whole, side="right") - 1], line.gaps
