"""One trial of shrinking: a part of a recording is run, and asked whether it is still wrong in the same way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.durations import PS
from sim.errors import FirmwareFailure
from sim.field.ending import FIRST, over
from sim.field.feed import prepare
from sim.field.recorded import FieldRecording
from sim.field.symptom import Symptom

if TYPE_CHECKING:
    from sim.target import Target

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class State:
    """What is left: of each sensor its codes [n, channels] and which of the recorded samples they were."""

    codes: Mapping[str, Codes]
    kept: Mapping[str, npt.NDArray[np.int64]]
    faults: tuple[Mapping[str, Any], ...]
    writes: tuple[tuple[int, int, bytes], ...]
    whole: bool  # nothing is cut off: the run goes on to the recorded end

    @property
    def samples(self) -> int:
        """Of all sensors together."""
        return sum(map(len, self.codes.values()))


def whole_state(recording: FieldRecording) -> State:
    """All that is in a recording."""
    codes = {s.slot: s.samples() for s in recording.sensors}
    kept = {slot: np.arange(len(c)) for slot, c in codes.items()}
    return State(codes, kept, recording.faults, recording.writes, True)


class Trials:
    """Runs states of one recording with one firmware."""

    def __init__(
        self, recording: FieldRecording, target: Target, elf: Path, symptom: Symptom, good: Path | None = None
    ) -> None:
        self.recording, self.symptom = recording, symptom
        self._target, self._elf, self._good = target, elf, good

    def as_recording(self, state: State) -> FieldRecording:
        """The recording with what is left, before it has been run."""
        sensors = tuple(s.with_samples(state.codes[s.slot]) for s in self.recording.sensors)
        return replace(
            self.recording, sensors=sensors, faults=self._moved(state), writes=state.writes, stimuli=(), events=(),
            decisions=(), console=b"",
        )  # fmt: skip

    def key(self, state: State) -> str:
        """The same for states that are the same to the firmware: of equal samples any may be the one that is gone."""
        seen = self.as_recording(state)
        whole = hashlib.sha256(repr((seen.faults, seen.writes, state.whole)).encode())
        for sensor in seen.sensors:
            whole.update(f" {sensor.slot} {len(sensor.openings[-1].codes)} ".encode() + sensor.openings[-1].codes)
        return whole.hexdigest()[:32]

    def run(self, state: State) -> FieldRecording:
        """The run of what is left: until it is wrong, or the firmware wants samples that are not there."""
        return self._run(state, self._elf, "" if state.whole else FIRST)[0]

    def fails(self, state: State) -> bool:
        """Whether it is still wrong in the same way, and right where the good firmware runs it."""
        run, beyond = self._run(state, self._elf, "" if state.whole else FIRST)
        if not self.symptom.seen(run) or self._good is None:
            return self.symptom.seen(run)
        # What came of samples that there are is held against the same: not against zeros behind a sensor's last one.
        return not self.symptom.seen(self._run(state, self._good, "" if beyond and state.whole else FIRST)[0])

    def _run(self, state: State, elf: Path, ends: str) -> tuple[FieldRecording, bool]:
        """The run, and whether the firmware wanted samples that are not there."""
        recording = self.as_recording(state)
        with self._target.started(elf) as machine:
            machine.record()
            feeds = prepare(machine, recording)
            try:
                machine.runner.advance(recording.end_ps, over(machine, feeds, ends, self.symptom))
            except FirmwareFailure:
                if machine.failure is None:
                    raise
            assert machine.capture is not None
            run = machine.capture.recording(None, self.recording.seed)
        return run, any(f.beyond for f in feeds.values())

    def _moved(self, state: State) -> tuple[Mapping[str, Any], ...]:
        """Faults of a sensor move with its samples: what was before them and is gone does not count any more."""
        out = []
        for fault in state.faults:
            sensor = self.recording.sensor(str(fault.get("sensor", "")))
            if sensor is None or not sensor.openings or fault["kind"] == "rate":
                out.append(fault)
                continue
            start, rate = sensor.openings[-1].time_ps, sensor.openings[-1].rate
            kept = state.kept[sensor.slot]
            times = {k: moved(fault[k], start, rate, kept) for k in ("time_ps", "end_ps") if k in fault}
            if times.get("end_ps", 1) > times["time_ps"]:
                out.append({**fault, **times})
        return tuple(out)


def moved(time_ps: int, start_ps: int, rate: Fraction, kept: npt.NDArray[np.int64]) -> int:
    """A board time, when of the samples before it only the `kept` ones are there."""
    index = int((time_ps - start_ps) * rate / PS)
    if index <= 0 or not len(kept) or index > int(kept[-1]):
        return time_ps
    gone = index - int(np.searchsorted(kept, index))
    return max(start_ps, time_ps - int(gone * PS / rate))
