"""From vibration codes to the model's int8 input and its score, in the integers of firmware/apps/machine/machine.cc.

    decimated  = (x[-2] + 2 x[-1] + 3 x[0] + 2 x[1] + x[2]) >> 3, around every third sample, 8889 Hz
    band       = log2 of the power in 64 triangular bands of 65 Hz, in 256ths (sim.features)
    input      = clip((band - mean over the bands) >> 4, -128, 127): the level does not matter, the shape does
    difference = (input << 4) - ((output - zero point) * ratio >> 12), ratio = rint(65536 * output scale / input scale)
    raised     = sum of five neighbouring differences: louder than drawn, over 0.3 kHz; the width of a resonance
    score      = sum of (raised where it is positive)^2 // 60 // 16

The model sees input / 16 as a real number: octaves.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.features import log_bands, power_spectrum

CARD = tomllib.loads((Path(__file__).parent / "model.toml").read_text(encoding="utf-8"))
LABELS: list[str] = CARD["labels"]
RATE: float = CARD["rate_hz"]
WINDOW: int = CARD["window"]
SMOOTHING: int = CARD["smoothing"]
THRESHOLD: int = CARD["threshold"]
AXIS: int = CARD["part"]["axis"]
FACTOR: int = CARD["decimation"]["factor"]
BANDS: int = CARD["spectrum"]["bands"]
RAW = WINDOW * FACTOR  # samples of the part in a window
EDGES = [CARD["spectrum"]["first"] + i * CARD["spectrum"]["step"] for i in range(BANDS + 2)]
INPUT_SCALE = 1 / 16
SPREAD: int = CARD["score"]["spread"]
G = 9.80665
_CODE = 0.122e-3 * G  # m/s^2 a code at +-4 g, IIS3DWB


def codes(acceleration: NDArray[np.floating]) -> NDArray[np.int16]:
    """m/s^2, any shape -> what the part delivers at +-4 g."""
    return np.clip(np.rint(acceleration.astype(np.float64) / _CODE), -32768, 32767).astype(np.int16)


def decimated(raw: NDArray[np.int16]) -> NDArray[np.int16]:
    """Codes of one axis [n, raw samples] from the part's switching on -> [n, raw samples / 3]."""
    x = np.pad(raw.astype(np.int64), ((0, 0), (2, 0)))
    count = raw.shape[1] // FACTOR * FACTOR
    a, b, c, d, e = (x[:, i : i + count : FACTOR] for i in range(5))
    kept = (a + 2 * b + 3 * c + 2 * d + e) >> CARD["decimation"]["shift"]
    return np.clip(kept, -32768, 32767).astype(np.int16)


def inputs(windows: NDArray[np.int16]) -> NDArray[np.int8]:
    """Decimated windows [n, WINDOW] -> model inputs [n, BANDS]."""
    bands = log_bands(power_spectrum(windows), EDGES).astype(np.int64)
    mean = bands.sum(axis=1, keepdims=True) // BANDS
    return np.clip((bands - mean) >> CARD["input"]["shift"], -128, 127).astype(np.int8)


def of_stream(raw: NDArray[np.int16]) -> NDArray[np.int8]:
    """Codes of one axis [samples] -> inputs [windows, BANDS]."""
    x = decimated(raw[None])[0]
    return inputs(x[: len(x) // WINDOW * WINDOW].reshape(-1, WINDOW))


def scores(x: NDArray[np.int8], raw_out: NDArray[np.int8], scale: float, zero_point: int) -> NDArray[np.int64]:
    """Inputs and the model's stored outputs [n, BANDS] -> score of each window [n]."""
    ratio = int(np.rint(np.float32(scale) / np.float32(INPUT_SCALE) * np.float32(65536)))
    difference = (x.astype(np.int64) << 4) - (((raw_out.astype(np.int64) - zero_point) * ratio) >> 12)
    raised = sum(difference[:, i : BANDS - SPREAD + 1 + i] for i in range(SPREAD))
    return (np.maximum(raised, 0) ** 2).sum(axis=1) // (BANDS - SPREAD + 1) // 16


def smoothed(found: NDArray[np.int64], count: int = SMOOTHING) -> NDArray[np.int64]:
    """Mean of the last `count` scores (of those there are, at first), rounded down."""
    return np.array([found[max(0, i + 1 - count) : i + 1].sum() // min(i + 1, count) for i in range(len(found))])


def auc(healthy: NDArray[np.generic], faulty: NDArray[np.generic]) -> float:
    """How often a faulty one has the larger score than a healthy one; a draw counts half."""
    h, x = np.sort(healthy), np.asarray(faulty)
    below, upto = np.searchsorted(h, x, "left"), np.searchsorted(h, x, "right")
    return float((below + (upto - below) / 2).mean() / len(h))
