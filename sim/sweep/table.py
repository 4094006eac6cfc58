"""The rows of a sweep as a file that pandas and DuckDB read: Parquet, or CSV where it is asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

from sim.errors import SetupError, UsageError
from sim.files import check_writable, replaced
from sim.sweep.row import COLUMNS, Row

ENDINGS = (".parquet", ".csv")
INSTALL = "pip install 'boardless[table]', or name the file .csv"


def check_table(path: Path | None) -> None:
    """Raises UsageError and SetupError for a file that could not be written at the end."""
    if path is None:
        return
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path}: a table is written as {' or '.join(ENDINGS)}")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise SetupError(f"{path}: Parquet needs the package pyarrow", hint=INSTALL)
    check_writable(path)


def write_table(rows: Sequence[Row], path: Path) -> None:
    """Write the table; complete, or not at all. Raises UsageError and SetupError."""
    check_table(path)
    data = _parquet(rows) if path.suffix == ".parquet" else _csv(rows)
    with replaced(path) as file:
        file.write(data)


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.as_json() for row in rows)
    return text.getvalue().encode()


def _parquet(rows: Sequence[Row]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    # A column's type is that of the field, also where all of its values are missing.
    types = {"str": pyarrow.string(), "int": pyarrow.int64(), "float": pyarrow.float64()}
    columns = [(f.name, types[str(f.type).partition(" ")[0]]) for f in fields(Row)]
    table = pyarrow.Table.from_pylist([row.as_json() for row in rows], schema=pyarrow.schema(columns))
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    written: bytes = sink.getvalue().to_pybytes()
    return written
