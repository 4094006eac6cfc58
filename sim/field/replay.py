"""Replay: run a recording again, and say whether it did the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.durations import picoseconds
from sim.errors import FirmwareFailure, UsageError
from sim.field.ending import ends_of, over
from sim.field.events import Difference, first_difference
from sim.field.feed import Feed, prepare
from sim.field.recorded import FieldRecording
from sim.field.symptom import Symptom, symptom_of

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.settings import Settings
    from sim.target import Target

BEHIND = "100 ms"  # how long a fixed firmware may take longer, or another build than the recorded one


@dataclass(frozen=True)
class Replay:
    """`was`: the recording; `now`: the run that was made of it, itself a recording."""

    was: FieldRecording
    now: FieldRecording
    beyond: int  # samples that the firmware wanted and the recording has not

    @property
    def same(self) -> bool:
        """Equal event hash: every event at its board time."""
        return self.was.event_hash == self.now.event_hash

    @property
    def other_engine(self) -> bool:
        """Board times are not comparable."""
        return bool(self.was.engine["name"] != self.now.engine["name"])

    @property
    def same_decisions(self) -> bool:
        """Equal decision hash; on another engine over as many decisions as the recording has."""
        return self.was.decision_hash == self._comparable.decision_hash

    @property
    def _comparable(self) -> FieldRecording:
        return (
            replace(self.now, decisions=self.now.decisions[: len(self.was.decisions)])
            if self.other_engine
            else self.now
        )

    @property
    def other_decision(self) -> str:
        """In words, the first decision that is not the same; "": there is none."""
        was, now = self.was.decisions, self.now.decisions
        for i, a in enumerate(was):
            b = now[i] if i < len(now) else None
            if b is None or (a["label"], a["index"], a["samples"]) != (b["label"], b["index"], b["samples"]):
                return f"first other decision: number {i + 1}: was {_told(a)}, now {_told(b) if b else 'nothing more'}"
        return ""

    @property
    def difference(self) -> Difference | None:
        """The first event that is not the same."""
        return first_difference(self.was.events, self.now.events)

    @property
    def unlike(self) -> list[str]:
        """What of the conditions was not the same, a line each."""
        out = []
        for what, was, now in (
            ("firmware", self.was.firmware["sha256"][:12], self.now.firmware["sha256"][:12]),
            ("board", self.was.board["name"], self.now.board["name"]),
            ("the board's figures", self.was.board.get("figures"), self.now.board.get("figures")),
            ("engine", self.was.engine["name"], self.now.engine["name"]),
            ("version of the engine", self.was.engine["version"], self.now.engine["version"]),
            ("time base", self.was.time_base, self.now.time_base),
        ):
            if was and was != now:  # a log from the field says little of them
                out.append(f"{what}: was {was}, now {now}")
        return out


def target_of(recording: FieldRecording, settings: Settings, *, board: str | None, engine: str | None) -> Target:
    """Where to run it: as it was, unless something else is asked for. Raises UsageError."""
    from sim.target import Target

    known = recording.engine["name"]
    return Target.of(replace(settings, board=board or recording.board["name"], engine=engine or known))


def _told(decision: Mapping[str, Any]) -> str:
    taken = ", ".join(f"{n} samples of {slot}" for slot, n in sorted(decision["samples"].items()))
    return f"{decision['label']!r} after {taken}"


def rebuilt_for(recording: FieldRecording, target: Target, progress: Callable[[str], None]) -> Path | None:
    """What the recording was built from, linked for another engine's addresses; None: its own ELF will do.

    Raises UsageError where nobody knows what to build, or it is not the same any more.
    """
    if recording.engine["name"] == target.engine.name:
        return None
    build, hint = recording.build, f"give one that is linked for engine {target.engine.name}: --firmware new.elf"
    if not build.get("app"):
        raise UsageError(f"the recording's firmware is linked for engine {recording.engine['name']}", hint=hint)
    settings = replace(target.settings, kernels=build["kernels"])
    try:
        firmware = replace(target, settings=settings).build(build["app"], progress=progress)
    except UsageError as error:
        raise UsageError(f"the recording's firmware cannot be built again: {error.message}", hint=hint) from None
    if firmware.model is None or firmware.model.sha256 != build["model_sha256"]:
        raise UsageError(f"app {build['app']} has another model now than in the recording", hint=hint)
    return firmware.elf


@contextmanager
def image_of(recording: FieldRecording, firmware: Path | None) -> Iterator[Path]:
    """The ELF to run: a new one, or the recorded one in a folder of its own. Raises UsageError."""
    if firmware is not None:
        yield firmware
        return
    if recording.elf is None:
        raise UsageError("the recording has no firmware in it", hint="give the one to run: --firmware new.elf")
    with tempfile.TemporaryDirectory(prefix="boardless-") as folder:
        path = Path(folder) / (Path(recording.firmware["name"]).name or "firmware.elf")
        path.write_bytes(recording.elf)
        yield path


def replay(
    recording: FieldRecording, target: Target, elf: Path, *, more: float | str = 0.0, symptom: Symptom | None = None
) -> Replay:
    """Run `elf` on what the recording has, as long as it ran, and `more` board time, or until it shows the symptom.

    Raises UsageError when the board has not got the sensors. A failure of the firmware is in the result.
    """
    with target.started(elf) as machine:
        machine.record()
        feeds = prepare(machine, recording)
        try:
            run_to(machine, recording, feeds, more, symptom)
        except FirmwareFailure as failure:
            if machine.failure is None:  # not the firmware's: nobody gives what it waits for
                raise UsageError(f"the recording cannot be replayed: {failure.reason}") from None
        assert machine.capture is not None
        now = machine.capture.recording(None, recording.seed)
    return Replay(recording, replace(now, complaint=recording.complaint), sum(f.beyond for f in feeds.values()))


def play(machine: Machine, recording: FieldRecording, *, more: float | str = BEHIND) -> Mapping[str, Feed]:
    """Run a machine that has just booted on what the recording has, to its end and `more` board time.

    It ends before where what the recording complains of has come, or cannot come any more as the firmware has read
    what there is and wants more: what it would make of zeros says nothing.
    For tests: a failure of the firmware is raised, decisions are in `machine.decisions`.
    """
    feeds = prepare(machine, recording)
    run_to(machine, recording, feeds, more, symptom_of(recording) if recording.complaint else None)
    return feeds


def run_to(
    machine: Machine, recording: FieldRecording, feeds: Mapping[str, Feed], more: float | str, symptom: Symptom | None
) -> None:
    """Run to the end of the recording and `more` board time, or until it is over before; see `sim.field.ending`."""
    done = over(machine, feeds, ends_of(recording), symptom)
    machine.runner.advance(recording.end_ps + picoseconds(more), done)
