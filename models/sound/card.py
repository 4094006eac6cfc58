"""The model's card, with the figures of the run that made the model."""

from __future__ import annotations

import hashlib
from typing import Any

import features as f
import sounds


def text(result: Any, figures: dict[str, Any], parameters: int, seed: int) -> str:
    """card.md of a conversion and its figures on clips that it was not trained on."""
    score = result.outputs[0]
    table = "\n".join(
        f"| {label} | " + " | ".join(str(n) for n in row) + " |"
        for label, row in zip(f.LABELS, figures["confusion"], strict=True)
    )
    bars = [(snr, right, "#" * round(30 * right)) for snr, right in figures["curve"]]
    curve = "\n".join(f"| {snr} dB | {100 * right:.1f} % | {bar} |" for snr, right, bar in bars)
    return f"""# sound: an alarm, breaking glass, a knock, an engine, or nothing?

Written by `train.py`; do not edit. Everything the app must know is in `model.toml`, the arithmetic in `features.py`.

| | |
|---|---|
| file | `sound.tflite`, {len(result.tflite)} bytes, sha256 `{hashlib.sha256(result.tflite).hexdigest()}` |
| network | two convolutions, {parameters} parameters, int8, seed {seed} |
| input | int8 [1, {f.FRAMES}, {f.BANDS}]: log-mel frames, oldest first, mean taken off, scale 1/32, zero 0 |
| output | int8 [1, {len(f.LABELS)}]: {", ".join(f.LABELS)}; score = (raw - ({score.zero_point})) * {score.scale:.9g} |
| sound | 16 kHz; spectrum of {f.LENGTH} samples every {f.HOP}; every 0.2 s a decision on the last second |

## Data: synthetic
`sounds.py` makes it, ranges pinned there: beeps and sirens; a blow and ringing splinters; blows on wood; harmonics of
a firing rate; each behind an equaliser and an echo, in coloured noise of -60 to -30 dB of full scale at a
signal-to-noise ratio of {sounds.SNR[0]:g} to {sounds.SNR[1]:g} dB (of the sound's loudest 0.2 s). What is shown here is
shown of these sounds, not of real ones.

## Figures, host, int8 model, {figures["clips"]} clips that are not in training
Right: float {100 * figures["float"]:.2f} %, int8 {100 * figures["int8"]:.2f} %.

| clip down, answer across | {" | ".join(f.LABELS)} |
|---|{"---|" * len(f.LABELS)}
{table}

Events right over the signal-to-noise ratio:

| ratio | right | |
|---|---|---|
{curve}

## What it cannot do
- It always names one of five. Speech and music were not among the backgrounds.
- The loudest of two sounds at once, at best.
"""
