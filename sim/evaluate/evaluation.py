"""What an evaluation found: figures, and every recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.clock import cycle_model
from sim.evaluate.dataset import Dataset, Entry
from sim.evaluate.host import HostDecision, equal
from sim.evaluate.rules import FAILED, Rules
from sim.evaluate.unit import Played, Seen

if TYPE_CHECKING:
    from sim.evaluate.opening import Opening
    from sim.firmware import Firmware
    from sim.target import Target


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


@dataclass(frozen=True, eq=False)
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
        """From the last sample of a decision's window to the decision."""
        return Spread.of([d.latency_ns for r in self.results for d in r.played.decisions])

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
    def cycle_model(self) -> str:
        """How the board's busy time is counted, for whoever reads the times."""
        return cycle_model(self.target.board.timing)

    def _label(self, index: int) -> str:
        return label_of(self.labels, index)

    # ---- as JSON ----

    def as_json(self) -> dict[str, Any]:
        """As `schemas/evaluate.json` has it. Nothing in it depends on who played what when."""
        firmware, target = self.firmware, self.target
        described = target.described() if firmware.tree is not None else target.described_without_tree()
        latency, detection = self.latency, self.detection
        disagreements = self.disagreements
        return {
            **described,
            "app": firmware.app,
            "model_sha256": firmware.model.sha256 if firmware.model else None,
            "firmware_sha256": firmware.sha256,
            "unverified": list(target.board.unverified),
            "cycle_model": self.cycle_model,
            "sensor": {"slot": self.opening.slot, "part": self.opening.part.name, "rate": float(self.opening.rate)},
            "data": {
                "source": self.data.source,
                "sha256": self.data.sha256,
                "recordings": len(self.results),
                "seconds": self.seconds,
                "skipped": [{"name": s.name, "reason": s.reason} for s in self.data.skipped],
            },
            "rules": self.rules.as_json(),
            "one_boot": self.one_boot,
            "labels": list(self.labels),
            "accuracy": {"right": sum(r.right for r in self.results), "of": len(self.results), "share": self.accuracy},
            "confusion": {truth: dict(row) for truth, row in self.confusion.items()},
            "latency": latency.as_json() if latency else None,
            "detection": detection.as_json() if detection else None,
            "false_alarms": {"count": self.false_alarms, "per_hour": self.false_alarms_per_hour},
            "lost_samples": self.lost,
            "saturated_values": sum(r.played.saturated for r in self.results),
            "failures": [{"name": name, "reason": reason} for name, reason in self.failures],
            "host": {
                "interpreter": self.host_text,
                "accuracy": self.host_accuracy,
                "decisions": self.compared,
                "equal": not disagreements,
                "disagreements": [
                    {"name": d.name, "number": d.number, "lost": d.lost, "board": _side(d.board), "host": _side(d.host)}
                    for d in disagreements
                ],
            }
            if self.host_text
            else None,
            "no_host": self.no_host,
            "recordings": [_recording(r, self.host_text) for r in self.results],
        }


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


def _side(side: tuple[int, str] | None) -> dict[str, Any] | None:
    return None if side is None else {"samples": side[0], "label": side[1]}


def _recording(r: Result, host: str) -> dict[str, Any]:
    said: dict[str, Any] = {"name": r.name, "sha256": r.sha256, "label": r.label, "verdict": r.verdict}
    if host:
        said["host_verdict"] = r.host_verdict
    said["decisions"] = len(r.played.decisions)
    said["samples"] = r.played.samples
    said["lost"] = r.played.lost
    return said
