"""What an evaluation found: every recording, and the figures that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.clock import cycle_model
from sim.evaluate.dataset import Dataset
from sim.evaluate.evaluation_json import evaluation_json
from sim.evaluate.host import equal
from sim.evaluate.result import Disagreement, Result, Spread, label_of
from sim.evaluate.rules import Rules

if TYPE_CHECKING:
    from sim.evaluate.opening import Opening
    from sim.firmware import Firmware
    from sim.target import Target


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """A labelled set on a virtual board. `results` in the set's order."""

    target: Target
    firmware: Firmware
    opening: Opening
    data: Dataset
    rules: Rules
    labels: tuple[str, ...]
    results: tuple[Result, ...]
    host_text: str  # the host interpreter; empty: there is no host side
    no_host: str  # why not
    one_boot: bool  # several recordings a boot, the firmware starting again between them

    # ---- accuracy ----

    @property
    def accuracy(self) -> float:
        """Share of recordings with the right verdict."""
        return sum(r.right for r in self.results) / len(self.results)

    @property
    def host_accuracy(self) -> float | None:
        """The same for the int8 model on the host; None where there is no host side."""
        if not self.host_text:
            return None
        return sum(r.host_verdict == r.label for r in self.results) / len(self.results)

    @property
    def columns(self) -> tuple[str, ...]:
        """The labels, and verdicts that are none."""
        others = sorted({v for r in self.results for v in (r.verdict, r.label)} - set(self.labels))
        return (*self.labels, *others)

    @property
    def confusion(self) -> Mapping[str, Mapping[str, int]]:
        """True label -> verdict -> recordings; every label that is in the set, every column."""
        table = {r: dict.fromkeys(self.columns, 0) for r in self.columns if any(x.label == r for x in self.results)}
        for r in self.results:
            table[r.label][r.verdict] += 1
        return table

    # ---- time ----

    @property
    def latency(self) -> Spread | None:
        """From the last sample of a decision's window to the decision; None where nobody knows (bus builds)."""
        known = [d.latency_ns for r in self.results for d in r.played.decisions]
        return Spread.of([ns for ns in known if ns is not None])

    @property
    def detection(self) -> Spread | None:
        """From the end of the event (where the set says when that is) to the first right decision after its beginning.

        An event that is recognised before its end counts as 0 s.
        """
        found = []
        for r in self.results:
            if r.event is None:
                continue
            begin, end = (round(t * 1e9) for t in r.event)
            first = next((d for d in r.played.decisions if d.label == r.label and d.at_ns >= begin), None)
            if first is not None:
                found.append(max(0, first.at_ns - end))
        return Spread.of(found)

    @property
    def seconds(self) -> float:
        """Board time of all recordings together."""
        return sum(e.seconds for e in self.data.entries)

    @property
    def false_alarms(self) -> int:
        """How often something was reported that was not there; a stretch of one wrong label counts once."""
        return sum(self.rules.alarms([d.label for d in r.played.decisions], r.label) for r in self.results)

    @property
    def false_alarms_per_hour(self) -> float:
        """Per hour of board time."""
        return self.false_alarms / (self.seconds / 3600)

    # ---- against the host ----

    @property
    def decisions(self) -> int:
        """Decisions of the board in all."""
        return sum(len(r.played.decisions) for r in self.results)

    @property
    def compared(self) -> int:
        """Decisions that one side has, or both."""
        return sum(max(len(r.played.decisions), len(r.host)) for r in self.results if r.host is not None)

    @property
    def disagreements(self) -> list[Disagreement]:
        """Every decision that the host takes otherwise, in order."""
        out = []
        for r in self.results:
            board = [(d.samples, d.index) for d in r.played.decisions]
            for i, same in equal(board, r.host) if r.host is not None else ():
                if not same:
                    theirs = (r.host[i].samples, self._label(r.host[i].index)) if r.host and i < len(r.host) else None
                    ours = (board[i][0], r.played.decisions[i].label) if i < len(board) else None
                    out.append(Disagreement(r.name, i, r.played.lost, ours, theirs))
        return out

    @property
    def failures(self) -> list[tuple[str, str]]:
        """Recordings on which the firmware failed, and why."""
        return [(r.name, r.played.failure) for r in self.results if r.played.failure]

    @property
    def lost(self) -> int:
        """Samples that were lost, as the firmware came too late."""
        return sum(r.played.lost for r in self.results)

    @property
    def saturated(self) -> int:
        """Values beyond the part's range, cut off: of a whole set most often a wrong unit or range."""
        return sum(r.played.saturated for r in self.results)

    @property
    def cycle_model(self) -> str:
        """How the board's busy time is counted, for whoever reads the times."""
        return cycle_model(self.target.board.timing)

    def _label(self, index: int) -> str:
        return label_of(self.labels, index)

    def __repr__(self) -> str:
        # pytest shows it whole where `assert evaluate(...).accuracy > 0.9` fails.
        right = sum(r.right for r in self.results)
        return f"<{self.firmware.app} on {self.target.board.name}: {right} of {len(self.results)} recordings right>"

    def as_json(self) -> dict[str, Any]:
        """As `schemas/evaluate.json` has it."""
        return evaluation_json(self)
