"""How the model is judged on a virtual board, and what the app decides, on the host; see docs/evaluate.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sim.evaluate import Labelled
from sim.sensors.recording import Recording

from . import features as f
from . import road

SEED = 77  # none of the seeds that train.py uses
DRIVES = 4  # a label


def recordings() -> Iterator[Labelled]:
    """Windows of one second of drives that are not in training, of which one can tell what they show."""
    units = ("m/s^2",) * 3 + ("deg/s",) * 3
    for number, drive in enumerate(road.drives(SEED, [label for label in f.LABELS for _ in range(DRIVES)])):
        for start in range(0, len(drive.samples) - f.WINDOW + 1, f.STRIDE):
            truth = road.truth(drive, (start + f.WINDOW) / f.RATE)
            if truth is not None:
                window = Recording(drive.samples[start : start + f.WINDOW], f.CARD["channels"], units, rate=road.RATE)
                yield Labelled(f"drive_{number:03d}_{drive.label}_{start / f.RATE:.2f}s", window, truth)


def host(codes: NDArray[np.int64], run: Callable[[NDArray], NDArray]) -> list[tuple[int, int]]:
    """Decisions (samples, label index) on the part's codes [samples, 6]."""
    if len(codes) < f.WINDOW:
        return []
    best = run(f.windows(f.inputs(codes.astype(np.int16)))).argmax(axis=1)
    return [(f.WINDOW + i * f.STRIDE, int(label)) for i, label in enumerate(best)]
