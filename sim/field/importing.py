"""What devices leave -> a recording: tables of samples, sound, pictures, dumps of the recorder.

Nothing that is missing is made up in silence: gaps are refused unless it is said how to fill them, and what was filled,
left out or guessed stands in the recording's remarks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import UsageError, near
from sim.field.import_dump import add_dump
from sim.field.import_stimulus import add_stimulus
from sim.field.import_table import add_table
from sim.field.imported import Imported
from sim.field.recorded import FieldRecording, SensorRecord
from sim.field.timeline import FILLS

if TYPE_CHECKING:
    from sim.boards import Board

_LOG_MAX = 256 << 20
_TABLES = (".csv", ".jsonl", ".json", ".ndjson", ".tsv")


def import_logs(
    logs: Sequence[Path],
    board: Board,
    *,
    sensor: str = "",
    rate: float | None = None,
    ranges: Sequence[float] = (),
    codes: bool = False,
    gaps: str = "",
    dump: int = 0,
    elf: Path | None = None,
) -> FieldRecording:
    """A recording of what the logs have.

    `sensor`: slot of a table's samples (default: the one with such channels), of sound or a picture where there is no
    table; `rate` in Hz and `ranges` as the firmware sets it up; `codes`: a table has raw codes and no physical values;
    `gaps`: how to fill them, see `FILLS`; `dump`: which one of several, counted from 1 (0: the last); `elf`: the
    very build, which is checked by its build id. Raises UsageError.
    """
    if gaps and gaps not in FILLS:
        raise UsageError(f"gaps={gaps!r}", hint=near(gaps, FILLS))
    found = Imported(board, gaps)
    tables = any(log.suffix.lower() in _TABLES for log in logs)  # what is said of sensor and rate is said of these
    for log in logs:
        kind = log.suffix.lower()
        if not log.is_file():
            raise UsageError(f"{log}: {'is a folder' if log.is_dir() else 'no such file'}")
        if log.stat().st_size > _LOG_MAX:
            raise UsageError(f"{log}: more than {_LOG_MAX >> 20} MiB", hint="cut it into pieces")
        try:
            if kind in (".wav", ".png"):
                add_stimulus(found, log, *(("", None) if tables else (sensor, rate)))
            elif b"~BL " in log.read_bytes():
                add_dump(found, log, dump)
            elif kind in _TABLES:
                add_table(found, log, sensor, rate, ranges, codes)
            else:
                raise UsageError(
                    f"{log}: no line of a recorder in it, and no table, sound or picture by its name",
                    hint=".csv, .tsv, .jsonl, .wav, .png, or a UART log with ~BL lines (docs/field.md)",
                )
        except UsageError as error:
            if str(log) in error.message:
                raise
            raise UsageError(f"{log}: {error.message}", hint=error.hint) from None
    return _recording(found, elf)


def _recording(found: Imported, elf: Path | None) -> FieldRecording:
    from sim.elf import load_elf
    from sim.field.build_id import build_id

    if not any(s.openings[-1].codes for s in found.sensors.values()) and not (found.dump and found.dump.registers):
        raise UsageError("there is not one sample in these logs")
    firmware: Mapping[str, Any] = {"name": "", "sha256": "", "build_id": "", "app": ""}
    logged = found.dump.build_id if found.dump else ""
    data = None
    if elf is not None:
        image = load_elf(elf)
        own = build_id(image)
        if logged and own and not own.startswith(logged):
            raise UsageError(
                f"{elf}: build {own[:12]}, but the log is of build {logged[:12]}",
                hint="give the ELF of the very build that was in the device",
            )
        if not (logged and own):
            found.remarks.append("nobody can tell whether the firmware is the very build of the log: no build id")
        data = elf.read_bytes()
        firmware = {
            "name": elf.name,
            "sha256": image.sha256,
            "build_id": own,
            "app": found.dump.app if found.dump else "",
        }
    end = max((_end(s) for s in found.sensors.values()), default=0)
    return FieldRecording(
        firmware=firmware if elf is not None else {**firmware, "build_id": logged},
        elf=data,
        board={"name": found.board.name, "clock_hz": found.board.clock_hz},
        engine={"name": "qemu", "version": "", "machine": ""},
        build={},
        sensors=tuple(s for _, s in sorted(found.sensors.items())),
        end_ps=end,
        decisions=tuple(found.decisions),
        faults=tuple(found.faults),
        remarks=tuple(found.remarks),
        origin="field",
    )


def _end(sensor: SensorRecord) -> int:
    """When the last sample has been taken, and half a second for the decision on it and for the start-up."""
    opening = sensor.openings[-1]
    count = len(opening.codes) // sensor.bytes_per_sample
    return int(count * 10**12 / opening.rate) + 5 * 10**11


def with_complaint(recording: FieldRecording, said: Mapping[str, Any]) -> FieldRecording:
    """The recording, with what was wrong in the eyes of who sent it."""
    return replace(recording, complaint=said)
