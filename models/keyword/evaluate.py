"""How the model is judged on a virtual board, and what the app decides, on the host; see docs/evaluate.md."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sim.evaluate import Labelled
from sim.evaluate.host import HostModel
from sim.sensors.recording import Recording

from . import features as f
from . import voices

SEED = 777  # none of the seeds that train.py uses
CLIPS = 50  # of each word, and of others together


def recordings() -> Iterator[Labelled]:
    """A second of noise, a word by a voice nobody trained with, a second of noise. Needs espeak-ng."""
    for number in range(CLIPS):
        for label in ("yes", "no", "unknown"):
            word = label if label != "unknown" else voices.OTHER_WORDS[number % len(voices.OTHER_WORDS)]
            rng = np.random.default_rng([20261122, SEED + f.LABELS.index(label), number])
            spoken = voices.heard(rng, voices.drawn(rng, word, voices.HELD_OUT))
            sound, first, last = voices.stream(rng, spoken, 1.0, 1.0)
            clip = Recording(sound / 32768.0, ["sound"], "fs", rate=voices.RATE, name=word)
            event = (first / voices.RATE, last / voices.RATE) if label == word else None
            yield Labelled(f"{word}_{number:02d}", clip, label, event)


def host(codes: NDArray[np.int64], run: HostModel) -> list[tuple[int, int]]:
    """Words that are heard (samples, label index) on the microphone's codes [samples, 1]. Needs gcc and g++."""
    chunks = len(codes) // f.HOP  # the app takes whole ones
    found = f.frames(codes[: chunks * f.HOP, 0].astype(np.int16))
    if len(found) < f.FRAMES:
        return []
    output = run.model.outputs[0]
    scores = (run(f.windows(found)).astype(np.float64) - output.zero_point[0]) * output.scale[0]
    # The first frame takes two chunks, every other one.
    return [((f.FRAMES + look * f.STRIDE + 1) * f.HOP, label) for look, label in f.heard(scores)]
