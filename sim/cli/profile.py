"""`boardless profile`: where the instructions and cycles of an inference go."""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.engines.protocol import Stalls
    from sim.measure.operators import Counted
    from sim.measure.profile import Profile

_FUNCTIONS = 12  # shown, unless --functions says otherwise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL.tflite")
    add_target_arguments(parser)
    parser.add_argument("--inputs", "-i", type=Path, metavar="X.npy",
                        help=".npy, or .npz for several inputs; one inference per row (default: zeros)")  # fmt: skip
    parser.add_argument(
        "--functions", type=int, default=_FUNCTIONS, metavar="N", help="functions to show (default: 12)"
    )
    parser.add_argument("--json", metavar="P.json", help="result as JSON ('-': standard output)")
    parser.add_argument("--csv", metavar="P.csv", help="operators as CSV ('-': standard output)")
    parser.add_argument("--speedscope", metavar="P.json", help="flame graph for www.speedscope.app")
    parser.add_argument("--lcov", metavar="P.info", help="executed lines of source as an LCOV tracefile")


def run(args: argparse.Namespace) -> int:
    from sim.files import replaced
    from sim.measure.coverage import executed_lines, lcov
    from sim.measure.flamegraph import speedscope
    from sim.measure.profile import profile
    from sim.model import Model
    from sim.report import json_out
    from sim.target import Target
    from sim.tensors_io import load_inputs

    if args.functions < 0:
        raise UsageError(f"--functions {args.functions}: 0 or more")
    target = Target.of(settings_of(args))
    model = Model.load(args.model)
    check_outputs(args.json, args.csv, args.speedscope, args.lcov)
    arrays = None if args.inputs is None else load_inputs(args.inputs, model.inputs)
    result = profile(model, arrays, target=target, code=args.lcov is not None, progress=progress)
    if args.speedscope:
        graph = speedscope(
            f"{model.name} on {target.board.name}", result.nodes, result.layers, cycles=result.invoke.cycles is not None
        )
        with replaced(Path(args.speedscope)) as file:
            file.write(json.dumps(graph).encode())
    if args.lcov:
        lines = executed_lines(result.firmware.parsed, result.code)
        with replaced(Path(args.lcov)) as file:
            file.write(lcov(lines, _folders(result)).encode())
    if args.csv == "-":
        print(_csv(result), end="")
    elif args.csv:
        with replaced(Path(args.csv)) as file:
            file.write(_csv(result).encode())
    if "-" not in (args.json, args.csv):
        print(_text(result, max(0, args.functions), given=args.inputs is not None))
    if args.json:
        json_out.write("profile", result.as_json(), args.json)
    return 0


def _folders(result: Profile) -> dict[str, Path]:
    from sim.firmware.app import App
    from sim.paths import data_root

    tree = result.target.tree
    # Names that sim.firmware.flags gives, seen from where the compiler runs: the folder out/ of the build.
    named = {f"tflm/{n}": p for n, p in tree.libraries.items()}
    named |= {"tflm": tree.path, "firmware": data_root() / "firmware", "app": App.load("invoke").folder}
    return {f"out/{name}": folder for name, folder in named.items()}


def _csv(result: Profile) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["index", "kind", "layer", "macs", "instructions", "cycles", "fetch_stalls", "data_stalls",
                    "fetch_misses", "data_misses", "instructions_per_mac", "share"])  # fmt: skip
    for o in result.operators:
        per_mac = result.per_mac(o)["instructions_per_mac"]
        table.writerow([o.index, o.kind, o.layer, o.macs, o.counted.instructions, o.counted.cycles,
                        *_stalls(o.counted), per_mac and f"{per_mac:.4f}",
                        f"{result.share(o.counted):.6f}"])  # fmt: skip
    rest = result.interpreter
    table.writerow(["", "interpreter", "", "", rest.instructions, rest.cycles, *_stalls(rest), "",
                    f"{result.share(rest):.6f}"])  # fmt: skip
    return out.getvalue()


def _stalls(counted: Counted) -> list[int | None]:
    """Cycles of waiting for instructions and for data, and misses of either."""
    return [None] * 4 if counted.stalls is None else list(vars(counted.stalls).values())


def _text(result: Profile, functions: int, *, given: bool) -> str:
    board = result.target.board
    rows = [["", "operator", "layer", "MACs", "instructions", "cycles", "waiting", "per MAC", "share"]]
    for o in result.operators:
        per = result.per_mac(o)
        best = per["cycles_per_mac"] or per["instructions_per_mac"]
        rows.append([str(o.index), o.kind, o.layer, f"{o.macs:,}",
                     f"{o.counted.instructions:,}", _number(o.counted.cycles), _waiting(o.counted),
                     f"{best:.2f}" if best else "", f"{result.share(o.counted):.1%}"])  # fmt: skip
    rest = result.interpreter
    rows.append(
        [
            "",
            "interpreter",
            "",
            "",
            f"{rest.instructions:,}",
            _number(rest.cycles),
            _waiting(rest),
            "",
            f"{result.share(rest):.1%}",
        ]
    )
    whole = result.invoke
    rows.append(["", "inference", "", f"{sum(o.macs for o in result.operators):,}", f"{whole.instructions:,}",
                 _number(whole.cycles), _waiting(whole), "", ""])  # fmt: skip
    of = "one row of zeros" if not given else f"inference {result.shown} of {result.runs} (the median)"
    lines = [
        f"{result.model.name} on {board.name} ({board.core}, {board.clock_hz / 1e6:g} MHz), {of}",
        *_table(rows, left=(1, 2)),
    ]
    if functions:
        timed = whole.cycles is not None
        table = [["self", "total", "cycles", "calls", "function"]]
        for f in result.functions[:functions]:
            cycles = _number(f.own_cycles if timed else None)
            table.append([f"{f.own:,}", f"{f.total:,}", cycles, f"{f.calls:,}", _cut(f.name, 76)])
        many = f", all {result.runs} inferences" if result.runs > 1 else ""
        lines += ["", f"instructions of functions{many}", *_table(table, left=(4,))]
    if whole.cycles is None:
        lines += ["", f"no cycles: {board.name} has no timing model"]
    elif result.timing is not None:
        how = "held against hardware" if result.timing.validated else "never held against hardware"
        lines += ["", f"cycles: {result.timing.name}, {how}"]
        if whole.stalls is not None:
            lines.append(_causes(whole.stalls, whole.cycles))
    return "\n".join(lines)


def _waiting(counted: Counted) -> str:
    """Share of the cycles in which the core waited for flash."""
    if counted.stalls is None or not counted.cycles:
        return ""
    return f"{(counted.stalls.fetch + counted.stalls.data) / counted.cycles:.1%}"


def _causes(stalls: Stalls, cycles: int) -> str:
    """Where the waiting comes from, in a line."""
    return (
        f"waiting for flash: instructions {stalls.fetch:,} cycles ({stalls.fetch / cycles:.1%}, "
        f"{stalls.fetch_misses:,} misses), "
        f"data {stalls.data:,} ({stalls.data / cycles:.1%}, {stalls.data_misses:,} misses)"
    )


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[-(width - 1) :]


def _table(rows: list[list[str]], left: tuple[int, ...]) -> list[str]:
    keep = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    widths = {i: max(len(row[i]) for row in rows) for i in keep}
    return [
        "  " + "  ".join(row[i].ljust(widths[i]) if i in left else row[i].rjust(widths[i]) for i in keep).rstrip()
        for row in rows
    ]
