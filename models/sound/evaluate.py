"""How the model is judged on a virtual board, and what the app decides, on the host; see docs/evaluate.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim.evaluate import Labelled
from sim.sensors.recording import Recording

from . import features as f
from . import sounds

SEED = 77  # none of the seeds that train.py uses
CLIPS = 40  # a label


def recordings() -> Iterator[Labelled]:
    """Clips of 1.2 s that are not in training, of each label in turn."""
    for number in range(CLIPS):
        for label in f.LABELS:
            yield Labelled(f"{label}_{number:02d}", partial(_clip, number, label), label)


def _clip(number: int, label: str) -> Recording:
    return Recording(sounds.clip(SEED, 100 + number, label) / 32768.0, ["sound"], "fs", rate=sounds.RATE, name=label)


def host(codes: NDArray[np.int64], run: Callable[[NDArray], NDArray]) -> list[tuple[int, int]]:
    """Decisions (samples, label index) on the microphone's codes [samples, 1]."""
    chunks = len(codes) // f.HOP  # the app takes whole ones
    at = [n for n in range(f.FRAMES + 1, chunks + 1) if n % f.STRIDE == 0]
    if not at:
        return []
    best = run(f.windows(f.frames(codes[: chunks * f.HOP, 0].astype(np.int16)), at)).argmax(axis=1)
    return [(n * f.HOP, int(label)) for n, label in zip(at, best, strict=True)]
