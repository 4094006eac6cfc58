"""What has been read so far of one or several logs from the field."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import UsageError, near
from sim.field.recorded import FieldRecording, Opening, SensorRecord
from sim.field.wire import Dump
from sim.sensors.parts.base import Part

if TYPE_CHECKING:
    from sim.boards import Board

_CUT_OFF = "what was before is not in the log"
_DUMPED = re.compile(r": dumped for (fault|given_up)$")


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


def cut_off(log: str, slot: str, first: int) -> str:
    """The remark for a log that begins at a later sample than the first."""
    return f"{log}: {slot} begins at sample {first}: {_CUT_OFF}"


def begins_later(recording: FieldRecording) -> bool:
    """Whether what was first is not in the log: decisions in it may be of samples before it."""
    return any(remark.endswith(_CUT_OFF) for remark in recording.remarks)


def dumped_for(recording: FieldRecording) -> str:
    """How the firmware had ended where its recorder was dumped for that: "fault", "given up"; else ""."""
    found = next((m for r in recording.remarks if (m := _DUMPED.search(r))), None)
    return found[1].replace("_", " ") if found else ""


def part_of(board: Board, slot: str) -> Part:
    """The part in a slot of the board. Raises UsageError."""
    from sim.sensors.parts import part

    if slot not in board.parts:
        raise UsageError(f"board {board.name} has no {slot!r}", hint=near(slot, board.parts))
    return part(board.parts[slot])


def rate_of(part: Part, given: float | None, times: Any, where: str) -> Fraction:
    """The rate that was asked for, else the part's own that is next to the log's."""
    if given is not None:
        rate = Fraction(str(given)).limit_denominator(1000) if math.isfinite(given) else Fraction(0)
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


def needs_choice(found: Imported, where: str, gaps: Sequence[tuple[int, int]]) -> None:
    if gaps and not found.gaps:
        raise UsageError(
            f"{where}: {sum(n for _, n in gaps)} samples are missing in {len(gaps)} gaps, the first at {gaps[0][0]}",
            hint="say what to do: --gaps hold | interpolate | drop | silent",
        )


def gap_remarks(found: Imported, name: str, slot: str, gaps: Sequence[tuple[int, int]], rate: Fraction) -> None:
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
