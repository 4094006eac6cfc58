"""How the model is judged on a virtual board, and what the app decides, on the host; see docs/evaluate.md."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim.evaluate import Labelled
from sim.evaluate.host import HostModel
from sim.sensors.recording import Recording

from . import bearing
from . import features as f

SEED = 77  # none of the seeds that train.py uses
STATES = 80  # healthy ones, and as many with a fault
CHUNK = 384  # samples a read of the app: it judges a window when it has read the chunk behind it
SIZE = 0.5  # of the fault: RMS of the impacts over RMS of the noise


def recordings() -> Iterator[Labelled]:
    """Bearings for four windows each, healthy or with a small fault: the decision after the fourth counts."""
    for number in range(STATES):
        yield Labelled(f"healthy_{number:02d}", partial(_span, number, 0.0), "healthy")
        yield Labelled(f"fault_{number:02d}", partial(_span, 1000 + number, SIZE), "fault")


def _span(number: int, size: float) -> Recording:
    return Recording(bearing.span(SEED, number, size), ("ax", "ay", "az"), "m/s^2", rate=bearing.RATE, name="bearing")


def host(codes: NDArray[np.int64], run: HostModel) -> list[tuple[int, int]]:
    """Decisions (samples, label index) on the part's codes [samples, 3]."""
    if len(codes) < f.RAW:
        return []
    x = f.of_stream(codes[:, f.AXIS].astype(np.int16))
    output = run.model.outputs[0]
    means = f.smoothed(f.scores(x, run(x), output.scale[0], output.zero_point[0]))
    # One window alone is no reason to stop a machine.
    faults = [i + 1 >= f.SMOOTHING and mean > f.THRESHOLD for i, mean in enumerate(means)]
    last = len(codes) // CHUNK * CHUNK
    return [(min((i + 1) * f.RAW + CHUNK, last), int(fault)) for i, fault in enumerate(faults)]
