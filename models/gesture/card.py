"""The model's card, with the figures of the run that made the model."""

from __future__ import annotations

import hashlib
from typing import Any

import features as f


def text(result: Any, figures: dict[str, Any], parameters: int, seed: int) -> str:
    """card.md of a conversion and its figures on the test half."""
    score = result.outputs[0]
    table = "\n".join(
        f"| {label} | " + " | ".join(str(n) for n in row) + " |"
        for label, row in zip(f.LABELS, figures["confusion"], strict=True)
    )
    results = "\n".join(
        [
            f"| recordings right, of {figures['recordings']} (most frequent decision) "
            f"| {figures['float_recordings_right']} | {figures['recordings_right']} |",
            f"| windows right, of {figures['windows']} "
            f"| {100 * figures['float_windows_right']:.2f} % | {100 * figures['windows_right']:.2f} % |",
            f"| smoothed decisions right | | {100 * figures['decisions_right']:.2f} % |",
        ]
    )
    return f"""# gesture: which of four motions is this?

Written by `train.py`; do not edit. Everything the app must know is in `model.toml`, the arithmetic in `features.py`.

| | |
|---|---|
| file | `gesture.tflite`, {len(result.tflite)} bytes, sha256 `{hashlib.sha256(result.tflite).hexdigest()}` |
| network | two convolutions over time, {parameters} parameters, int8, seed {seed} |
| input | int8 [1, {f.WINDOW}, 6]: ax ay az gx gy gz, oldest sample first, scale 1/64, zero point 0 |
| output | int8 [1, 4]: {", ".join(f.LABELS)}; score = (raw - ({score.zero_point})) * {score.scale:.9g} |
| rate, window, stride | {f.RATE} Hz, {f.WINDOW} samples ({f.WINDOW / f.RATE:.2f} s), {f.STRIDE} samples |
| decision | label with the largest mean score of the last {f.SMOOTHING} windows (of those there are, at first) |

## From the sensor to the input
The part is a LSM9DS1 at its lowest common output rate, 14.9 Hz, at +-4 g and +-2000 deg/s. With its int16 codes:

    input = clip((code + 128) >> 8, -128, 127)        arithmetic shift, the same for all six axes

so one input step is 0.306 m/s^2 or 17.92 deg/s.

## Data
BasicMotions of the UEA archive, as the Python packages aeon and sktime (BSD-3) ship it: a smart watch on four
people, each motion five times, 10 s at 10 Hz; 40 recordings to train, 40 to test, the data's own split. The label
`standing` is called *resting* in the data's own description. `recordings/` holds a few of the test half.

Units are not in the data and are **assumed**:
- gyroscope: rad/s. Its largest value is 34.87 (1998 deg/s, the end of a +-2000 deg/s part), its steps are 0.002663
  (0.1526 deg/s, 5000 / 32768).
- accelerometer: m/s^2 **without gravity** (a phone's "linear acceleration"). At rest its median length is 0.56, when
  running 16.7; with gravity it would be 9.8 at rest, and 16.7 g is no running.

## Figures, host, int8 model, test half
| | float | int8 |
|---|---|---|
{results}

Recordings, true label down, verdict across:

| | {" | ".join(f.LABELS)} |
|---|---|---|---|---|
{table}

## What it cannot do
- The four people are in both halves and are not named, so nothing is shown about a person it has not seen.
- It knows four motions and always names one of them; there is no "none of these".
- It was trained without gravity. A bare accelerometer measures gravity too: on a product, subtract it first (a slow
  low-pass per axis), or train again with data from the product.
"""
