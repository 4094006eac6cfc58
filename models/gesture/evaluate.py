"""How the model is judged on a virtual board, and what the app decides, on the host; see docs/evaluate.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sim.evaluate import Labelled
from sim.sensors.recording import Recording

from . import dataset
from . import features as f


def recordings() -> Iterator[Labelled]:
    """The 40 recordings of the test half."""
    units = ("m/s^2",) * 3 + ("deg/s",) * 3
    for number, (label, samples) in enumerate(dataset.load("test")):
        yield Labelled(f"{label}_{number:02d}", Recording(samples, f.CARD["channels"], units, rate=dataset.RATE), label)


def host(codes: NDArray[np.int64], run: Callable[[NDArray], NDArray]) -> list[tuple[int, int]]:
    """Smoothed decisions (samples, label index) on the part's codes [samples, 6]."""
    if len(codes) < f.WINDOW:
        return []
    stored = run(f.windows(f.inputs(codes.astype(np.int16))))
    # Scale and zero point are alike for all labels: means of stored values are in the order of means of scores.
    found = f.decisions(stored.astype(np.float64))
    return [(f.WINDOW + i * f.STRIDE, int(label)) for i, label in enumerate(found)]
