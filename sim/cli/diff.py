"""`boardless diff`: the first operator that differs from the host."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.measure.diff import DiffResult, HostDiff, OperatorDiff
    from sim.model.types import Tensor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL.tflite")
    add_target_arguments(parser)
    parser.add_argument("--inputs", "-i", type=Path, metavar="X.npy",
                        help=".npy, or .npz for several inputs; one inference per row (default: random)")  # fmt: skip
    parser.add_argument("--host", default="", metavar="NAME",
                        help="tflm, litert, or all that are installed (default: the first of them)")  # fmt: skip
    parser.add_argument("--tolerance", type=float, default=0.0, metavar="LSB", help="difference that is allowed")
    parser.add_argument("--unchecked", action="store_true", help="build even what the tree is known to compute wrongly")
    parser.add_argument("--json", metavar="D.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.measure.diff import diff
    from sim.model import Model
    from sim.report import json_out
    from sim.target import Target
    from sim.tensors_io import load_inputs

    if not 0 <= args.tolerance < math.inf:
        raise UsageError(f"--tolerance {args.tolerance}: must be 0 or more LSB")
    target = Target.of(settings_of(args))
    model = Model.load(args.model)
    check_outputs(args.json)
    arrays = None if args.inputs is None else load_inputs(args.inputs, model.inputs)
    result = diff(model, arrays, target=target, host=args.host, tolerance=args.tolerance, check=not args.unchecked,
                  progress=progress)  # fmt: skip
    if args.json != "-":
        print(_text(result))
    if args.json:
        json_out.write("diff", result.as_json(), args.json)
    return 0 if result.equal else 1


def _text(result: DiffResult) -> str:
    board = result.target.board
    rows = f"{result.rows} rows of random inputs" if result.random else f"{result.rows} rows"
    lines = [f"{result.model.name} on {board.name}, {rows}, tolerance {result.tolerance:g} LSB"]
    for host in result.hosts:
        lines += ["", f"against {host.host}", *_table(host), *_verdict(result, host)]
    return "\n".join(lines)


def _without_values(o: OperatorDiff) -> str:
    names = o.operator.kind in ("VAR_HANDLE", "HASHTABLE")
    return "has no values" if names or not o.operator.outputs else "not given by the host"


def _table(host: HostDiff) -> list[str]:
    rows = [["", "operator", "layer", "max LSB", "mean", "differ", "of", ""]]
    for o in host.operators:
        d = o.difference
        name = [str(o.operator.index), o.operator.kind, o.operator.layer]
        if d is None:
            rows.append([*name, "?", "", "", "", _without_values(o)])
        else:
            rows.append([*name, f"{d.largest:.6g}", f"{d.mean:.3g}", f"{d.differing:,}", f"{d.values:,}",
                         "<--" if o is host.first else ""])  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            c.ljust(w) if i in (1, 2, 7) else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _verdict(result: DiffResult, host: HostDiff) -> list[str]:
    first = host.first
    if first is None:
        return ["equal" if result.tolerance == 0 else "equal within the tolerance"]
    return ["", *_first(result, first)]


def _first(result: DiffResult, first: OperatorDiff) -> list[str]:
    d, o, tensors = first.difference, first.operator, result.model.tensors
    assert d is not None
    return [
        f"the first that differs: operator {o.index} {o.kind} {o.layer!r}, by up to {d.largest:.6g} LSB",
        *(f"  input   {_shown(tensors[i])}" for i in o.inputs if i >= 0),
        *(f"  output  {_shown(tensors[i])}" for i in o.outputs),
    ]


def _shown(t: Tensor) -> str:
    shape = "x".join(map(str, t.shape)) or "scalar"
    if not t.scale:
        return f"{shape} {t.dtype}"
    if t.per_channel:
        return f"{shape} {t.dtype}, {len(t.scale)} scales {min(t.scale):.6g} to {max(t.scale):.6g}"
    return f"{shape} {t.dtype}, scale {t.scale[0]:.6g}, zero point {t.zero_point[0] if t.zero_point else 0}"
