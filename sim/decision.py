"""A decision: what the firmware made of its samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Decision:
    """One decision. Times in seconds of board time."""

    label: str
    index: int  # class index
    score: float
    time: float  # when it was reported
    latency: float  # since the newest sample that the firmware had; NaN if it had none
    samples: Mapping[str, int] = field(default_factory=dict)  # sensor -> samples taken from it so far
    number: int = 0  # 0 for the first of the run

    @property
    def described(self) -> str:
        """What was decided, without when."""
        what = f"{self.label or self.index}, score {self.score:.3f}"
        return what if math.isnan(self.latency) else f"{what}, latency {self.latency * 1000:.3f} ms"

    def __str__(self) -> str:
        return f"{self.time:.6f} s  {self.described}"
