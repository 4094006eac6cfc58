"""From a camera's frame to the model's int8 input, in the integers the device uses (firmware/apps/image/image.cc).

    block = sum of its 144 pixels // 144                          blocks of 12 x 12 in the middle of the frame
    input = (block - darkest) * 255 // (brightest - darkest) - 128

so neither brightness nor contrast of the picture matter. A frame whose blocks differ by less than `contrast` shows
nothing. The model sees (input + 128) / 255 as a real number.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CARD = tomllib.loads((Path(__file__).parent / "model.toml").read_text(encoding="utf-8"))
LABELS: list[str] = CARD["labels"]
RATE: float = CARD["rate_hz"]
WIDTH: int = CARD["frame"]["width"]
HEIGHT: int = CARD["frame"]["height"]
SIZE: int = CARD["digit"]["size"]
BLOCK: int = CARD["digit"]["block"]
CONTRAST: int = CARD["digit"]["contrast"]
INPUT_SCALE, INPUT_ZERO = 1 / 255, -128


def codes(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Shares of full scale, any shape -> what the camera delivers."""
    return np.clip(np.rint(shares * 255), 0, 255).astype(np.uint8)


def inputs(frames: NDArray[np.uint8]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Frames [n, HEIGHT, WIDTH] -> model inputs [n, 8, 8, 1], and whether there is something to see [n]."""
    side = SIZE * BLOCK
    top, left = (HEIGHT - side) // 2, (WIDTH - side) // 2
    middle = frames[:, top : top + side, left : left + side].astype(np.int64)
    blocks = middle.reshape(-1, SIZE, BLOCK, SIZE, BLOCK).sum(axis=(2, 4)) // (BLOCK * BLOCK)
    darkest = blocks.min(axis=(1, 2), keepdims=True)
    span = blocks.max(axis=(1, 2), keepdims=True) - darkest
    stretched = (blocks - darkest) * 255 // np.maximum(span, 1) - 128
    return stretched.astype(np.int8)[..., None], (span >= CONTRAST).ravel()
