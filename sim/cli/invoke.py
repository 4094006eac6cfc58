"""`boardless invoke`: run a .tflite on a virtual board."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of

if TYPE_CHECKING:
    from sim.boards import Board
    from sim.inference import InvokeResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL.tflite")
    add_target_arguments(parser)
    parser.add_argument("--inputs", "-i", type=Path, metavar="X.npy",
                        help=".npy, or .npz for several inputs; one inference per row")  # fmt: skip
    parser.add_argument("--outputs", "-o", type=Path, metavar="Y.npy", help="where the raw outputs go")
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.inference import invoke, zero_rows
    from sim.model import Model
    from sim.report import json_out
    from sim.target import Target
    from sim.tensors_io import check_name, load_inputs, save_outputs

    target = Target.of(settings_of(args))
    model = Model.load(args.model)
    if args.outputs:
        check_name(args.outputs, model.outputs)
    check_outputs(args.outputs, args.json)
    arrays = zero_rows(model) if args.inputs is None else load_inputs(args.inputs, model.inputs)
    result = invoke(model, arrays, target=target, progress=progress)
    if args.outputs:
        save_outputs(args.outputs, result.outputs, model.outputs)
    if args.json != "-":
        print(_text(result, given=args.inputs is not None))
    if args.json:
        json_out.write("invoke", result.as_json(), args.json)
    return 0


def _text(result: InvokeResult, *, given: bool) -> str:
    data = result.as_json()
    memory, count = data["memory"], data["instructions"]
    board = result.target.board
    lines = [
        f"{result.model.name} on {board.name} ({board.core}, {board.clock_hz / 1e6:g} MHz)"
        f", {result.target.engine.name} {data['engine']['version']}",
        f"  TFLM          {data['tflm']['tree']}, {data['tflm']['kernels']} kernels",
        f"  runs          {result.runs}" + ("" if given else " (no --inputs: one row of zeros)"),
        f"  instructions  {count['min']:,} / {count['median']:,} / {count['max']:,} (min, median, max per inference)",
        *_cycles(data["cycles"], board),
        f"  flash         {memory['flash']:,} of {board.flash.size:,} bytes",
        f"  RAM           {memory['ram_static'] + memory['arena_reserved']:,} of {board.ram.size:,} bytes"
        f" (static {memory['ram_static']:,}, arena {memory['arena_reserved']:,}, without stack and heap)",
        f"  arena         used {memory['arena_used']:,}, smallest that runs {memory['arena_smallest']:,}",
        f"  outputs       sha256 {data['outputs_sha256'][:16]}…",
    ]
    if board.unverified:
        lines.append(f"  unverified    figures of the board: {', '.join(board.unverified)}")
    return "\n".join(lines)


def _cycles(cycles: dict[str, Any] | None, board: Board) -> list[str]:
    if cycles is None:
        return [f"  cycles        unknown: the {board.core} has no timing model"]
    milliseconds = cycles["median"] / board.clock_hz * 1000
    return [
        f"  cycles        {cycles['min']:,} / {cycles['median']:,} / {cycles['max']:,} ({cycles['model']})",
        f"  time          {milliseconds:.2f} ms an inference at {board.clock_hz / 1e6:g} MHz",
    ]
