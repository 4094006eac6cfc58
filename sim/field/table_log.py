"""CSV and JSON lines as devices and their loggers write them: rows of samples with times, not all of them whole."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError, near

_TIMES = {"t": 1.0, "time": 1.0, "timestamp": 1.0, "t_s": 1.0, "t_ms": 1e-3, "time_ms": 1e-3, "timestamp_ms": 1e-3,
          "ms": 1e-3, "t_us": 1e-6, "time_us": 1e-6, "timestamp_us": 1e-6, "us": 1e-6}  # fmt: skip
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_COLUMN = re.compile(r"\s*([\w.]+)\s*(?:\[([^\]]*)\]|\(([^)]*)\))?\s*")
_FILE_MAX = 512 << 20


@dataclass(frozen=True)
class Table:
    """Rows of a log. `times` in s, None where it has none; `units` "" where the log does not say."""

    channels: tuple[str, ...]
    units: tuple[str, ...]
    values: npt.NDArray[np.float64]
    times: npt.NDArray[np.float64] | None
    skipped: int  # rows that could not be read


def read_table(path: Path) -> Table:
    """Read it; rows that are torn are counted and left out. Raises UsageError when nothing is left."""
    try:
        if path.stat().st_size > _FILE_MAX:
            raise UsageError(f"{path}: more than {_FILE_MAX >> 20} MiB", hint="cut it into pieces")
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    names, rows, skipped = (_json_rows if _is_json(text) else _csv_rows)(path, text)
    if not rows:
        raise UsageError(f"{path}: no row of numbers in it", hint="a line of names, then a line of numbers a sample")
    return _table(path, names, np.array(rows, dtype=np.float64), skipped)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] == "{"


def _csv_rows(path: Path, text: str) -> tuple[list[str], list[list[float]], int]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    names: list[str] = []
    rows: list[list[float]] = []
    skipped = 0
    for cells in _cells(lines):
        if not names:
            if _numbers(cells) is None and len(cells) > 1 and all(_COLUMN.fullmatch(c) for c in cells):
                names = [c.strip() for c in cells]
            else:
                skipped += 1
            continue
        numbers = _numbers(cells)
        if numbers is None or len(numbers) != len(names):
            skipped += 1
        else:
            rows.append(numbers)
    return names, rows, skipped


def _cells(lines: Sequence[str]) -> Iterator[list[str]]:
    for line in lines:
        separator = max(",;\t", key=line.count)
        try:
            yield next(csv.reader([line], delimiter=separator))
        except (csv.Error, StopIteration):
            yield []


def _numbers(cells: Sequence[str]) -> list[float] | None:
    try:
        values = [float(c) for c in cells]
    except ValueError:
        return None
    return values if values and all(math.isfinite(v) for v in values) else None


def _json_rows(path: Path, text: str) -> tuple[list[str], list[list[float]], int]:
    names: list[str] = []
    rows: list[list[float]] = []
    skipped = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            skipped += 1
            continue
        numbers = _fields(row)
        if not names and numbers:
            names = list(numbers)
        if not numbers or not set(names) <= set(numbers):
            skipped += 1
        else:
            rows.append([numbers[n] for n in names])
    return names, rows, skipped


def _fields(row: object) -> dict[str, float]:
    if not isinstance(row, Mapping):
        return {}
    out = {}
    for key, value in row.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
            out[str(key)] = float(value)
    return out


def _table(path: Path, names: Sequence[str], values: npt.NDArray[np.float64], skipped: int) -> Table:
    parsed = [_COLUMN.fullmatch(n) for n in names]
    plain = [m[1] if m else n for m, n in zip(parsed, names, strict=True)]
    units = [(m[2] or m[3] or "").strip() if m else "" for m in parsed]
    if len(set(plain)) != len(plain):
        raise UsageError(f"{path}: two columns of one name: {', '.join(plain)}")
    times = None
    found = next((i for i, n in enumerate(plain) if n.lower() in _TIMES), None)
    if found is not None:
        unit = units[found]
        if unit and unit not in _UNITS:
            raise UsageError(f"{path}: column {plain[found]} has unit [{unit}]", hint=near(unit, _UNITS))
        times = values[:, found] * (_UNITS[unit] if unit else _TIMES[plain[found].lower()])
        values = np.delete(values, found, axis=1)
        plain.pop(found)
        units.pop(found)
    if not plain:
        raise UsageError(f"{path}: there is no column but the time")
    return Table(tuple(plain), tuple(units), values, times, skipped)
