"""`boardless compress`: pruning, weight sharing, int8; what each step costs and saves, on the virtual board."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.compress import Compression, OnBoard, Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a classifier as Keras saved it: .keras, .h5")
    parser.add_argument("--data", metavar="TRAIN.npz", required=True,
                        help="x [n, ...] and classes y [n] to fine-tune with")  # fmt: skip
    parser.add_argument(
        "--test", metavar="TEST.npz", help="x and y to judge by (default: every fifth sample of --data)"
    )
    parser.add_argument("--steps", required=True, help="such as channels:0.5 or prune:0.8,cluster:16,int8")
    add_target_arguments(parser)
    parser.add_argument("-o", "--output", metavar="OUT.tflite", type=Path, help="the .tflite after the last step")
    parser.add_argument("--keras", metavar="OUT.keras", type=Path, help="the Keras model after the last step")
    parser.add_argument("--epochs", type=int, default=20, help="of fine-tuning after each step (20)")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of it, at its begin (0.001)")
    parser.add_argument("--seed", type=int, default=1, help="of fine-tuning (1)")
    parser.add_argument("--board-rows", type=int, default=50, help="test samples that also run on the board (50)")
    parser.add_argument("--plot", metavar="P.svg", type=Path, help="the table as a picture")
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.compress import Tuning, compress, parse
    from sim.convert.quiet import quiet
    from sim.files import replaced
    from sim.report import json_out
    from sim.target import Target

    steps = parse(args.steps)
    if args.plot is not None and args.plot.suffix != ".svg":
        raise UsageError(f"--plot {args.plot}: an .svg is what it can draw", hint="a browser makes anything else of it")
    if args.keras is not None and args.keras.suffix != ".keras":
        raise UsageError(f"--keras {args.keras}: name it .keras")
    check_outputs(args.output, args.plot, args.keras, args.json)
    target = Target.of(settings_of(args))
    tuning = Tuning(args.epochs, args.rate, args.seed)
    result = compress(args.model, args.data, steps, test=args.test, target=target, tuning=tuning,
                      board_rows=args.board_rows, out=args.output, progress=progress)  # fmt: skip
    if args.keras is not None:
        with quiet():
            result.model.save(args.keras)
    name = Path(args.model).name
    if args.plot is not None:
        from sim.compress.plot import svg

        with replaced(args.plot) as file:
            file.write(svg(result, f"{name} on {target.board.name}: {args.steps}").encode())
    if args.json != "-":
        print(text(result, name))
    if args.json:
        json_out.write("compress", as_json(result, args), args.json)
    return 0 if result.rows[-1].board is not None else 1


def text(result: Compression, name: str) -> str:
    """The result for people."""
    board, settings = result.target.board, result.target.settings
    head = ("step", "accuracy", ".tflite", "zipped", "coded", "smaller", "flash", "arena", "cycles", "energy", "board")
    table = [head, *(_cells(result, row) for row in result.rows)]
    widths = [max(len(r[i]) for r in table) for i in range(len(head))]
    lines = [f"{name} on {board.name} ({board.core}, {board.clock_hz / 1e6:g} MHz), {result.target.tree.version_text}, "
             f"{settings.kernels} kernels"]  # fmt: skip
    for cells in table:
        first, *others = (
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        lines.append("  " + "  ".join([first, *others]))
    lines += [f"  {row.step}: {note}" for row in result.rows for note in row.notes]
    last = result.rows[-1]
    lines += [
        f"accuracy: {result.data.note}, the .tflite on the host; board: right of those run there, and as on the host",
        f"coded: Huffman-coded weights ({last.size.kernels:,} bytes at the end) and other parameters as they are "
        f"({last.size.other:,}); smaller: than {result.float_bytes:,} bytes of float32 weights; no graph in either",
        "zeros and shared weights save bytes to send, and nothing on the device: it has them unpacked and multiplies "
        "by every zero; fewer channels and int8 save flash, RAM, cycles and energy",
    ]
    return "\n".join(lines)


def _cells(result: Compression, row: Row) -> tuple[str, ...]:
    from sim.report.quantity import shown

    sent = (f"{len(row.tflite):,}", f"{row.zipped:,}", f"{row.size.coded:,}", f"{result.ratio(row):.1f}x")
    b = row.board
    if b is None:
        return (row.step, f"{100 * row.accuracy:.2f} %", *sent, "-", "-", "-", "-", "-")
    cycles = f"{b.cycles:,}" if b.cycles is not None else f"({b.instructions:,} instructions)"
    energy = shown(b.joules, "J") if b.joules is not None else "-"
    judged = f"{b.right}/{b.rows}, {b.same} same"
    return (row.step, f"{100 * row.accuracy:.2f} %", *sent, f"{b.flash:,}", f"{b.arena:,}", cycles, energy, judged)


def as_json(result: Compression, args: argparse.Namespace) -> dict[str, Any]:
    """The result as `schemas/compress.json` has it."""
    import hashlib

    from sim.clock import cycle_model

    return {
        **result.target.described(),
        "cycle_model": cycle_model(result.target.board.timing),
        "steps": args.steps,
        "tuning": {"epochs": args.epochs, "rate": args.rate, "seed": args.seed},
        "judged_by": result.data.note,
        "float_bytes": result.float_bytes,
        "rows": [
            {
                "step": row.step,
                "dtype": row.dtype,
                "accuracy": row.accuracy,
                "tflite_bytes": len(row.tflite),
                "tflite_sha256": hashlib.sha256(row.tflite).hexdigest(),
                "zipped_bytes": row.zipped,
                "coded_bytes": row.size.coded,
                "coded_kernels": row.size.kernels,
                "coded_other": row.size.other,
                "times_smaller": result.ratio(row),
                "zeros": row.size.zeros,
                "layers": [vars(layer) for layer in row.size.layers],
                "board": None if row.board is None else _on_board(row.board),
                "notes": list(row.notes),
            }
            for row in result.rows
        ],
    }


def _on_board(board: OnBoard) -> dict[str, Any]:
    return {
        "flash": board.flash,
        "ram_static": board.ram_static,
        "arena": board.arena,
        "instructions": board.instructions,
        "cycles": board.cycles,
        "joules": board.joules,
        "rows": board.rows,
        "right": board.right,
        "same": board.same,
    }
