"""From physical samples to the model's int8 window, in the integers of firmware/apps/vehicle/vehicle.cc.

    code  = clip(rint(value / unit_per_code), lowest, highest)     the sensor part does this
    input = clip((code - rest + round) >> shift, -128, 127)        the app does this (arithmetic shift)

The model sees input / 32 as a real number. Arrays are [samples, 6]: ax (forward) ay (left) az (up) in m/s^2 with
gravity, gx gy gz in deg/s.
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
INPUT_SCALE = 1 / 32
_ACCEL = CARD["part"]["accel_mg_per_code"] * 1e-3 * 9.80665
_GYRO = CARD["part"]["gyro_mdps_per_code"] * 1e-3
UNIT_PER_CODE = np.array([_ACCEL] * 3 + [_GYRO] * 3)
# Where the named range ends: 16 bits at +-4 g, 28571 at +-500 deg/s.
HIGHEST = np.array([32767] * 3 + [int(CARD["part"]["gyro_range_dps"] * 1e3 / CARD["part"]["gyro_mdps_per_code"])] * 3)
LOWEST = np.array([-32768] * 3 + [-int(HIGHEST[3])] * 3)


def codes(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    """Physical values [..., 6] -> what the part delivers."""
    return np.clip(np.rint(samples / UNIT_PER_CODE), LOWEST, HIGHEST).astype(np.int16)


def inputs(raw: NDArray[np.int16]) -> NDArray[np.int8]:
    """The part's codes [..., 6] -> the model's input values [..., 6]."""
    of = CARD["input"]
    moved = raw.astype(np.int32) - np.array(of["rest"]) + np.array(of["round"])
    return np.clip(moved >> np.array(of["shift"]), -128, 127).astype(np.int8)


def windows(values: NDArray[np.int8], stride: int = STRIDE) -> NDArray[np.int8]:
    """[n, 6] -> [w, WINDOW, 6], oldest sample first."""
    starts = range(0, len(values) - WINDOW + 1, stride)
    return np.stack([values[s : s + WINDOW] for s in starts])
