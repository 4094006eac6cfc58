"""From physical samples to the model's int8 window, in the integers the device uses.

    code  = clip(rint(value / unit_per_code), lowest, highest)     the sensor part does this
    input = clip((code + 128) >> 8, -128, 127)                     the app does this (arithmetic shift)

One step of `input` is 256 codes: 0.306 m/s^2 on the accelerometer axes, 17.92 deg/s on the gyroscope's; the ends of
the int8 range are the ends of the part's. The model sees input / 64 as a real number. Arrays are [samples, 6]:
ax ay az in m/s^2, gx gy gz in deg/s.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CARD = tomllib.loads((Path(__file__).parent / "model.toml").read_text(encoding="utf-8"))
LABELS: list[str] = CARD["labels"]
RATE: float = CARD["rate_hz"]
WINDOW: int = CARD["window"]
STRIDE: int = CARD["stride"]
SMOOTHING: int = CARD["smoothing"]
STANDARD_GRAVITY = 9.80665  # m/s^2, exact by definition
INPUT_SCALE = 1 / 64

_ACCEL = CARD["part"]["accel_mg_per_code"] * 1e-3 * STANDARD_GRAVITY
_GYRO = CARD["part"]["gyro_mdps_per_code"] * 1e-3
UNIT_PER_CODE = np.array([_ACCEL] * 3 + [_GYRO] * 3)
# The part's codes end where its range does: 16 bits at +-4 g, 28571 at +-2000 deg/s.
HIGHEST = np.array([32767] * 3 + [int(CARD["part"]["gyro_range_dps"] * 1e3 / CARD["part"]["gyro_mdps_per_code"])] * 3)
LOWEST = np.array([-32768] * 3 + [-int(HIGHEST[3])] * 3)


def resampled(samples: NDArray[np.float64], rate: float, phase: float = 0.0) -> NDArray[np.float64]:
    """[n, 6] at `rate` Hz -> [m, 6] at the part's output rate, as the virtual part does it (sim.sensors.recording).

    Point i stands at (i + 1) / rate; the part takes its sample k at (k + 1) / RATE, `phase` seconds later if given.
    In between: straight lines; before the first point, that point.
    """
    count = int((len(samples) / rate - phase) * RATE + 1e-9)
    places = ((np.arange(count) + 1) / RATE + phase) * rate - 1.0
    axis = np.arange(len(samples))
    return np.stack([np.interp(places, axis, column) for column in samples.T], axis=1)


def codes(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    """Physical values [n, 6] -> what the part delivers."""
    return np.clip(np.rint(samples / UNIT_PER_CODE), LOWEST, HIGHEST).astype(np.int16)


def inputs(raw: NDArray[np.int16]) -> NDArray[np.int8]:
    """The part's codes [n, 6] -> the model's input values [n, 6]."""
    rounded = (raw.astype(np.int32) + CARD["input"]["round"]) >> CARD["input"]["shift"]
    return np.clip(rounded, -128, 127).astype(np.int8)


def windows(values: NDArray[np.int8], stride: int = STRIDE) -> NDArray[np.int8]:
    """[n, 6] -> [w, WINDOW, 6], oldest sample first."""
    starts = range(0, len(values) - WINDOW + 1, stride)
    return np.stack([values[s : s + WINDOW] for s in starts])


def decisions(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Scores of a recording's windows in order [w, labels] -> smoothed label index of each [w]."""
    means = [scores[max(0, i + 1 - SMOOTHING) : i + 1].mean(axis=0) for i in range(len(scores))]
    return np.argmax(means, axis=1)


def verdict(scores: NDArray[np.float64]) -> int:
    """The label index that most of a recording's smoothed decisions have; the earlier label on a draw."""
    return int(np.bincount(decisions(scores), minlength=len(LABELS)).argmax())
