"""What a pinned test will run, run now: is it red?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import FirmwareFailure, UsageError
from sim.field.recorded import FieldRecording
from sim.field.replay import image_of, play, replay, target_of
from sim.field.symptom import Symptom

if TYPE_CHECKING:
    from sim.settings import Settings
    from sim.target import Target


def run_of_test(
    recording: FieldRecording,
    test: Path,
    settings: Settings,
    *,
    app: str = "",
    firmware: str = "",
    model: str = "",
    recorder: str = "",
    progress: Callable[[str], None] = lambda text: None,
) -> FieldRecording:
    """What the run of the test in file `test` is, on the board of the recording and the engine of the settings.

    `app`, `firmware`, `model` and `recorder` as they are in its markers: paths from the test's folder, or from here.
    Raises UsageError, BuildError, SetupError.
    """
    from sim.target import Target

    settings = replace(settings, board=recording.board["name"], recorder=recorder or settings.recorder)
    target = Target.of(settings)
    elf = _elf(test, target, app, firmware, model, progress)
    with target.started(elf) as machine:
        machine.record()
        try:
            machine.run_until_ready()
            play(machine, recording)
        except FirmwareFailure:
            if machine.failure is None:  # not the firmware's: nobody gives what it waits for
                raise
        assert machine.capture is not None
        return machine.capture.recording(None, recording.seed)


def _elf(
    test: Path, target: Target, app: str, firmware: str, model: str, progress: Callable[[str], None]
) -> Path:  # fmt: skip
    def found(given: str) -> Path:
        path = Path(given).expanduser()
        return next((f / path for f in (test.parent, Path.cwd()) if (f / path).exists()), path)

    if firmware:
        if not found(firmware).is_file():
            raise UsageError(f"{firmware}: no such file", hint="an ELF, from the test's folder or from here")
        return found(firmware)
    folder = found(app)
    the_model = found(model).absolute() if model else None
    return target.build(folder if folder.is_dir() else app, the_model, progress=progress).elf


def check_red(now: FieldRecording, recording: FieldRecording, symptom: Symptom, settings: Settings, what: str) -> str:
    """A remark where the test is red for another reason than the recorded one; "": for that very one.

    `now`: its run, of `what`. Raises UsageError where it is not red at all.
    """
    if symptom.seen(now):
        return ""
    if symptom.kind == "failure" and now.failure is not None:
        return f"{what} fails in another way than the recorded firmware: {now.failure.reason.splitlines()[0]}"
    passes = "the test would pass at once"
    if now.failure is not None:
        raise UsageError(f"{what} never {symptom.text}, it fails before: {now.failure.reason.splitlines()[0]}",
                         hint="pin that first: --symptom failure of a recording of it")  # fmt: skip
    if recording.elf is None:
        raise UsageError(f"{what} never {symptom.text}: {passes}", hint="has it been fixed already?")
    with image_of(recording, None) as elf:
        target = target_of(recording, settings, board=None, engine=None)
        if not symptom.seen(replay(recording, target, elf, more="100 ms").now):
            raise UsageError(f"the recording, run again, never {symptom.text}: {passes}",
                             hint="boardless replay says what it does")  # fmt: skip
    raise UsageError(
        f"{what} never {symptom.text}, though the recorded firmware does: {passes}",
        hint="has it been fixed already? Or it takes the recorded build: --recorder TIME, --model, --firmware",
    )
