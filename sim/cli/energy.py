"""`boardless energy`: joules of an inference, mean current of a duty, days on a cell."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.errors import UsageError, near

if TYPE_CHECKING:
    from sim.energy.cells import Cell
    from sim.energy.estimate import Estimate
    from sim.inference import InvokeResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL.tflite")
    add_target_arguments(parser)
    parser.add_argument(
        "--inputs", "-i", type=Path, metavar="X.npy", help="as for invoke; the longest inference counts"
    )
    parser.add_argument("--every", default="1 s", metavar="TIME", help="time from one inference to the next (1 s)")
    parser.add_argument("--sensor", action="append", default=[], metavar="SLOT", help="sensor that is on all the time")
    parser.add_argument("--cell", default="CR2032", help='name, or "1200 mAh, 3.7 V, 5 %%/year" (CR2032)')
    parser.add_argument("--usable", type=float, default=1.0, metavar="SHARE", help="of the capacity (1.0)")
    parser.add_argument("--efficiency", type=float, metavar="SHARE", help="of a switching converter, if there is one")
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.energy.cells import find_cell
    from sim.energy.estimate import duty, power_of
    from sim.inference import invoke, zero_rows
    from sim.model import Model
    from sim.report import json_out
    from sim.report.quantity import parse
    from sim.sensors.parts import part
    from sim.target import Target
    from sim.tensors_io import load_inputs

    target, cell, every = Target.of(settings_of(args)), find_cell(args.cell), parse(args.every, "s", "--every")
    board = target.board
    power_of(board)  # before anything is built
    duty(board, 0, every).battery_life(cell, usable=args.usable, efficiency=args.efficiency)  # the same
    for slot in args.sensor:
        if slot not in board.parts:
            raise UsageError(f"--sensor: {board.name} has no {slot!r}", hint=near(slot, board.parts))
    model = Model.load(args.model)
    check_outputs(args.json)
    arrays = zero_rows(model) if args.inputs is None else load_inputs(args.inputs, model.inputs)
    result = invoke(model, arrays, target=target, progress=progress)
    cycles, how = _cycles(result)
    alone = duty(board, cycles, cycles / board.clock_hz, model=how)
    use = duty(board, cycles, every, parts=[part(board.parts[slot]) for slot in args.sensor], model=how)
    life = use.battery_life(cell, usable=args.usable, efficiency=args.efficiency)
    if args.json != "-":
        print(_text(result, alone, use, cell, life))
    if args.json:
        json_out.write("energy", _json(result, alone, use, cell, life), args.json)
    return 0


def _cycles(result: InvokeResult) -> tuple[int, str]:
    """Of the longest inference, and the model that they are of. Raises UsageError where the core has none."""
    from sim.clock import cycle_model

    board = result.target.board
    if result.cycles is None:
        raise UsageError(f"the {board.core} has no timing model, so energy cannot be estimated from its cycles")
    return result.cycles.max, cycle_model(board.timing)


def _text(result: InvokeResult, alone: Estimate, use: Estimate, cell: Cell, life: float) -> str:
    from sim.report.quantity import shown

    board = result.target.board
    lines = [
        f"{result.model.name} on {board.name}: an estimate, as good as its inputs",
        f"  one inference   {shown(alone.joules, 'J')} in {shown(alone.seconds, 's')}",
        f"  this duty       {shown(use.joules, 'J')} every {shown(use.seconds, 's')}, "
        f"mean current {shown(use.amperes, 'A')}",
        f"  battery life    {shown(life, 's')} ({cell.described}; {cell.source.kind}: {cell.source.text})",
        *(f"  {line}" for line in str(use).splitlines()[1:]),
    ]
    if use.unverified:
        lines.append(f"unverified: {', '.join(use.unverified)}")
    return "\n".join(lines)


def _json(result: InvokeResult, alone: Estimate, use: Estimate, cell: Cell, life: float) -> dict[str, Any]:
    return {
        **result.target.described(),
        "model_sha256": result.model.sha256,
        "firmware_sha256": result.firmware.sha256,
        "how": "estimated",
        "inference": {"joules": alone.joules, "seconds": alone.seconds},
        "duty": {"joules": use.joules, "seconds": use.seconds, "amperes": use.amperes, "volts": use.volts},
        "consumers": [
            {"name": c.name, "amperes": c.amperes, "seconds": c.seconds, "joules": c.joules(use.volts)}
            for c in use.consumers
        ],
        "battery": {"cell": cell.described, "seconds": None if life == float("inf") else life},
        "inputs": [vars(i) for i in use.inputs],
        "unverified": list(use.unverified),
    }
