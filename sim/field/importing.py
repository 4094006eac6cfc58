"""What devices leave -> a recording: tables of samples, sound, pictures, dumps of the recorder.

Nothing that is missing is made up in silence: gaps are refused unless it is said how to fill them, and what was filled,
left out or guessed stands in the recording's remarks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import UsageError, near
from sim.field.recorded import FieldRecording, Opening, SensorRecord
from sim.field.table_log import read_table
from sim.field.timeline import FILLS, Timeline, filled, timeline
from sim.field.wire import Dump, joined_pieces, parse
from sim.sensors.parts.base import Part

if TYPE_CHECKING:
    from sim.boards import Board

_LOG_MAX = 256 << 20


@dataclass
class Imported:
    """What has been read so far, of one or several logs."""

    board: Board
    gaps: str  # "" refuses
    sensors: dict[str, SensorRecord] = field(default_factory=dict)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    dump: Dump | None = None

    def add(self, slot: str, codes: np.ndarray, rate: Fraction, ranges: Sequence[float], missing: Any = ()) -> None:
        """Codes [n, channels] of one sensor."""
        if slot in self.sensors:
            raise UsageError(f"two logs of {slot!r}", hint="one log a sensor")
        part = part_of(self.board, slot)
        empty = SensorRecord(slot, part.name, tuple(part.channels), part.dtype,
                             (Opening(rate, tuple(ranges), 0, b""),))  # fmt: skip
        info = np.iinfo(np.dtype(part.dtype))
        self.sensors[slot] = empty.with_samples(np.clip(codes, info.min, info.max), missing)


def part_of(board: Board, slot: str) -> Part:
    """The part in a slot of the board. Raises UsageError."""
    from sim.sensors.parts import part

    if slot not in board.parts:
        raise UsageError(f"board {board.name} has no {slot!r}", hint=near(slot, board.parts))
    return part(board.parts[slot])


def import_logs(
    logs: Sequence[Path],
    board: Board,
    *,
    sensor: str = "",
    rate: float | None = None,
    ranges: Sequence[float] = (),
    codes: bool = False,
    gaps: str = "",
    elf: Path | None = None,
) -> FieldRecording:
    """A recording of what the logs have.

    `sensor`: slot of a table's samples (default: the one with such channels); `rate` in Hz and `ranges` as the
    firmware sets it up; `codes`: a table has raw codes and no physical values; `gaps`: how to fill them, see `FILLS`;
    `elf`: the very build, which is checked by its build id. Raises UsageError.
    """
    if gaps and gaps not in FILLS:
        raise UsageError(f"gaps={gaps!r}", hint=near(gaps, FILLS))
    found = Imported(board, gaps)
    for log in logs:
        kind = log.suffix.lower()
        if not log.is_file():
            raise UsageError(f"{log}: no such file")
        if log.stat().st_size > _LOG_MAX:
            raise UsageError(f"{log}: more than {_LOG_MAX >> 20} MiB", hint="cut it into pieces")
        try:
            if kind in (".wav", ".png"):
                _stimulus(found, log, sensor, rate)
            elif b"~BL " in log.read_bytes():
                _dump(found, log)
            elif kind in (".csv", ".jsonl", ".json", ".ndjson", ".tsv"):
                _table(found, log, sensor, rate, ranges, codes)
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


# ---- tables ----


def _table(found: Imported, log: Path, sensor: str, rate: float | None, ranges: Sequence[float], codes: bool) -> None:
    table = read_table(log)
    slot = sensor or _slot_of(found.board, table.channels, str(log))
    part = part_of(found.board, slot)
    names = table.channels if set(table.channels) <= set(part.channels) else ()
    if not names and len(part.channels) == 1 and len(table.channels) == 1:
        names = part.channels
    if not names:
        raise UsageError(
            f"{log}: columns {', '.join(table.channels)}, but {part.name} has {', '.join(part.channels[:8])}",
            hint="name the columns as the part's channels, the time t",
        )
    true_rate = _rate(part, rate, table.times, str(log))
    full = part.full_ranges(ranges)
    values = np.zeros((len(table.values), len(part.channels)))
    for column, name in enumerate(names):
        at = part.channels.index(name)
        unit = table.units[column]
        if not codes and not unit:
            raise UsageError(f"{log}: column {name} has no unit", hint=f"write it as {name}[m/s^2], or say --codes")
        values[:, at] = table.values[:, column] * (1.0 if codes else part.into(at, unit))
    values = np.clip(values, -1e9, 1e9)
    made = np.rint(values).astype(np.int64) if codes else part.convert(values, full)[0].astype(np.int64)
    line = Timeline(np.arange(len(made)), (), 0.0, 0.0)
    if table.times is not None:
        line = timeline(table.times, float(true_rate), str(log))
        if abs(line.drift) > 1e-5:
            found.remarks.append(f"{log.name}: its clock and the sensor's differ by {line.drift * 100:+.3f} %")
    else:
        found.remarks.append(f"{log.name} has no times: its rows are taken as samples in a row")
    if table.skipped:
        found.remarks.append(f"{log.name}: {table.skipped} rows could not be read and were left out")
    _needs_choice(found, str(log), line.gaps)
    whole, missing = filled(made, line, found.gaps)
    found.add(slot, whole, true_rate, full, missing)
    _gap_remarks(found, log.name, slot, line.gaps, true_rate)


def _slot_of(board: Board, channels: Sequence[str], where: str) -> str:
    fits = [slot for slot in board.parts if set(channels) <= set(part_of(board, slot).channels)]
    if len(fits) != 1:
        raise UsageError(
            f"{where}: which sensor has the columns {', '.join(channels)}?",
            hint=f"--sensor SLOT: board {board.name} has {', '.join(board.parts)}",
        )
    return fits[0]


def _rate(part: Part, given: float | None, times: Any, where: str) -> Fraction:
    """The rate that was asked for, else the part's own that is next to the log's."""
    if given is not None:
        rate = Fraction(str(given)).limit_denominator(1000)
        if rate not in part.rates and not (part.pollable and 0 < rate <= part.rates[-1]):
            raise UsageError(f"{part.name} has no rate of {given:g} Hz",
                             hint=", ".join(f"{float(r):g}" for r in part.rates))  # fmt: skip
        return rate
    if times is None or len(times) < 3:
        raise UsageError(f"{where}: says no times", hint="which rate? --rate 104")
    measured = 1 / float(np.median(np.diff(times))) if np.median(np.diff(times)) > 0 else 0.0
    best = min(part.rates, key=lambda r: abs(float(r) - measured))
    if abs(float(best) / measured - 1) > 0.05 if measured else True:
        raise UsageError(f"{where}: {measured:.4g} Hz is none of the rates of {part.name}", hint="say it: --rate")
    return best


def _needs_choice(found: Imported, where: str, gaps: Sequence[tuple[int, int]]) -> None:
    if gaps and not found.gaps:
        raise UsageError(
            f"{where}: {sum(n for _, n in gaps)} samples are missing in {len(gaps)} gaps, the first at {gaps[0][0]}",
            hint="say what to do: --gaps hold | interpolate | drop | silent",
        )


def _gap_remarks(found: Imported, name: str, slot: str, gaps: Sequence[tuple[int, int]], rate: Fraction) -> None:
    if not gaps:
        return
    done = {"hold": "the value before was held", "interpolate": "a straight line was drawn",
            "drop": "what follows comes sooner", "silent": "the sensor is silent there"}[found.gaps]  # fmt: skip
    for first, count in gaps[:8]:
        found.remarks.append(f"{name}: samples {first} to {first + count - 1} of {slot} are missing; {done}")
    if len(gaps) > 8:
        found.remarks.append(f"{name}: {len(gaps) - 8} more gaps of {slot}; {done}")
    if found.gaps == "silent":
        for first, count in gaps:
            # Sample k is taken at (k + 1) / rate after the opening: silent from behind the one before the gap.
            span = {"time_ps": int(first * 10**12 / rate) + 1, "end_ps": int((first + count) * 10**12 / rate) + 1}
            found.faults.append({"kind": "dropout", "sensor": slot, **span, "how": "silent"})


# ---- sound and pictures ----


def _stimulus(found: Imported, log: Path, sensor: str, rate: float | None) -> None:
    from sim.sensors.frames import Frames
    from sim.sensors.recording import Recording
    from sim.sensors.track import Track

    sound = log.suffix.lower() == ".wav"
    slot = sensor or ("microphone" if sound else "camera")
    part = part_of(found.board, slot)
    stimulus = Recording.load(log) if sound else Frames.load(log, rate or float(part.rates[0]))
    given = getattr(stimulus, "rate", None) if sound else float(part.rates[0])
    true_rate = _rate(part, rate if rate is not None else given, None, str(log))
    ranges = part.full_ranges(())
    track = Track(stimulus, part, true_rate, ranges, Fraction(0))
    data, _ = track.codes(0, track.samples or 0)
    codes = np.frombuffer(data, np.dtype(part.dtype).newbyteorder("<")).reshape(-1, len(part.channels))
    found.add(slot, codes.astype(np.int64), true_rate, ranges)
    found.remarks.append(f"{log.name}: through the part {part.name} at {float(true_rate):g} Hz")


# ---- dumps of the recorder ----


def _dump(found: Imported, log: Path) -> None:
    dump = parse(log.read_text(encoding="utf-8", errors="replace"))
    if not dump.lines:
        raise UsageError(f"{log}: {dump.torn} lines begin like a recorder's, none of them is whole")
    if dump.torn or dump.lost or not dump.ended:
        end = "" if dump.ended else "; its end is missing"
        found.remarks.append(f"{log.name}: {dump.torn} torn lines, {dump.lost} missing by their numbers{end}")
    if dump.trigger:
        found.remarks.append(f"{log.name}: dumped for {dump.trigger}")
    found.dump = dump
    starts: dict[str, int] = {}
    for slot, sensor in sorted(dump.sensors.items()):
        part = part_of(found.board, slot)
        if sensor.channels != len(part.channels) or sensor.width != np.dtype(part.dtype).itemsize:
            raise UsageError(
                f"{log}: {slot} has {sensor.channels} channels of {sensor.width} bytes; {part.name} of board "
                f"{found.board.name} has {len(part.channels)} of {np.dtype(part.dtype).itemsize}",
                hint="which board is it from? --board",
            )
        size = sensor.channels * sensor.width
        try:
            start, data, gaps = joined_pieces(dump.pieces, slot, size)
        except ValueError as error:
            raise UsageError(f"{log}: {error}") from None
        starts[slot] = start
        codes = np.frombuffer(data, np.dtype(part.dtype).newbyteorder("<")).reshape(-1, sensor.channels)
        _needs_choice(found, str(log), gaps)
        line, rows = _rows_of(codes.astype(np.int64), gaps)
        rate = Fraction(sensor.rate_mhz, 1000)
        whole, missing = filled(rows, line, found.gaps)
        found.add(slot, whole, rate, part.full_ranges(sensor.ranges), missing)
        _gap_remarks(found, log.name, slot, gaps, rate)
        if start:
            found.remarks.append(f"{log.name}: {slot} begins at sample {start}: what was before is not in the log")
    for d in dump.decisions:
        samples = {s: n - starts.get(s, 0) for s, n in d.samples.items()}
        found.decisions.append({"label": d.label, "index": d.index, "score": d.score, "time_ps": 0,
                                "latency_ps": None, "samples": samples})  # fmt: skip


def _rows_of(codes: np.ndarray, gaps: Sequence[tuple[int, int]]) -> tuple[Timeline, np.ndarray]:
    """The rows that were measured, with their indices."""
    there = np.ones(len(codes), dtype=bool)
    for first, count in gaps:
        there[first : first + count] = False
    index = np.flatnonzero(there)
    return Timeline(index, tuple(gaps), 0.0, 0.0), codes[index]


# ---- the recording ----


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
