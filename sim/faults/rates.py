"""All outcomes of a campaign, counted: rates with their intervals, and what is most vulnerable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sim.failure.demangle import demangled
from sim.faults.shot import CLASSES, Outcome

_Z = 1.959964  # 95 %


@dataclass(frozen=True)
class Rate:
    """Of all faults of one place and number of bits: counts by class, the share of right decisions, 95 % interval."""

    place: str
    bits: int
    counts: Mapping[str, int]
    moved: int  # of those masked: with another score
    right: float
    low: float
    high: float


@dataclass(frozen=True)
class Campaign:
    """All outcomes, in the order of their numbers."""

    outcomes: tuple[Outcome, ...]
    windows: int

    def rates(self) -> list[Rate]:
        """A row a place and number of bits."""
        groups: dict[tuple[str, int], list[Outcome]] = {}
        for o in self.outcomes:
            groups.setdefault((o.shot.place, len(o.shot.bits)), []).append(o)
        out = []
        for (place, bits), found in sorted(groups.items()):
            counts = {kind: sum(o.kind == kind for o in found) for kind in CLASSES}
            low, high = wilson(counts["masked"], len(found))
            moved = sum(o.kind == "masked" and o.moved > 0 for o in found)
            out.append(Rate(place, bits, counts, moved, counts["masked"] / len(found), low, high))
        return out

    def vulnerable(self, most: int = 10) -> list[tuple[str, int, int]]:
        """(tensor or function, faults that were not masked, faults) of those hit, the worst first."""
        hit: dict[str, list[bool]] = {}
        for o in self.outcomes:
            hit.setdefault(o.part, []).append(o.kind != "masked")
        rows = [(part, sum(bad), len(bad)) for part, bad in hit.items() if any(bad)]
        return sorted(rows, key=lambda r: (-r[1] / r[2], -r[1], r[0]))[:most]


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    p, n, z2 = hits / trials, trials, _Z * _Z
    middle, half = p + z2 / (2 * n), _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)
    return low if hits else 0.0, high if hits < trials else 1.0


def described(campaign: Campaign) -> Iterator[str]:
    """Lines for people."""
    yield f"{len(campaign.outcomes)} faults over {campaign.windows} windows"
    for r in campaign.rates():
        counts = ", ".join(f"{n} {kind}" for kind, n in r.counts.items() if n)
        right = f"{r.right * 100:.1f} % right ({r.low * 100:.1f} to {r.high * 100:.1f})"
        moved = f" ({r.moved} of them with another score)" if r.moved else ""
        yield f"{r.place}, {r.bits} bit{'s' * (r.bits > 1)}: {right}: {counts.replace(' masked', f' masked{moved}')}"
    worst = campaign.vulnerable()
    if worst:
        yield "most vulnerable (not masked, of faults there):"
        names = demangled(part for part, _, _ in worst)
        yield from (f"  {bad} of {total}  {names.get(part, part) or '(no symbol)'}" for part, bad, total in worst)
