"""What a pinned test will run, run now: is it red?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import FirmwareFailure, UsageError
from sim.field.ending import FIRST, LAST
from sim.field.feed import Feed, prepare
from sim.field.recorded import FieldRecording
from sim.field.replay import BEHIND, image_of, run_to, target_of
from sim.field.subject import Subject
from sim.field.symptom import Symptom

if TYPE_CHECKING:
    from sim.settings import Settings
    from sim.target import Target


@dataclass(frozen=True)
class Red:
    """How the test turns red. `run`: one that is; `ends`: see `sim.field.ending`; `remarks`: for people."""

    run: FieldRecording
    ends: str
    remarks: tuple[str, ...] = ()
    by: str = ""  # what it was red with, where what the test runs has been fixed already


def red(
    recording: FieldRecording,
    symptom: Symptom,
    subject: Subject,
    test: Path,
    settings: Settings,
    *,
    fixed: bool = False,
    failed: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Red:
    """How the test in file `test` turns red, on the board of the recording and the engine of the settings.

    `fixed`: what it runs does it right already; it is red with `failed`, by default the recorded firmware.
    Raises UsageError where it is not red (or not fixed), BuildError, SetupError.
    """
    from sim.target import Target

    recording = replace(recording, complaint={**recording.complaint, **symptom.as_json()})
    here = replace(settings, board=recording.board["name"], recorder=subject.recorder or settings.recorder)
    target = Target.of(here)
    now, ends = _run(recording, target, subject.elf(test, target, progress), symptom)
    seen = symptom.seen(now)
    if not fixed and failed is None:
        if seen or (symptom.kind == "failure" and now.failure is not None):
            return Red(now, ends, _remarks(symptom, now, subject, seen=seen))
        raise _not_red(recording, symptom, now, subject, settings)
    if seen or now.failure is not None:
        raise UsageError(f"{subject.text} is not fixed: it {symptom.text if seen else _first_line(now)}",
                         hint="without --fixed the test is written for it as it is")  # fmt: skip
    with image_of(recording, failed) as elf:
        name = failed.name if failed else f"the recorded firmware {recording.firmware['name']}"
        was, ends = _run(recording, target_of(recording, settings, board=None, engine=None), elf, symptom)
        if not symptom.seen(was):
            raise UsageError(f"{name} never {symptom.text}, nor does {subject.text}: nothing shows that it can fail",
                             hint="a firmware that fails: --failed OLD.elf")  # fmt: skip
    return Red(was, ends, (f"{subject.text} passes: it is fixed already; red was {name}",), name)


def _run(recording: FieldRecording, target: Target, elf: Path, symptom: Symptom) -> tuple[FieldRecording, str]:
    """The run of the test with that ELF, and which sensor is to end it."""
    feeds: Mapping[str, Feed] = {}
    with target.started(elf) as machine:
        machine.record()
        try:
            machine.run_until_ready()
            feeds = prepare(machine, recording)
            run_to(machine, recording, feeds, BEHIND, symptom)
        except FirmwareFailure:
            if machine.failure is None:  # not the firmware's: nobody gives what it waits for
                raise
        assert machine.capture is not None
        now = machine.capture.recording(None, recording.seed)
    # A failure before it was ready: no sensor had to do with it.
    came_before = symptom.kind != "no-decision" and symptom.seen(now) and not any(f.beyond for f in feeds.values())
    return now, FIRST if came_before or recording.complaint.get("ends") == FIRST else LAST


def _remarks(symptom: Symptom, now: FieldRecording, subject: Subject, *, seen: bool) -> tuple[str, ...]:
    if seen:
        return ()
    return (f"{subject.text} fails in another way than the recorded firmware: {_first_line(now)}",)


def _first_line(run: FieldRecording) -> str:
    assert run.failure is not None
    return run.failure.reason.splitlines()[0]


def _not_red(
    recording: FieldRecording, symptom: Symptom, now: FieldRecording, subject: Subject, settings: Settings
) -> UsageError:
    """Why there is no use in writing it."""
    passes = "the test would pass at once"
    if now.failure is not None:
        return UsageError(f"{subject.text} never {symptom.text}, it fails before: {_first_line(now)}",
                          hint="pin that first: --symptom failure of a recording of it")  # fmt: skip
    if recording.elf is None:
        return UsageError(f"{subject.text} never {symptom.text}: {passes}",
                          hint="has it been fixed already? --failed OLD.elf, one that does")  # fmt: skip
    with image_of(recording, None) as elf:
        target = target_of(recording, settings, board=None, engine=None)
        if not symptom.seen(_run(recording, target, elf, symptom)[0]):
            return UsageError(f"the recording, run again, never {symptom.text}: {passes}",
                              hint="boardless replay says what it does")  # fmt: skip
    return UsageError(
        f"{subject.text} never {symptom.text}, though the recorded firmware does: {passes}",
        hint="fixed already? --fixed writes it all the same. Or it takes the recorded build: --recorder TIME, --model",
    )
