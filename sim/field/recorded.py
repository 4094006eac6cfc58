"""FieldRecording: all that is needed to run something again, and what it did then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.field.events import Event, decision_hash, event_hash

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sim.machine import Machine

VERSION = 1


@dataclass(frozen=True)
class Opening:
    """A sensor from its opening on. `codes`: samples 0, 1, ... as delivered, each all channels, little-endian.

    `missing`: (first, count) of samples that nobody delivered (lost, silent, a gap of a log): `codes` has the last
    value before there, so that there is one for a firmware that does read them.
    """

    rate: Fraction  # Hz, as the firmware asked for
    ranges: tuple[float, ...]
    time_ps: int  # board time of the opening
    codes: bytes
    missing: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class SensorRecord:
    """What one sensor of the board has delivered. `dtype` of a code: "int16", "uint8"."""

    slot: str
    part: str
    channels: tuple[str, ...]
    dtype: str
    openings: tuple[Opening, ...]

    @property
    def bytes_per_sample(self) -> int:
        """All channels together."""
        return len(self.channels) * (1 if self.dtype == "uint8" else 2)

    def samples(self, opening: int = -1) -> npt.NDArray[np.int64]:
        """Codes [n, channels] of one opening; by default of the last."""
        import numpy as np

        codes = np.frombuffer(self.openings[opening].codes, np.dtype(self.dtype).newbyteorder("<"))
        return codes.reshape(-1, len(self.channels)).astype(np.int64)

    def with_samples(self, codes: npt.ArrayLike, missing: Sequence[tuple[int, int]] = ()) -> SensorRecord:
        """The same with other codes [n, channels] in the last opening."""
        import numpy as np

        data = np.asarray(codes).astype(np.dtype(self.dtype).newbyteorder("<")).tobytes()
        last = replace(self.openings[-1], codes=data, missing=tuple(missing))
        return replace(self, openings=(*self.openings[:-1], last))


@dataclass(frozen=True)
class StimulusRecord:
    """The physical stimulus that was played, where it is a recording; `values` [n, channels] in `units`."""

    slot: str
    began_ps: int
    name: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    rate: float
    values: bytes  # float64, little-endian


@dataclass(frozen=True)
class Failure:
    """How the run failed. `signature`: the same for the same fault in the same function, whatever the addresses."""

    reason: str
    signature: str
    report: str = ""


@dataclass(frozen=True)
class FieldRecording:
    """One run. Times in ps of board time."""

    firmware: Mapping[str, Any]  # name, sha256, build_id, app
    elf: bytes | None  # None: a pinned case is run on what is built now
    board: Mapping[str, Any]  # name, clock_hz, figures: a hash over all of them
    engine: Mapping[str, Any]  # name, version, machine
    build: Mapping[str, Any]  # what the firmware was built from, where that is known
    sensors: tuple[SensorRecord, ...]
    end_ps: int
    stimuli: tuple[StimulusRecord, ...] = ()
    decisions: tuple[Mapping[str, Any], ...] = ()
    events: tuple[Event, ...] = ()
    console: bytes = b""
    config: Mapping[str, int] = field(default_factory=dict)  # what bl_config was answered
    inputs: tuple[tuple[int, bytes], ...] = ()  # what bl_input was given, in order: (slot, bytes)
    writes: tuple[tuple[int, int, bytes], ...] = ()  # what the test wrote to memory: (board time, address, bytes)
    faults: tuple[Mapping[str, Any], ...] = ()  # of `machine.faults`, as they describe themselves
    failure: Failure | None = None
    exit_code: int | None = None
    seed: int | None = None
    time_base: str = ""
    complaint: Mapping[str, Any] = field(default_factory=dict)  # what was wrong in the eyes of who sent it
    remarks: tuple[str, ...] = ()  # what cannot be repeated, what is missing
    origin: str = "run"  # "run": made by boardless; "field": imported from a device's log

    @property
    def event_hash(self) -> str:
        """See `sim.field.events`."""
        return event_hash(self.events)

    @property
    def decision_hash(self) -> str:
        """See `sim.field.events`."""
        return decision_hash((d["label"], d["index"], tuple(d["samples"].items())) for d in self.decisions)

    @staticmethod
    def load(path: str | Path) -> FieldRecording:
        """Read a recording. Raises UsageError for one that is damaged or not one."""
        from sim.field.recording_io import load

        return load(path)

    def save(self, path: str | Path) -> None:
        """Write it to a file. Raises UsageError."""
        from sim.field.recording_io import save

        save(self, Path(path))

    def play(self, machine: Machine, *, more: float | str = "100 ms") -> None:
        """Run a machine that has just booted on what the recording has, to its end and `more` board time."""
        from sim.field.replay import play

        play(machine, self, more=more)

    def sensor(self, slot: str) -> SensorRecord | None:
        """What a sensor delivered; None: nothing."""
        return next((s for s in self.sensors if s.slot == slot), None)
