"""The model's card, with the figures of the run that made the model."""

from __future__ import annotations

import hashlib
from typing import Any

import bearing
import features as f


def text(result: Any, figures: dict[str, Any], parameters: int, seed: int) -> str:
    """card.md of a conversion and its figures on spans of the bearing model that it has not seen."""
    out = result.outputs[0]
    table = "\n".join(
        f"| {r:g} | {one:.3f} | {four:.3f} | {rms:.3f} | {kurtosis:.3f} | {100 * found:.0f} % |"
        for r, one, four, rms, kurtosis, found in figures["rows"]
    )
    return f"""# machine: does this machine vibrate as a healthy one does?

Written by `train.py`; do not edit. Everything the app must know is in `model.toml`, the arithmetic in `features.py`.

| | |
|---|---|
| file | `machine.tflite`, {len(result.tflite)} bytes, sha256 `{hashlib.sha256(result.tflite).hexdigest()}` |
| network | autoencoder of dense layers, {parameters} parameters, int8, seed {seed} |
| input | int8 [1, {f.BANDS}]: log spectrum, mean taken off, scale 1/16 octave, zero point 0 |
| output | int8 [1, {f.BANDS}]: the same again; value = (raw - ({out.zero_point})) * {out.scale:.9g} |
| part | IIS3DWB at 26 667 Hz, +-4 g, radial axis; every third sample kept: 8889 Hz |
| window | {f.WINDOW} samples (0.23 s), one after the other |
| decision | fault where the mean score of the last {f.SMOOTHING} windows is above {figures["threshold"]} |

The score is the mean square of what is louder than drawn, over five neighbouring bands. The
threshold is 1.15 times the largest mean of four of
1500 healthy spans of four windows, each another state, that were not trained on:
{figures["largest"]:.0f}; their median is {figures["healthy"]:.0f}. No faulty sample had a part in it.

## Data: synthetic
No package ships vibrations of bearings, so `bearing.py` makes them, parameters pinned there: shaft at 1400 to 1800
rpm with five harmonics, white and falling noise, two resonances of the structure of any strength, gain +-25 %; a
fault adds impacts at the ball-pass frequencies of a 6205 ({bearing.OUTER:.3f} or {bearing.INNER:.3f} a turn) with slip,
ringing at 2.2 to 2.6 kHz. Its size r = RMS of the impact train / RMS of the white noise below 4096 Hz. What is shown
here is shown of this model, not of any real machine.

## Figures, host, int8 model, spans that are in neither training nor threshold
Area under the curve, 500 healthy against 250 faulty spans of four windows:

| r | one window | mean of 4 | RMS | kurtosis | found at the threshold (mean of 4) |
|---|---|---|---|---|---|
{table}

Healthy spans above the threshold: {figures["false"]} of 500.

## What it cannot do
- It knows one kind of machine between 1400 and 1800 rpm. Another machine needs its own healthy data and threshold.
- It says that something is new, not what.
"""
