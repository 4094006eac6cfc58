"""Whose word it is what is wrong: the user's, the recording's, or, for a log from the field, a run's on the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.field.recorded import FieldRecording
from sim.field.replay import replay
from sim.field.symptom import Symptom, symptom_of

if TYPE_CHECKING:
    from sim.target import Target


def symptom_asked(recording: FieldRecording, said: str | None, target: Target, elf: Path) -> Symptom:
    """See `symptom_of`; a log that does not say is run once, and what fails then is meant. Raises UsageError."""
    known = said is not None and not said.startswith("failure")
    if recording.origin != "field" or recording.complaint or recording.failure is not None or known:
        return symptom_of(recording, said)
    run = replay(recording, target, elf).now
    return symptom_of(replace(run, complaint={}), said)
