"""`boardless convert`: Keras model to a `.tflite` that the TFLM tree computes right."""

from __future__ import annotations

import argparse
from pathlib import Path

from sim.convert.result import Conversion

DTYPES = ("int8", "uint8", "int16", "float32")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="what Keras saved: .keras, .h5, or a SavedModel folder")
    parser.add_argument(
        "--data",
        metavar="X.npy",
        required=True,
        help="representative samples [n, ...] in real units; .npz with an array an input for several inputs",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="the .tflite to write (default: beside MODEL)")
    parser.add_argument(
        "--dtype", choices=DTYPES, default="int8", help="int8 all through (default); uint8: int8 with uint8 in and out"
    )
    parser.add_argument("--tflm", metavar="PATH", help="the TFLM tree that the model is for")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.convert import convert
    from sim.settings import Settings
    from sim.tflm import TflmTree

    settings = Settings.load({"tflm": args.tflm})
    tree = TflmTree.at(settings.tflm) if settings.tflm else None
    given = Path(args.model)
    out = Path(args.output) if args.output else given.with_suffix(".tflite")
    result = convert(given, args.data, out, tree=tree, kernels=settings.kernels, dtype=args.dtype)
    if args.json != "-":
        print(text(result))
    if args.json:
        from sim.report import json_out

        json_out.write("convert", {**result.as_json(), "path": str(out)}, args.json)
    return 1 if result.refusals else 0


def text(result: Conversion) -> str:
    """The result for people."""
    lines = [f"{result.path}: {len(result.tflite)} bytes, {result.dtype}, for {result.tree}"]
    lines += [f"  input   {q}" for q in result.inputs]
    lines += [f"  output  {q}" for q in result.outputs]
    lines += [f"  error   {e}" for e in result.errors]
    if result.replaced:
        lines.append(f"  replaced (float model the same to {result.rewrite_error:.1g}):")
        lines += [f"    {r}" for r in result.replaced]
    lines += [f"  note    {n}" for n in result.notes]
    if result.refusals:
        lines.append("  REFUSED by this tree, so it will not be built with it:")
        lines += [f"    {r}" for r in result.refusals]
    return "\n".join(lines)
