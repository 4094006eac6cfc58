"""Recordings in Parquet: a table with a column a channel, read with pyarrow (the extra `table`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import SetupError, UsageError

_TEXTS = ("name", "source", "interpolation")
INSTALL = "pip install 'boardless[table]'"


def read(path: Path) -> tuple[list[str], Any, dict[str, Any]]:
    """Column names, values float64 [rows, columns], and `rate`, `name`, `source`, `interpolation` of its metadata.

    Raises UsageError naming column and row, SetupError without pyarrow.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    if find_spec("pyarrow") is None:
        raise SetupError(f"{path}: Parquet needs the package pyarrow", hint=INSTALL)
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise UsageError(f"{path}: not a Parquet file that can be read: {error}") from None
    if not table.num_rows:
        raise UsageError(f"{path}: is empty: no row", hint="docs/sensors.md says what is in a file")
    names, columns = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name.startswith("__index_level_"):
            continue  # what pandas adds
        if not (pyarrow.types.is_integer(column.type) or pyarrow.types.is_floating(column.type)):
            raise UsageError(f"{path}: column {name!r} is of {column.type}", hint="numbers only; leave others out")
        if column.null_count:
            row = column.is_null().to_pylist().index(True)
            raise UsageError(
                f"{path}: column {name!r}, row {row}: no value",
                hint="a sensor always delivers a number: cut the gap out, or fill it in knowingly",
            )
        names.append(name)
        columns.append(np.asarray(column.to_numpy(), dtype=np.float64))
    if not names:
        raise UsageError(f"{path}: has no columns")
    return names, np.stack(columns, axis=1), _metadata(path, table.schema.metadata or {})


def _metadata(path: Path, said: dict[bytes, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = {key: said[key.encode()].decode() for key in _TEXTS if key.encode() in said}
    if b"rate" in said:
        try:
            found["rate"] = float(said[b"rate"])
        except ValueError:
            raise UsageError(f"{path}: rate is {said[b'rate'].decode()!r}", hint="a number in Hz") from None
    return found
