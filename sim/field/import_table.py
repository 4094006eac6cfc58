"""A table of samples (CSV, JSON lines) -> codes of a sensor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import UsageError
from sim.field.imported import Imported, gap_remarks, needs_choice, part_of, rate_of
from sim.field.table_log import read_table
from sim.field.timeline import Timeline, filled, timeline

if TYPE_CHECKING:
    from sim.boards import Board


def add_table(
    found: Imported, log: Path, sensor: str, rate: float | None, ranges: Sequence[float], codes: bool
) -> None:
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
    true_rate = rate_of(part, rate, table.times, str(log))
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
    needs_choice(found, str(log), line.gaps)
    whole, missing = filled(made, line, found.gaps)
    found.add(slot, whole, true_rate, full, missing)
    gap_remarks(found, log.name, slot, line.gaps, true_rate)


def _slot_of(board: Board, channels: Sequence[str], where: str) -> str:
    fits = [slot for slot in board.parts if set(channels) <= set(part_of(board, slot).channels)]
    if len(fits) != 1:
        raise UsageError(
            f"{where}: which sensor has the columns {', '.join(channels)}?",
            hint=f"--sensor SLOT: board {board.name} has {', '.join(board.parts)}",
        )
    return fits[0]
