"""What is wrong with a run, so that another run can be asked whether it has the same."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from sim.errors import UsageError, near
from sim.field.recorded import FieldRecording

KINDS = ("failure", "decision", "no-decision", "lost")
_HINT = (
    "--symptom failure | decision:LABEL | decision:LABEL>0.8 | no-decision:LABEL | lost:SENSOR: "
    "what of it should not be?"
)
_LOST = re.compile(r"(\S+) \d+\+\d+ lost (\d+) ")


@dataclass(frozen=True)
class Symptom:
    """One kind of wrong. `what`: the failure's signature, a label, a sensor's slot; `above`: a decision's score."""

    kind: str
    what: str
    above: float = -1.0

    def seen(self, run: FieldRecording) -> bool:
        """Whether that run has it."""
        if self.kind == "failure":
            return run.failure is not None and run.failure.signature == self.what
        if self.kind == "lost":
            return any(lost > 0 for slot, lost in losses(run) if slot == self.what)
        has = any(d["label"] == self.what and d["score"] > self.above for d in run.decisions)
        return has if self.kind == "decision" else not has and run.failure is None

    def first_seen_ps(self, run: FieldRecording) -> int:
        """Board time of its first event; the end of the run where there is no one event."""
        if self.kind == "decision":
            return min(
                (d["time_ps"] for d in run.decisions if d["label"] == self.what and d["score"] > self.above),
                default=run.end_ps,
            )
        if self.kind == "lost":
            for event in run.events:
                found = _LOST.match(event.detail) if event.what == "read" else None
                if found and found[1] == self.what and int(found[2]):
                    return event.time_ps
        return run.end_ps

    @property
    def text(self) -> str:
        """In words."""
        above = f" with a score above {self.above:g}" if self.above >= 0 else ""
        return {
            "failure": f"fails: {self.what.replace('#x', '0x...')}",  # an address: another in each build
            "decision": f"decides {self.what!r}{above}",
            "no-decision": f"never decides {self.what!r}",
            "lost": f"loses samples of {self.what}",
        }[self.kind]

    def as_json(self) -> dict[str, Any]:
        """As it stands in a recording's `complaint`."""
        return {"kind": self.kind, "what": self.what, "above": self.above}


def losses(run: FieldRecording) -> list[tuple[str, int]]:
    """(sensor, samples lost before it) of each read."""
    found = (_LOST.match(e.detail) for e in run.events if e.what == "read")
    return [(m[1], int(m[2])) for m in found if m]


def symptom_of(run: FieldRecording, said: str | None = None) -> Symptom:
    """What is wrong with that run: as the user says, else what the recording complains of, else its failure.

    Raises UsageError when nobody says, or what is said is not there.
    """
    if said:
        found = _parsed(run, said)
    elif run.complaint:
        c = run.complaint
        above = c.get("above", -1.0)
        if c.get("kind") not in KINDS or not isinstance(c.get("what"), str) or not isinstance(above, int | float):
            raise UsageError("the recording's complaint cannot be used", hint=_HINT)
        found = Symptom(c["kind"], c["what"], float(above))
    elif run.failure is not None:
        found = Symptom("failure", run.failure.signature)
    elif (lost := next((slot for slot, n in losses(run) if n), None)) is not None:
        found = Symptom("lost", lost)
    else:
        raise UsageError("nothing in the recording says what is wrong: the run did not fail", hint=_HINT)
    return found


def _parsed(run: FieldRecording, said: str) -> Symptom:
    kind, _, what = said.partition(":")
    if kind not in KINDS:
        raise UsageError(f"unknown symptom {kind!r}", hint=near(kind, KINDS))
    if kind == "failure":
        if run.failure is None:
            raise UsageError("the run of the recording did not fail", hint=_HINT)
        return Symptom(kind, run.failure.signature)
    if not what:
        raise UsageError(f"{kind} of what?", hint=_HINT)
    label, more, above = what.partition(">")
    try:
        score = float(above) if more else -1.0
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise UsageError(f"{above!r} is no score", hint=_HINT)
    return Symptom(kind, label.strip(), score)
