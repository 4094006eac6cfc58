"""Recordings in CSV: `# key=value` lines, a line of column names with units, then numbers."""

from __future__ import annotations

import csv
import difflib
import re
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import UsageError, near
from sim.sensors.recording_table import table

KEYS = ("rate", "name", "source", "interpolation")  # of lines `# key=value`


def read(path: Path) -> dict[str, Any]:
    """What a Recording is made of. Raises UsageError, with the line."""
    found: dict[str, Any] = {}
    header: list[str] | None = None
    rows: list[list[float]] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file in UTF-8: {error.reason}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            _remark(path, number, line, found)
            continue
        cells = next(csv.reader([line]))
        if header is None:
            header = cells
            continue
        if len(cells) != len(header):
            raise UsageError(
                f"{path}, line {number}: {len(cells)} values, but {len(header)} columns",
                hint="columns are separated by commas, numbers have a point",
            )
        rows.append([_number(path, number, name, cell) for name, cell in zip(header, cells, strict=True)])
    if header is None or not rows:
        raise UsageError(f"{path}: is empty: no line of numbers", hint="docs/sensors.md shows a file")
    return table(path, header, np.array(rows, dtype=np.float64), found)


def _remark(path: Path, number: int, line: str, found: dict[str, Any]) -> None:
    key, equals, value = line.lstrip("# \t").partition("=")
    key, value = key.strip(), value.strip()
    if not equals or not re.fullmatch(r"\w+", key):
        return  # a remark for people
    if key not in KEYS:
        # Close enough for a slip: a `date=` is a remark, a `rates=` is not.
        if difflib.get_close_matches(key.lower(), ("rate", "interpolation"), cutoff=0.8):
            raise UsageError(f"{path}, line {number}: unknown key {key!r}", hint=near(key, KEYS))
        return
    found[key] = _number(path, number, key, value) if key == "rate" else value


def _number(path: Path, line: int, name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise UsageError(
            f"{path}, line {line}: {name.strip()}: {cell.strip()!r} is not a number",
            hint="a sensor always delivers a number: cut the gap out, or fill it in knowingly"
            if not cell.strip()
            else "numbers have a point: 9.81",
        ) from None
    if not np.isfinite(value):
        raise UsageError(
            f"{path}, line {line}: {name.strip()}: {cell.strip()} is not a finite number",
            hint="a sensor always delivers a number: cut the gap out, or fill it in knowingly",
        )
    return value
