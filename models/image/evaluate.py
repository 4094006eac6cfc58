"""How the model is judged on a virtual board, and what the app decides, on the host; see docs/evaluate.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim.evaluate import Labelled
from sim.sensors.frames import Frames

from . import dataset
from . import features as f


def recordings() -> Iterator[Labelled]:
    """Every third digit, each shown for one frame."""
    strokes, truth = dataset.load("test")
    for number, (picture, digit) in enumerate(zip(strokes, truth, strict=True)):
        yield Labelled(f"digit_{number:03d}", partial(_shown, picture), f.LABELS[digit])


def _shown(strokes: NDArray[np.float64]) -> Frames:
    return Frames(dataset.shares(strokes), f.RATE, scale=f.BLOCK, background=dataset.PAPER)


def host(codes: NDArray[np.int64], run: Callable[[NDArray], NDArray]) -> list[tuple[int, int]]:
    """(frames, digit) of each frame in which there is something, on the camera's codes [frames, pixels]."""
    x, seen = f.inputs(codes.astype(np.uint8).reshape(-1, f.HEIGHT, f.WIDTH))
    stored = run(x)
    return [(i + 1, int(stored[i].argmax())) for i in np.flatnonzero(seen)]
