"""The model's card, with the figures of the run that made the model."""

from __future__ import annotations

import hashlib
from typing import Any

import features as f
import streams
import voices


def text(result: Any, figures: dict[str, Any], parameters: int, seed: int) -> str:
    """card.md of a conversion and its figures on voices that it was not trained on."""
    score = result.outputs[0]
    table = "\n".join(
        f"| {threshold:g} | {100 * a:.1f} % | {b} | {100 * c:.1f} % | {d} |"
        for _, threshold, a, b, c, d in figures["rows"]
    )
    people = ", ".join(f"{word}: {'right' if ok else 'WRONG'}" for word, ok in figures["human"].items())
    met = "**not met**" if figures["false"] > 1 else "met"
    clips = streams.CLIPS_EACH * streams.CLIPS
    minutes = streams.GROUP * (streams.PLAIN + streams.HARD)
    return f"""# keyword: did somebody say yes or no?

Written by `train.py`; do not edit. Everything the app must know is in `model.toml`.

| | |
|---|---|
| file | `keyword.tflite`, {len(result.tflite)} bytes, sha256 `{hashlib.sha256(result.tflite).hexdigest()}` |
| network | three convolutions over time, bands as channels, {parameters} parameters, int8, seed {seed} |
| input | int8 [1, {f.FRAMES}, {f.CHANNELS}]: frames of TFLM's microfrontend, oldest first, scale 1/32, zero point 0 |
| output | int8 [1, 4]: {", ".join(f.LABELS)}; score = (raw - ({score.zero_point})) * {score.scale:.9g} |
| sound | 16 kHz, 30 ms windows every 20 ms, 40 bands, noise reduction, PCAN: upstream's settings of micro_speech |
| look | every {20 * f.STRIDE} ms; a word is heard where the mean score of {figures["smoothing"]} looks |
| | is at least {figures["threshold"]:g}; then nothing for {f.CARD["refractory"]} looks |

## Data: synthetic voices
espeak-ng (GPL-3+; the tool, its speech is data) says the words in {len(voices.ACCENTS)} accents and
{len(voices.TRAINING)} voices; `voices.py` changes speed and pitch, equaliser, loudness, breath, echo, clipping, noise:
strongly in training, little in judging (a room, noise {voices.SNR[0]:g} to {voices.SNR[1]:g} dB fainter).
{len(voices.CHOOSING)} other voices choose smoothing and threshold, {len(voices.HELD_OUT)} more judge.
No person's voice was used in training; upstream's human yes and no judge only.

The microfrontend adapts to the sound of the last seconds, so the same word looks otherwise after a start, after noise
and after speech. Training is on windows out of {minutes} minutes of running speech and {clips} clips after a
start (`streams.py`). In a part of it {len(voices.NEAR)} words are said more often: those that the choosing voices were
misheard with, "go" and "now" before all, and their like. The held-out voices had no part in that.

## Figures, host, int8 model
A clip is right when its word, and nothing else, is heard once in a stream of noise, word, noise. False: words heard in
30 minutes (choosing voices) and in 10 minutes (held-out voices, some words that nobody trained with) of talk and noise.

| threshold | choosing voices, right | false in 30 min | held-out voices, right | false in 10 min |
|---|---|---|---|---|
{table}

Chosen: {figures["threshold"]:g} for the mean of {figures["smoothing"]}, where the choosing voices have the fewest
false words and are still right in 90 % of the clips. Human recordings: {people}. On the held-out voices of this table
the aim, at most one false word in ten minutes, is {met}; `tests/usecases/test_keyword.py` judges on the board, by other
clips and other talk.

## What it cannot do
- Two human clips show whether it can hear people, not how well. For a product, train on people.
- It hardly hears voices that are not a formant synthesiser's. Of 100 clips of flite's awb, festival's ked (both cut
  from recordings of people) and a recorded speaker (Asterisk's prompts) it found 28 % of yes, 16 % of no: tried once
  beside `train.py`, int8 on the host, one clip at a time. Their no, go and now are much the same to it.
- Words that rhyme are left out of training and judging. In five minutes of nothing but {", ".join(voices.RHYMES[:6])}
  and the like it hears yes or no {figures["rhymes"]} times.
"""
