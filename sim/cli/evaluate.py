"""`boardless evaluate`: accuracy of an app on a virtual board, over a labelled set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of

if TYPE_CHECKING:
    from sim.evaluate.evaluation import Evaluation
    from sim.evaluate.result import Spread

_SHOWN = 10  # disagreements, failures and skipped files that are printed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP|ELF", help="app (name or folder), or a finished ELF")
    parser.add_argument("--data", "-d", type=Path, metavar="D", help="folder with one a label, labels.csv, or .npz "
                        "(default: the set of the model's own folder)")  # fmt: skip
    add_target_arguments(parser)
    parser.add_argument("--model", type=Path, metavar="M.tflite", help="model of the app (default: its own)")
    parser.add_argument("--sensor", default="", metavar="SLOT", help="where to play it (default: the one it opens)")
    parser.add_argument("--verdict", default="", metavar="RULE", help="what a recording's decisions come to: majority, "
                        "last, first, once (default: as app.toml says)")  # fmt: skip
    add_work_arguments(parser)
    parser.add_argument("--boot-each", action="store_true", help="start the board anew for each recording (slower)")
    parser.add_argument("--no-host", action="store_true", help="do not compute the same on this machine")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep results there, and go on from there")
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def add_work_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `evaluate` and `sweep`."""
    parser.add_argument("--limit", type=int, metavar="N", help="so many recordings of a set, evenly spread")
    parser.add_argument("--skip-broken", action="store_true", help="leave out what cannot be used, and count it")
    parser.add_argument("--resample", action="store_true", help="recordings may have any rate")
    parser.add_argument("--jobs", "-j", type=int, default=1, metavar="N", help="processes of this machine (default: 1)")
    parser.add_argument("--dask", default="", metavar="ADDRESS", help="scheduler of a Dask cluster to play them on")


def run(args: argparse.Namespace) -> int:
    from sim.cli.bar import Bar
    from sim.evaluate import evaluate
    from sim.report import json_out

    settings = settings_of(args)
    check_outputs(args.json)
    bar = Bar()
    try:
        found = evaluate(
            args.app,
            args.data,
            model=args.model,
            settings=settings,
            sensor=args.sensor,
            verdict=args.verdict,
            limit=args.limit,
            skip_broken=args.skip_broken,
            resample=args.resample,
            one_boot=not args.boot_each,
            host=not args.no_host,
            jobs=args.jobs,
            dask=args.dask,
            journal=args.journal,
            keep_journal=args.journal is not None,
            progress=bar.show,
            building=progress,
        )
    except KeyboardInterrupt:
        bar.end()
        print("boardless evaluate: what was played is kept: the same command goes on", file=sys.stderr)
        raise
    finally:
        bar.end()
    if args.json:
        json_out.write("evaluate", found.as_json(), args.json)
    if args.json != "-":
        print(text_of(found))
    return 1 if found.failures else 0


def text_of(found: Evaluation) -> str:
    """The result for people."""
    right = sum(r.right for r in found.results)
    lines = [
        f"{found.firmware.app} on {found.target.board.name}: {right} of {len(found.results)} recordings right, "
        f"{100 * found.accuracy:.2f} % ({found.data.source}, {found.seconds:.0f} s of board time)",
        *_host(found),
        "",
        *_confusion(found),
        "",
        f"latency          {_spread(found.latency)}, from the last sample of a window to the decision",
        f"board time       {found.cycle_model}",
    ]
    if found.detection:
        lines.append(f"detection        {_spread(found.detection)}, from the end of the event")
    lines.append(f"false alarms     {found.false_alarms}, {found.false_alarms_per_hour:.1f} an hour of board time")
    if found.lost:
        lines.append(f"samples lost     {found.lost}: the firmware came too late")
    if found.saturated:
        cut = [r.name for r in found.results if r.played.saturated]
        where = f"{len(cut)} recording{'s' * (len(cut) > 1)} ({', '.join(cut[:3])}{', …' if cut[3:] else ''})"
        lines.append(f"saturated        {found.saturated} values of {where}: beyond {_range(found)}, cut off")
    lines += _listed("failed", [f"{name}: {reason}" for name, reason in found.failures])
    lines += _listed("skipped", [_reason(s.name, s.reason) for s in found.data.skipped])
    return "\n".join(lines)


def _host(found: Evaluation) -> list[str]:
    if not found.host_text:
        return [f"the host: not compared ({found.no_host})"]
    other = found.disagreements
    share = f"the host: {100 * (found.host_accuracy or 0):.2f} % ({found.host_text})"
    if not other:
        return [f"{share}; all {found.decisions} decisions are the same"]
    rows = [f"{d.name}, decision {d.number}: {_side(d.board)} on the board, {_side(d.host)} on the host" for d in other]
    lost = sum(d.lost > 0 for d in other)
    why = f" ({lost} in recordings of which the board lost samples)" if lost else ""
    return [share, *_listed(f"{len(other)} of {found.compared} decisions differ{why}", rows)]


def _reason(name: str, reason: str) -> str:
    return reason if name in reason else f"{name}: {reason}"


def _range(found: Evaluation) -> str:
    """The range of the part as the app has opened it: of each channel's unit once."""
    part, ranges = found.opening.part, found.opening.ranges
    limits = zip(part.scales(ranges), part.limits(ranges), part.units, strict=True)
    shown = dict.fromkeys(f"±{scale * limit:.4g} {unit}" for scale, limit, unit in limits)
    return f"the range of {part.name} ({', '.join(shown)})"


def _side(side: tuple[int, str] | None) -> str:
    return "none" if side is None else f"{side[1]} at sample {side[0]}"


def _confusion(found: Evaluation) -> list[str]:
    columns = found.columns
    rows = [["label down, verdict across", *columns]]
    rows += [[truth, *(str(row[c]) for c in columns)] for truth, row in found.confusion.items()]
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "not known"
    return f"{1e3 * spread.median:.3f} ms, 95 % within {1e3 * spread.p95:.3f}, at most {1e3 * spread.max:.3f}"


def _listed(title: str, rows: list[str]) -> list[str]:
    if not rows:
        return []
    more = [f"  … and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    return [f"{title}:", *(f"  {row}" for row in rows[:_SHOWN]), *more]
