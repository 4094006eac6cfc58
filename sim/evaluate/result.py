"""One recording of an evaluation: what the board made of it, what the host did, and what that comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sim.evaluate.dataset import Entry
from sim.evaluate.host import HostDecision
from sim.evaluate.rules import FAILED, Rules
from sim.evaluate.unit import Played, Seen


@dataclass(frozen=True)
class Spread:
    """Seconds of board time."""

    count: int
    median: float
    p95: float  # of 20, 19 are at most this
    max: float

    @staticmethod
    def of(nanoseconds: Sequence[int]) -> Spread | None:
        """None of nothing."""
        if not nanoseconds:
            return None
        ordered = sorted(nanoseconds)
        n = len(ordered)
        at = [ordered[(n - 1) // 2], ordered[-(-n * 19 // 20) - 1], ordered[-1]]
        return Spread(n, *(ns / 1e9 for ns in at))

    def as_json(self) -> dict[str, Any]:
        return {"count": self.count, "median": self.median, "p95": self.p95, "max": self.max}


@dataclass(frozen=True)
class Result:
    """One recording: on the board, and on the host where there is a host side."""

    name: str
    sha256: str
    label: str
    event: tuple[float, float] | None
    played: Played
    verdict: str
    host: tuple[HostDecision, ...] | None = None
    host_verdict: str = ""

    @property
    def right(self) -> bool:
        return self.verdict == self.label


@dataclass(frozen=True)
class Disagreement:
    """A decision that is another one on the host. None: that side has none there."""

    name: str
    number: int  # of the decision, the recording's first is 0
    lost: int  # samples of the recording that the board lost; the host loses none
    board: tuple[int, str] | None  # samples taken, label
    host: tuple[int, str] | None


def label_of(labels: Sequence[str], index: int) -> str:
    """The label of a class, or its number."""
    return labels[index] if 0 <= index < len(labels) else str(index)


def shown_label(decision: Seen) -> str:
    """A decision without a label is called by its class."""
    return decision.label or str(decision.index)


def result_of(
    entry: Entry,
    played: Played,
    host: Sequence[HostDecision] | None,
    rules: Rules,
    labels: Sequence[str],
) -> Result:
    """A recording, judged."""
    decided = [shown_label(d) for d in played.decisions]
    verdict = FAILED if played.failure else rules.of(decided, labels)
    theirs = rules.of([label_of(labels, h.index) for h in host], labels) if host is not None else ""
    item = entry.item
    return Result(item.name, entry.sha256, item.label, item.event, played, verdict,
                  None if host is None else tuple(host), theirs)  # fmt: skip
