"""One fault of a campaign, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.faults.places import Place

CLASSES = ("masked", "wrong decision", "detected", "fault", "hang")


@dataclass(frozen=True)
class Shot:
    """One fault: bits that are flipped together, all in one place."""

    number: int
    place: str
    bits: tuple[tuple[int, int], ...]  # (address, bit)


@dataclass(frozen=True)
class Outcome:
    """What became of it. `part`: the tensor or function that was hit; `window`: number of the decision."""

    shot: Shot
    kind: str
    window: int
    expected: str
    decided: str
    part: str
    detail: str = ""
    moved: float = 0.0  # how far the score is from that without the fault; also of one that is masked

    def as_json(self) -> dict[str, Any]:
        """A line of the journal."""
        return {
            "number": self.shot.number, "place": self.shot.place, "bits": [list(b) for b in self.shot.bits],
            "outcome": self.kind, "window": self.window, "expected": self.expected, "decided": self.decided,
            "part": self.part, "detail": self.detail, "moved": self.moved,
        }  # fmt: skip


def plan(places: Sequence[Place], bits: Sequence[int], count: int, seed: int) -> list[Shot]:
    """`count` faults for each place and number of bits, drawn with `seed`."""
    rng = np.random.default_rng(seed)
    out: list[Shot] = []
    for place in places:
        for n in bits:
            for _ in range(count):
                drawn = tuple(sorted(place.drawn(rng) for _ in range(n)))
                out.append(Shot(len(out), place.name, drawn))
    return out
