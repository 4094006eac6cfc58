"""When the run of a recording is over: what was wrong has come, or it cannot come any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sim.field.feed import Feed
from sim.field.recorded import FieldRecording
from sim.field.symptom import Symptom

if TYPE_CHECKING:
    from sim.machine import Machine

FIRST, LAST = "first", "last"  # `ends` of a complaint: which of several sensors is used up when the run is over


def over(machine: Machine, feeds: Mapping[str, Feed], ends: str, symptom: Symptom | None = None) -> Callable[[], bool]:
    """Asked on the way. A sensor is used up when the firmware wants samples behind the recorded ones.

    `ends`: FIRST: with any of them, as what was wrong came before that; LAST: with all of them; "": with none.
    What the firmware would make of the zeros behind a recording says nothing.
    """
    filled = [f for f in feeds.values() if any(o.codes for o in f.record.openings)]

    def used_up() -> bool:
        if ends == FIRST:
            return any(f.beyond for f in feeds.values())
        return ends == LAST and bool(filled) and all(f.beyond for f in filled)

    def done() -> bool:
        return machine.port.exit_code is not None or used_up() or (symptom is not None and has_come(machine, symptom))

    return done


def ends_of(recording: FieldRecording) -> str:
    """As the complaint of a shrunk or pinned recording says; else LAST."""
    return FIRST if recording.complaint.get("ends") == FIRST else LAST


def has_come(machine: Machine, symptom: Symptom) -> bool:
    """Whether a machine that runs has shown it. A failure ends the run by itself."""
    if symptom.kind in ("decision", "no-decision"):
        return any(d.label == symptom.what and d.score > symptom.above for d in machine.decisions[-1:])
    if symptom.kind == "lost":
        return symptom.what in machine.port.streams and machine.port.streams[symptom.what].lost > 0
    return False
