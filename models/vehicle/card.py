"""The model's card, with the figures of the run that made the model."""

from __future__ import annotations

import hashlib
from typing import Any

import features as f


def text(result: Any, figures: dict[str, Any], parameters: int, seed: int) -> str:
    """card.md of a conversion and its figures on drives that it was not trained on."""
    score = result.outputs[0]
    table = "\n".join(
        f"| {label} | " + " | ".join(str(n) for n in row) + f" | {100 * recall:.1f} % |"
        for label, row, recall in zip(f.LABELS, figures["confusion"], figures["recall"], strict=True)
    )
    return f"""# vehicle: what does the car drive over, or does it brake hard?

Written by `train.py`; do not edit. Everything the app must know is in `model.toml`, the arithmetic in `features.py`.

| | |
|---|---|
| file | `vehicle.tflite`, {len(result.tflite)} bytes, sha256 `{hashlib.sha256(result.tflite).hexdigest()}` |
| network | two convolutions over time, {parameters} parameters, int8, seed {seed} |
| input | int8 [1, {f.WINDOW}, 6]: ax ay az gx gy gz, oldest sample first, scale 1/32, zero point 0 |
| output | int8 [1, {len(f.LABELS)}]: {", ".join(f.LABELS)}; score = (raw - ({score.zero_point})) * {score.scale:.9g} |
| rate, window, stride | {f.RATE:g} Hz, {f.WINDOW} samples (1 s), {f.STRIDE} samples |
| deadline | a decision {f.CARD["deadline_ms"]} ms after the last sample of its window |

## From the sensor to the input
Any of the boards' inertial sensors, read at 100 Hz on a timer, +-4 g and +-500 deg/s; x forward, z up, with gravity:

    input = clip((code - rest + round) >> shift, -128, 127)       a step is 15.6 mg, or 0.56 deg/s

## Data: synthetic
`road.py` makes it, ranges pinned there: quarter cars on roads of ISO 8608 roughness, potholes, speed bumps, stones,
braking, a sensor mounted up to 3 degrees askew. A window of which nobody could tell (an event at its edge) is in
neither training nor figures. What is shown here is shown of this model of a car, not of any real one.

## Figures, host, int8 model, {figures["windows"]} windows of drives that are not in training
Right: float {100 * figures["float"]:.2f} %, int8 {100 * figures["int8"]:.2f} %.

| window down, answer across | {" | ".join(f.LABELS)} | right |
|---|{"---|" * len(f.LABELS)}---|
{table}

## What it cannot do
- It knows one kind of sensor position: between the axles, x forward, z up.
- It always names one of six; turning sharply or standing still is not among them.
"""
