"""The model's card, with the figures of the run that made the model."""

from __future__ import annotations

import hashlib
from typing import Any

import features as f


def text(result: Any, figures: dict[str, Any], parameters: int, seed: int) -> str:
    """card.md of a conversion and its figures on the held-out digits."""
    score = result.outputs[0]
    table = "\n".join(
        f"| {label} | " + " | ".join(str(n) for n in row) + " |"
        for label, row in zip(f.LABELS, figures["confusion"], strict=True)
    )
    return f"""# image: which handwritten digit does the camera see?

Written by `train.py`; do not edit. Everything the app must know is in `model.toml`, the arithmetic in `features.py`.

| | |
|---|---|
| file | `image.tflite`, {len(result.tflite)} bytes, sha256 `{hashlib.sha256(result.tflite).hexdigest()}` |
| network | two convolutions, two dense layers, {parameters} parameters, int8, seed {seed} |
| input | int8 [1, 8, 8, 1]: brightness of 8 x 8 blocks, row by row, scale 1/255, zero point -128 |
| output | int8 [1, 10]: the digits; score = (raw - ({score.zero_point})) * {score.scale:.9g} |
| camera | HM01B0 at {f.WIDTH} x {f.HEIGHT}, {f.RATE:g} frames a second; the middle 96 x 96 pixels are looked at |

## From the frame to the input

    block = sum of its 12 x 12 pixels // 144
    input = (block - darkest) * 255 // (brightest - darkest) - 128

A frame whose blocks differ by less than {f.CONTRAST} of 255 shows nothing: no decision.

## Data
The digits of scikit-learn (BSD-3): 1797 handwritten digits of 8 x 8 pixels, the test set of UCI's Optical
Recognition of Handwritten Digits. Every third one is held out (number 3, 6, 9, ...),
{figures["digits"]} in all. The file seems to be ordered by writer: this split has the same writers on both sides,
and the last third held out would be harder (94 to 95 %). Shown to the camera bright on dark, a pixel as 12 x 12.
`recordings/` has the first held-out digits; the file's name says which they are.

## Figures, host, int8 model, held-out third
| | right |
|---|---|
| float | {100 * figures["float"]:.2f} % |
| int8 | {100 * figures["int8"]:.2f} % |
| int8, dim: strokes 0.3, paper 0.05 of full scale | {100 * figures["dim"]:.2f} % |
| int8, glare: strokes 1.0, paper 0.6 of full scale | {100 * figures["glare"]:.2f} % |

Digit down, answer across:

| | {" | ".join(f.LABELS)} |
|---|---|---|---|---|---|---|---|---|---|---|
{table}

## What it cannot do
- It knows ten digits and always names one of them; there is no "none of these" but an even frame.
- It expects the digit upright, of that size, in the middle, bright on dark.
"""
