"""Whose word it is what is wrong: the user's, the recording's, or, for a log from the field, a run's on the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.field.recorded import FieldRecording
from sim.field.replay import image_of, replay
from sim.field.symptom import Symptom, symptom_of

if TYPE_CHECKING:
    from sim.target import Target


def symptom_asked(recording: FieldRecording, said: str | None, target: Target, elf: Path | None) -> Symptom:
    """See `symptom_of`; a log that does not say is run once, and what fails then is meant. Raises UsageError.

    `elf`: what to run; None: the recorded firmware, if the recording has one.
    """
    known = said is not None and not said.startswith("failure")
    if recording.origin != "field" or recording.complaint or recording.failure is not None or known:
        return symptom_of(recording, said)
    if elf is None and recording.elf is None:
        return symptom_of(recording, said)
    with image_of(recording, elf) as image:
        run = replay(recording, target, image).now
    return symptom_of(replace(run, complaint={}), said)
