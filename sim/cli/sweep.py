"""`boardless sweep`: many evaluations in one table, with a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.evaluate import add_work_arguments
from sim.cli.options import check_outputs, progress
from sim.settings import KERNELS

if TYPE_CHECKING:
    from sim.sweep import Row

_REASON = 60  # characters of a reason in the table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("apps", metavar="APP", nargs="+", help="apps (names or folders)")
    again = "may be given again"
    parser.add_argument(
        "--board", "-b", action="append", default=[], metavar="B", help=f"{again} (default: all boards)"
    )
    parser.add_argument("--model", "-m", action="append", default=[], metavar="[APP=]M.tflite",
                        help=f"{again} (default: the app's own)")  # fmt: skip
    parser.add_argument("--tflm", action="append", default=[], metavar="PATH",
                        help=f"TFLM tree, or 'default'; {again}")  # fmt: skip
    parser.add_argument("--kernels", action="append", default=[], choices=KERNELS, help=again)
    parser.add_argument("--engine", "-e", action="append", default=[], metavar="E", help=again)
    parser.add_argument("--data", "-d", action="append", default=[], metavar="[APP=]D",
                        help="set of an app (default: that of its model's folder)")  # fmt: skip
    add_work_arguments(parser)
    parser.add_argument("--out", "-o", type=Path, metavar="T.parquet", help="the table, .parquet or .csv")
    parser.add_argument("--picture", type=Path, metavar="P.svg", help="the table as a picture")
    parser.add_argument("--json", metavar="S.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.cli.bar import Bar
    from sim.files import replaced
    from sim.report import json_out
    from sim.settings import Settings
    from sim.sweep import Cell, grid, sweep
    from sim.sweep.picture import picture
    from sim.sweep.table import check_table, write_table

    settings = Settings.load()
    check_table(args.out)
    check_outputs(args.picture, args.json)
    cells = grid(args.apps, boards=args.board, models=args.model, data=args.data, trees=args.tflm,
                 kernels=args.kernels, engines=args.engine, settings=settings)  # fmt: skip
    bar = Bar()

    def show(number: int, cell: Cell, what: str, done: int, of: int) -> None:
        bar.show(f"{number + 1}/{len(cells)} {cell.app_name} on {cell.board_name}: {what}", done, of)

    try:
        found = sweep(
            cells,
            settings=settings,
            limit=args.limit,
            skip_broken=args.skip_broken,
            resample=args.resample,
            jobs=args.jobs,
            dask=args.dask,
            progress=show,
            building=progress,
        )
    finally:
        bar.end()
    if args.out:
        write_table(found.rows, args.out)
    if args.picture:
        with replaced(args.picture) as file:
            file.write(picture(found.rows).encode())
    if args.json:
        json_out.write("sweep", found.as_json(), args.json)
    if args.json != "-":
        print(text_of(found.rows))
    return 1 if any(row.outcome == "failed" for row in found.rows) else 0


def text_of(rows: tuple[Row, ...]) -> str:
    """The table for people; names that are the same everywhere are left out."""
    named = [n for n in ("model", "tree", "kernels", "engine") if len({getattr(r, n) for r in rows}) > 1]
    table = [["app", *named, "board", "right", "host", "differ", "latency", "lost", "flash", "RAM"]]
    for r in rows:
        names = [r.app, *(getattr(r, n) for n in named), r.board]
        if r.accuracy is None:
            table.append([*names, f"{r.outcome}: {_short(r.reason)}"])
            continue
        table.append([
            *names,
            f"{100 * r.accuracy:.2f} %",
            "" if r.host_accuracy is None else f"{100 * r.host_accuracy:.2f} %",
            "" if r.decisions_different is None else str(r.decisions_different),
            "" if r.latency_max is None else f"{1e3 * r.latency_max:.1f} ms",
            str(r.lost_samples),
            f"{(r.flash or 0) / 1024:.0f} K",
            f"{((r.ram_static or 0) + (r.arena or 0)) / 1024:.0f} K",
        ])  # fmt: skip
    whole = [row for row in table if len(row) == len(table[0])]
    widths = [max(len(row[i]) for row in whole) for i in range(len(table[0]))]
    names_end = 2 + len(named)
    widths[:names_end] = [max(len(row[i]) for row in table) for i in range(names_end)]
    return "\n".join(
        "  ".join(
            c.ljust(w) if i < names_end else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=False))
        )
        for row in table
    )


def _short(reason: str) -> str:
    line = reason.splitlines()[0] if reason else ""
    return line if len(line) <= _REASON else f"{line[: _REASON - 1]}…"
