"""`sweep`: evaluate every combination, whatever becomes of the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.errors import BoardlessError, FirmwareFailure
from sim.evaluate import evaluate
from sim.evaluate.executor import executor
from sim.paths import cache_root
from sim.settings import Settings
from sim.sweep.grid import Cell
from sim.sweep.row import Row

Progress = Callable[[int, Cell, str, int, int], None]  # number of the cell, the cell, what is done, how many, of


def _silent(_number: int, _cell: Cell, _what: str, _done: int, _of: int) -> None:
    pass


@dataclass(frozen=True)
class Sweep:
    """A row a combination, in the order in which they were asked for."""

    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """As `schemas/sweep.json` has it."""
        return {"rows": [row.as_json() for row in self.rows]}


def sweep(
    cells: Sequence[Cell],
    *,
    settings: Settings | None = None,
    limit: int | None = None,
    skip_broken: bool = False,
    resample: bool = False,
    jobs: int = 1,
    dask: str = "",
    progress: Progress = _silent,
    building: Callable[[str], None] = lambda text: None,
) -> Sweep:
    """A row for each of `cells` (see `sim.sweep.grid`); one that is refused is a row with the reason.

    A sweep that was interrupted goes on where it was. Raises UsageError, SetupError only for what concerns all.
    """
    base = settings if settings is not None else Settings.load()
    asked = hashlib.sha256(repr((list(cells), limit, resample, base.boards)).encode()).hexdigest()
    journal = cache_root() / "evaluate" / f"sweep-{asked[:32]}.jsonl"
    rows = []
    with executor(jobs, dask) as chosen:
        for number, cell in enumerate(cells):
            rows.append(
                _row(
                    cell,
                    settings=replace(base, board=cell.board, tflm=cell.tflm, kernels=cell.kernels, engine=cell.engine),
                    limit=limit,
                    skip_broken=skip_broken,
                    resample=resample,
                    using=chosen,
                    journal=journal,
                    keep_journal=True,
                    progress=lambda what, done, of, n=number, c=cell: progress(n, c, what, done, of),
                    building=building,
                )
            )
    journal.unlink(missing_ok=True)
    return Sweep(tuple(rows))


def _row(cell: Cell, **options: Any) -> Row:
    app = Path(cell.app) if Path(cell.app).is_dir() else cell.app
    try:
        return Row.of(cell, evaluate(app, cell.data, model=cell.model, **options))
    except BoardlessError as error:
        return Row.refused(cell, error)
    except FirmwareFailure as failure:
        return Row.failed(cell, failure)
