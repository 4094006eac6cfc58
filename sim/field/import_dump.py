"""A dump of the recorder in the device -> codes of its sensors, and what it decided."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from sim.errors import UsageError
from sim.field.imported import Imported, cut_off, gap_remarks, needs_choice, part_of
from sim.field.timeline import Timeline, filled
from sim.field.wire import joined_pieces, parse_all


def add_dump(found: Imported, log: Path, number: int) -> None:
    """Dump `number` of a log, counted from 1; 0: the last."""
    dumps = parse_all(log.read_text(encoding="utf-8", errors="replace"))
    if not 0 <= number <= len(dumps):
        raise UsageError(f"{log}: dump {number} of {len(dumps)}", hint="--dump 1 is the first")
    dump = dumps[number - 1]
    if not dump.lines:
        raise UsageError(f"{log}: {dump.torn} lines begin like a recorder's, none of them is whole")
    if len(dumps) > 1:
        found.remarks.append(f"{log.name}: dump {number or len(dumps)} of {len(dumps)} (--dump N is another)")
    if dump.torn or dump.lost or not dump.ended:
        end = "" if dump.ended else "; its end is missing"
        found.remarks.append(f"{log.name}: {dump.torn} torn lines, {dump.lost} missing by their numbers{end}")
    if dump.trigger:
        found.remarks.append(f"{log.name}: dumped for {dump.trigger}")
    for slot, (reads, left_out) in sorted(dump.cut.items()):
        found.remarks.append(f"{log.name}: {reads} reads of {slot} did not fit the recorder's ring whole: "
                             f"{left_out} samples were left out at their beginnings")  # fmt: skip
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
        skip = to_an_inference(start, dump.inferences.get(slot, ()))
        if 0 < skip < len(data) // size:
            found.remarks.append(
                f"{log.name}: the first {skip} samples of {slot} are left out, so that the model runs at the same ones"
            )
            start, data, gaps = start + skip, data[skip * size :], _behind(gaps, skip)
        starts[slot] = start
        codes = np.frombuffer(data, np.dtype(part.dtype).newbyteorder("<")).reshape(-1, sensor.channels)
        needs_choice(found, str(log), gaps)
        line, rows = _rows_of(codes.astype(np.int64), gaps)
        rate = Fraction(sensor.rate_mhz, 1000)
        whole, missing = filled(rows, line, found.gaps)
        found.add(slot, whole, rate, part.full_ranges(sensor.ranges), missing)
        gap_remarks(found, log.name, slot, gaps, rate)
        if start:
            found.remarks.append(cut_off(log.name, slot, start))
    for d in dump.decisions:
        samples = {s: n - starts.get(s, 0) for s, n in d.samples.items()}
        if any(n <= 0 for n in samples.values()):
            continue
        found.decisions.append({"label": d.label, "index": d.index, "score": d.score, "time_ps": 0,
                                "latency_ps": None, "samples": samples})  # fmt: skip


def to_an_inference(start: int, inferences: Sequence[int]) -> int:
    """How many samples to leave out at the start, so that a model that runs every so many samples does so at the same.

    0 where it does not, or nobody knows.
    """
    taken = sorted(set(inferences))
    steps = [b - a for a, b in pairwise(taken)]
    if len(steps) < 2 or any(step % min(steps) for step in steps):
        return 0
    return -start % min(steps)


def _behind(gaps: Sequence[tuple[int, int]], skip: int) -> list[tuple[int, int]]:
    ends = [(max(first, skip), first + count) for first, count in gaps]
    return [(first - skip, end - first) for first, end in ends if end > first]


def _rows_of(codes: np.ndarray, gaps: Sequence[tuple[int, int]]) -> tuple[Timeline, np.ndarray]:
    """The rows that were measured, with their indices."""
    there = np.ones(len(codes), dtype=bool)
    for first, count in gaps:
        there[first : first + count] = False
    index = np.flatnonzero(there)
    return Timeline(index, tuple(gaps), 0.0, 0.0), codes[index]
