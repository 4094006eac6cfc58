"""Two versions of a tensor, compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.tensors_io import Array

NO_NUMBER = 1e100  # steps from a number to what is none: more than two numbers have; a sum of them is finite


@dataclass(frozen=True)
class Difference:
    """Differences of a tensor over all inferences, in LSB: steps of an integer type.

    Of floats: in steps of the reference's largest value times 2^-23, what float32 can tell apart there.
    """

    largest: float
    mean: float
    differing: int
    values: int

    def __add__(self, other: Difference) -> Difference:
        values = self.values + other.values
        mean = (self.mean * self.values + other.mean * other.values) / values if values else 0.0
        return Difference(max(self.largest, other.largest), mean, self.differing + other.differing, values)


def difference(board: Array, host: Array) -> Difference:
    """Compared value by value, whatever the shapes; NaN equals NaN. Raises ValueError for different sizes."""
    a, b = board.reshape(-1), host.reshape(-1)
    if a.size != b.size:
        raise ValueError(f"{a.size} values on the board, {b.size} on the host")
    if a.size == 0:
        return Difference(0.0, 0.0, 0, 0)
    if b.dtype.kind == "f":
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        finite = np.abs(b[np.isfinite(b)].astype(np.float64))
        step = (float(finite.max()) if finite.size else 0.0) * 2.0**-23 or 2.0**-149
        with np.errstate(invalid="ignore"):
            steps = np.abs(a.astype(np.float64) - b.astype(np.float64)) / step
        steps = np.where(same, 0.0, np.where(np.isfinite(steps), steps, NO_NUMBER))
    else:
        steps = np.abs(a.astype(np.float64) - b.astype(np.float64))
        wide = a.astype(np.int64) != b.astype(np.int64)  # int64 values that are one float64
        steps = np.maximum(steps, wide)
    return Difference(float(steps.max()), float(steps.mean()), int(np.count_nonzero(steps)), int(steps.size))
