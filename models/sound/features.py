"""From sound to the model's int8 window, in the integers of firmware/apps/sound/sound.cc.

    frame = 32 triangular mel bands of the power spectrum of 512 samples, log2 in 256ths (sim.features), every 20 ms
    input = clip((frame - mean of all values of the window) >> 5, -128, 127): the level does not matter

Frame n is of the samples that end with chunk n of 320; the first whole one is that of chunk 2. A decision falls at
every chunk whose number is a multiple of 10, from 50 on, of the 49 frames up to it. The model sees input / 32.
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
HOP: int = CARD["hop"]
LENGTH: int = CARD["length"]
FRAMES: int = CARD["frames"]
STRIDE: int = CARD["stride"]
BANDS: int = CARD["mel"]["bands"]
EDGES: list[int] = CARD["mel"]["edges"]
INPUT_SCALE = 1 / 32


def frames(sound: NDArray[np.int16]) -> NDArray[np.int32]:
    """Samples [n] from the opening of the microphone -> frames [n / HOP - 1, BANDS]; the first is that of chunk 2."""
    ends = np.arange(2, len(sound) // HOP + 1) * HOP
    return log_bands(power_spectrum(np.stack([sound[e - LENGTH : e] for e in ends])), EDGES)


def windows(found: NDArray[np.int32], chunks: list[int] | None = None) -> NDArray[np.int8]:
    """Frames -> inputs [decisions, FRAMES, BANDS], oldest first. `chunks`: at which numbers (default: the app's)."""
    last = len(found) + 1
    at = [n for n in range(FRAMES + 1, last + 1) if n % STRIDE == 0] if chunks is None else chunks
    out = np.stack([found[n - 1 - FRAMES : n - 1] for n in at]).astype(np.int64)
    sums = out.sum(axis=(1, 2), keepdims=True)
    mean = sums // (FRAMES * BANDS)
    return np.clip((out - mean) >> CARD["input"]["shift"], -128, 127).astype(np.int8)
