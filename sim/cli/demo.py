"""`boardless demo`: two real models on real data, on a virtual board, with a picture of each."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.demo.shown import Use
    from sim.firmware import Firmware
    from sim.target import Target

USES = ("gesture", "image")
_FOLDER = "boardless-demo"
_ENOUGH = 0.9  # right, of what is played: no model knows everything, and one of the digits is a hard one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument("--out", type=Path, default=Path(_FOLDER), metavar="DIR",
                        help=f"folder for the pictures (default: {_FOLDER})")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.report import json_out
    from sim.target import Target

    target = Target.of(settings_of(args))
    pictures = {name: args.out / f"{name}.svg" for name in USES}
    check_outputs(args.json)
    if args.out.exists() and not args.out.is_dir():
        raise UsageError(f"{args.out}: not a folder", hint="--out DIR")
    show = _shown if args.json != "-" else _hidden
    names = [name for name in USES if target.layout.slots is None or _slot(name) in target.layout.slots]
    for name in (name for name in USES if name not in names):
        show(f"Not played: {name}. A bus build for {target.board.title} has no driver for its {_slot(name)}.")
    if not names:
        raise UsageError(
            f"board {target.board.name} has no sensor on its bus that the demo reads", hint='io = "port" plays it'
        )
    uses = []
    for name in names:
        use = _played(name, target, show)
        uses.append(use)
        _draw(use, target, pictures[name])
        show(f"\n{use.summary}\n({use.time_base}).\nPicture: {pictures[name]}\n")
    if args.json:
        data = {**target.described(), "uses": [_described(use, pictures[use.name]) for use in uses]}
        json_out.write("demo", data, args.json)
    return 0 if all(use.right >= _ENOUGH * len(use.items) for use in uses) else 1


def _played(name: str, target: Target, show: Any) -> Use:
    part, board = _part(name), target.board
    if part.SLOT not in board.parts:
        raise UsageError(
            f"board {board.name} has no {part.SLOT}, which the app {name!r} reads",
            hint="boardless boards shows which have one",
        )
    show(f"Building the app `{name}` for {board.title} ({board.core}, {board.clock_hz / 1e6:g} MHz) …")
    firmware: Firmware = target.build(name, progress=progress)
    show(
        f"  {firmware.elf.name}: flash {firmware.flash:,} of {board.flash.size:,} bytes, "
        f"static RAM {firmware.ram_static:,}, arena {firmware.arena_reserved:,}"
    )
    show(f"{part.TITLE[0].upper()}{part.TITLE[1:]}: to its {board.parts[part.SLOT]} on {target.engine.name} "
         f"{target.engine.version()} ({target.layout.machine})\n")  # fmt: skip
    use: Use = part.play(firmware, target, show)
    return use


def _part(name: str) -> Any:
    from sim.demo import digits, gesture

    return gesture if name == "gesture" else digits


def _slot(name: str) -> str:
    slot: str = _part(name).SLOT
    return slot


def _draw(use: Use, target: Target, path: Path) -> None:
    from sim.demo.picture import draw

    board = target.board
    where = (
        f"{board.title} ({board.core}, {board.clock_hz / 1e6:g} MHz), played by {target.engine.name} "
        f"{target.engine.version()} ({target.layout.machine})"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draw(use, where), encoding="utf-8")


def _described(use: Use, picture: Path) -> dict[str, Any]:
    return {
        "use": use.name,
        "firmware_sha256": use.firmware_sha256,
        "time_base": use.time_base,
        "instructions": use.instructions,
        "right": use.right,
        "picture": str(picture),
        "items": [
            {
                "name": item.name,
                "expected": item.expected,
                "decided": item.decided,
                "share": item.share,
                "right": item.right,
                "latency": None if math.isnan(item.latency) else item.latency,
            }
            for item in use.items
        ],
    }


def _shown(text: str) -> None:
    print(text, flush=True)


def _hidden(text: str) -> None:
    """Standard output is the result's."""
