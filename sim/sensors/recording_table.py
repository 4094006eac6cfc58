"""Recordings that are tables: columns with a name and a unit, as `ax[m/s^2]`, one of them perhaps the time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.sensors.units import canonical

_COLUMN = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(?:\[([^\]]*)\])?\s*")


def table(path: Path, header: list[str], data: npt.NDArray[np.float64], found: dict[str, Any]) -> dict[str, Any]:
    """`data` [points, columns] under `header`: what a Recording is made of, added to `found`. Raises UsageError."""
    names, units = _columns(path, header)
    if "t" in names:
        at = names.index("t")
        if units[at] not in ("s", "ms"):
            raise UsageError(f"{path}: column t has unit [{units[at]}]", hint="times are in [s] or [ms]")
        if "rate" not in found:
            found["times"] = data[:, at] * (1.0 if units[at] == "s" else 0.001)
        data = np.delete(data, at, axis=1)
        names.pop(at)
        units.pop(at)
    if not names:
        raise UsageError(f"{path}: there is no column but t")
    found["values"], found["channels"] = data, names
    if all(units):
        for name, unit in zip(names, units, strict=True):
            _unit(path, name, unit)
        found["units"] = units
    elif any(units):
        raise UsageError(f"{path}: column {names[units.index('')]!r} has no unit", hint="write it as ax[m/s^2]")
    return found


def _columns(path: Path, header: list[str]) -> tuple[list[str], list[str]]:
    names, units = [], []
    for cell in header:
        match = _COLUMN.fullmatch(cell)
        if match is None:
            raise UsageError(
                f"{path}: the {'first line' if path.suffix == '.csv' else 'table'} must name the columns, but has "
                f"{cell.strip()!r}",
                hint="for example: t[s],ax[m/s^2],ay[m/s^2],az[m/s^2]",
            )
        names.append(match[1])
        units.append((match[2] or "").strip())
    return names, units


def _unit(path: Path, channel: str, unit: str) -> None:
    try:
        canonical(unit)
    except UsageError as error:
        raise UsageError(f"{path}: channel {channel}: {error.message}", hint=error.hint) from None
