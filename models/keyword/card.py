"""The model's card, with the figures of the run that made the model."""

from __future__ import annotations

import hashlib
from typing import Any

import features as f
import voices


def text(result: Any, figures: dict[str, Any], parameters: int, seed: int) -> str:
    """card.md of a conversion and its figures on voices that it was not trained on."""
    score = result.outputs[0]
    table = "\n".join(
        f"| {threshold:g} | {100 * a:.1f} % | {b} | {100 * c:.1f} % | {d} |"
        for threshold, a, b, c, d in figures["rows"]
    )
    people = ", ".join(f"{word}: {'right' if ok else 'WRONG'}" for word, ok in figures["human"].items())
    return f"""# keyword: did somebody say yes or no?

Written by `train.py`; do not edit. Everything the app must know is in `model.toml`.

| | |
|---|---|
| file | `keyword.tflite`, {len(result.tflite)} bytes, sha256 `{hashlib.sha256(result.tflite).hexdigest()}` |
| network | two convolutions over time, bands as channels, {parameters} parameters, int8, seed {seed} |
| input | int8 [1, {f.FRAMES}, {f.CHANNELS}]: frames of TFLM's microfrontend, oldest first, scale 1/32, zero point 0 |
| output | int8 [1, 4]: {", ".join(f.LABELS)}; score = (raw - ({score.zero_point})) * {score.scale:.9g} |
| sound | 16 kHz, 30 ms windows every 20 ms, 40 bands, noise reduction, PCAN: upstream's settings of micro_speech |
| look | every {20 * f.STRIDE} ms; a word is heard where the mean score of {f.CARD["smoothing"]} looks |
| | is at least {figures["threshold"]:g}; then nothing for {f.CARD["refractory"]} looks |

## Data: synthetic voices
espeak-ng (GPL-3+; the tool, its speech is data) says the words in {len(voices.ACCENTS)} accents and
{len(voices.TRAINING)} voices; `voices.py` changes speed and pitch, equaliser, loudness, breath, echo, clipping, noise:
strongly in training, little in judging (a room, noise {voices.SNR[0]:g} to {voices.SNR[1]:g} dB fainter).
{len(voices.CHOOSING)} other voices chose the threshold, {len(voices.HELD_OUT)} more judge.
No person's voice was used in training; upstream's human yes and no judge only.

## Figures, host, int8 model
A clip is right when its word, and nothing else, is heard once in a stream of noise, word, noise. False: words heard
in 10 minutes of noise and other words.

| threshold | choosing voices, right | false | held-out voices, right | false |
|---|---|---|---|---|
{table}

Chosen: {figures["threshold"]:g}, the highest at which nine in ten of the choosing voices are right.
Human recordings: {people}. The aim, at most one false word in ten minutes, is **not met**.

## What it cannot do
- Two human clips show that it can hear people, not how well. For a product, train on people.
- Words that rhyme are left out of training and judging. In five minutes of nothing but {", ".join(voices.RHYMES[:6])}
  and the like it hears yes or no {figures["rhymes"]} times.
"""
