"""`boardless inspect`: what is in a .tflite, which boards it fits, what the TFLM tree refuses."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.settings import KERNELS, Settings

if TYPE_CHECKING:
    from sim.boards import Board
    from sim.model import Model
    from sim.model.estimate import Estimate
    from sim.model.types import Tensor
    from sim.tflm import TflmTree


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL.tflite")
    parser.add_argument(
        "--board", "-b", action="append", metavar="B", help="a name, or a board's folder; repeatable (default: all)"
    )
    parser.add_argument("--tflm", metavar="PATH", help="TFLM tree to ask (default: the pinned one)")
    parser.add_argument("--kernels", choices=KERNELS, help="kernels of the tree (default: reference)")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.boards import Board, all_boards, board_folders
    from sim.model import Model
    from sim.model.estimate import estimate
    from sim.report import json_out

    settings = Settings.load({"tflm": args.tflm, "kernels": args.kernels})
    model = Model.load(args.model)
    folders = board_folders(settings)
    boards = [Board.load(name, folders) for name in args.board] if args.board else all_boards(folders)
    tree, missing = _tree(settings)
    need = estimate(model, tree.generation if tree else "2020", settings.kernels)
    data = as_json(model, boards, need, tree, missing, settings.kernels)
    if args.json:
        json_out.write("inspect", data, args.json)
    if args.json != "-":
        print(text(data))
    return 0


def _tree(settings: Settings) -> tuple[TflmTree | None, str]:
    """The tree to ask, or None and why there is none: the file can be shown all the same."""
    from sim.errors import SetupError
    from sim.tflm import tree_for

    try:
        tree = tree_for(settings)
    except SetupError as error:
        if settings.tflm:
            raise
        return None, str(error)
    tree.require(settings.kernels)
    return tree, ""


def as_json(
    model: Model, boards: Sequence[Board], need: Estimate, tree: TflmTree | None, missing: str, kernels: str
) -> dict[str, Any]:
    """As in report/schemas/inspect.json."""
    from sim.model.check import refusals

    refused = refusals(model, tree, kernels) if tree else ()
    return {
        "model": {
            "file": model.path.name if model.path else model.name,
            "bytes": len(model.data),
            "sha256": model.sha256,
            "description": model.description,
            "converter": model.converter,
            "graphs": len(model.graphs),
        },
        "inputs": [_tensor(t) for t in model.inputs],
        "outputs": [_tensor(t) for t in model.outputs],
        "operators": [
            {
                "index": o.index,
                "layer": o.layer,
                "kind": o.kind,
                "custom": o.custom,
                "version": o.version,
                "inputs": [[*model.tensors[i].shape] for i in o.inputs if i >= 0 and not model.tensors[i].constant],
                "outputs": [[*model.tensors[i].shape] for i in o.outputs],
                "dtype": model.tensors[o.outputs[0]].dtype if o.outputs else "",
                "macs": o.macs,
                "weight_bytes": model.weights_of(o),
            }
            for o in model.operators
        ],
        "totals": {
            "operators": len(model.operators),
            "kinds": [*model.op_kinds],
            "macs": model.macs,
            "weight_bytes": model.weight_bytes,
            "live_activation_bytes": need.live,
            "live_activation_operator": need.live_at,
        },
        "estimate": {"arena": need.arena, "code": need.code, "flash": need.flash, "ram": need.ram},
        "boards": [_fit(b, need) for b in boards],
        "tflm": {
            "tree": tree.version_text if tree else None,
            "generation": tree.generation if tree else None,
            "kernels": kernels,
            "missing": missing,
            "refusals": [asdict(r) for r in refused],
        },
    }


def _tensor(t: Tensor) -> dict[str, Any]:
    return {
        "name": t.name,
        "shape": [*t.shape],
        "dtype": t.dtype,
        "bytes": t.nbytes,
        "scale": [*t.scale],
        "zero_point": [*t.zero_point],
    }


def _fit(board: Board, need: Estimate) -> dict[str, Any]:
    return {
        "board": board.name,
        "fits": need.flash <= board.flash.size and need.ram <= board.ram.size,
        "flash": board.flash.size,
        "ram": board.ram.size,
        "flash_missing": max(0, need.flash - board.flash.size),
        "ram_missing": max(0, need.ram - board.ram.size),
    }


def text(data: dict[str, Any]) -> str:
    """The same for people: columns aligned, numbers with a separator for thousands."""
    from sim.model.check import Refusal
    from sim.model.check import text as refused

    model, totals, guess, tflm = data["model"], data["totals"], data["estimate"], data["tflm"]
    made = ", ".join(x for x in (model["description"], model["converter"] and f"TensorFlow {model['converter']}") if x)
    lines = [f"{model['file']}  {_n(model['bytes'])} bytes  {made}".rstrip(), f"sha256 {model['sha256']}"]
    for what in ("inputs", "outputs"):
        lines += ["", what, *_table([_tensor_row(i, t) for i, t in enumerate(data[what])], right=(0,))]
    head = ("#", "layer", "operator", "version", "output", "type", "MACs", "weight bytes")
    rows = [
        (str(o["index"]), o["layer"], o["kind"], str(o["version"]), ", ".join(_shape(s) for s in o["outputs"][:3])
         + (", …" if len(o["outputs"]) > 3 else ""), o["dtype"], _n(o["macs"]), _n(o["weight_bytes"]))
        for o in data["operators"]
    ]  # fmt: skip
    lines += ["", "operators", *_table([head, *rows], right=(0, 3, 6, 7))]
    lines += [
        "",
        f"{_n(totals['macs'])} MACs, {_n(totals['weight_bytes'])} bytes of weights, activations alive at once"
        f" {_n(totals['live_activation_bytes'])} bytes (operator {totals['live_activation_operator']})",
        "",
        f"boards, an estimate until it has run (boardless invoke): flash {_n(guess['flash'])} bytes (model and about"
        f" {_n(guess['code'])} of code), RAM {_n(guess['ram'])} (arena about {_n(guess['arena'])})",
        *_table([_board_row(b) for b in data["boards"]]),
        "",
    ]
    if tflm["tree"] is None:
        lines.append(f"TFLM tree: not asked, {tflm['missing']}")
    elif tflm["refusals"]:
        lines.append(f"{tflm['tree']}, {tflm['kernels']} kernels, refuses:")
        lines.append(refused(Refusal(**r) for r in tflm["refusals"]))
    else:
        lines.append(f"{tflm['tree']}, {tflm['kernels']} kernels: nothing refused")
    return "\n".join(lines)


def _n(value: int) -> str:
    return f"{value:,}"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _tensor_row(index: int, t: dict[str, Any]) -> tuple[str, ...]:
    scale = f"scale {t['scale'][0]:.6g}  zero point {t['zero_point'][0]}" if t["scale"] else ""
    scale = f"{len(t['scale'])} scales" if len(t["scale"]) > 1 else scale
    return str(index), t["name"], t["dtype"], _shape(t["shape"]), f"{_n(t['bytes'])} bytes", scale


def _board_row(b: dict[str, Any]) -> tuple[str, ...]:
    short = [f"{_n(b[f'{m}_missing'])} bytes of {n} short" for m, n in (("flash", "flash"), ("ram", "RAM"))
             if b[f"{m}_missing"]]  # fmt: skip
    room = f"flash {b['flash'] // 1024} KB, RAM {b['ram'] // 1024} KB"
    return b["board"], "fits" if b["fits"] else "does not fit: " + ", ".join(short), room


def _table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = enumerate(zip(row, widths, strict=True))
        return "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in cells).rstrip()

    return ["  " + line(row) for row in rows]
