"""What one use of the demo came to."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.decision import Decision


@dataclass(frozen=True)
class Item:
    """One recording or picture, and what the firmware made of it."""

    name: str
    expected: str
    decided: str
    share: float  # of its decisions (gesture), or the score (digits)
    latency: float  # s, the longest from the newest sample to a decision; NaN where none is known, as in a bus build
    decisions: tuple[Decision, ...]
    values: tuple[float, ...]  # what is drawn: a line, or the pixels of a square, 0..1

    @property
    def right(self) -> bool:
        return self.decided == self.expected


@dataclass(frozen=True)
class Use:
    """One use: all that was played, and what an inference costs."""

    name: str
    title: str
    items: tuple[Item, ...]
    instructions: int  # of an inference, median
    time_base: str  # how board time is got
    firmware_sha256: str

    @property
    def right(self) -> int:
        return sum(item.right for item in self.items)

    @property
    def latency(self) -> float:
        return longest(item.latency for item in self.items)

    @property
    def summary(self) -> str:
        """One line."""
        said = f"{self.right} of {len(self.items)} right. One inference: {self.instructions:,} instructions"
        if math.isnan(self.latency):
            return said
        return f"{said}; a decision comes at most {self.latency * 1000:.2f} ms after its last sample"


def longest(latencies: Iterable[float]) -> float:
    """The longest of those that are known, in s; NaN if none is. `max` alone depends on where a NaN stands."""
    return max((s for s in latencies if not math.isnan(s)), default=math.nan)
