"""One recording of a set, with what is in it; and the hash of what it plays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.errors import UsageError
from sim.sensors.frames import Frames
from sim.sensors.recording import Recording

Playable = Recording | Frames


@dataclass(frozen=True)
class Labelled:
    """A recording and its label. `stimulus`: a Recording or Frames, or a function that makes one when it is needed.

    `event`: from and to which second of it what the label names happens; None: all of it, or nobody knows.
    """

    name: str
    stimulus: Playable | Callable[[], Playable]
    label: str
    event: tuple[float, float] | None = None

    def load(self) -> Playable:
        """What is played. Raises UsageError naming the recording."""
        made = self.stimulus if isinstance(self.stimulus, Recording | Frames) else self.stimulus()
        if not isinstance(made, Recording | Frames):
            raise UsageError(
                f"{self.name}: a {type(made).__name__} cannot be in a set: its content has no hash",
                hint="make a Recording of it: sim.sensors.generators.sampled(stimulus, rate)",
            )
        return made


def digest(stimulus: Playable) -> str:
    """SHA-256 (hex) over all that a sensor would see of it; names and sources do not matter."""
    if isinstance(stimulus, Frames):
        what = f"frames {stimulus.rate!r} {stimulus.width} {stimulus.height}"
        arrays = [stimulus.values]
    else:
        what = f"recording {stimulus.channels} {stimulus.units} {stimulus.rate!r} {stimulus.interpolation}"
        arrays = [stimulus.values, *([] if stimulus.times is None else [stimulus.times])]
    whole = hashlib.sha256(what.encode())
    for array in arrays:
        whole.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return whole.hexdigest()
