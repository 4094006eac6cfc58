"""`boardless build`: the firmware of an app and a model for a board."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.target import Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", help="app: a name, or a folder with an app.toml")
    add_target_arguments(parser)
    parser.add_argument("--model", type=Path, metavar="M.tflite", help="model of the app (default: its own)")
    parser.add_argument("--arena", type=int, metavar="BYTES", help="size of the tensor arena (default: the smallest "
                        "that runs, found by running it)")  # fmt: skip
    parser.add_argument("--output", "-o", type=Path, metavar="F.elf", help="where the ELF goes (default: it stays in "
                        "the cache)")  # fmt: skip
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.files import replaced
    from sim.report import json_out
    from sim.target import Target

    target = Target.of(settings_of(args))
    check_outputs(args.output, args.json)
    app = Path(args.app)
    firmware = target.build(app if app.is_dir() else args.app, args.model, arena=args.arena, progress=progress)
    elf = args.output or firmware.elf
    if args.output:
        with replaced(args.output) as file:
            file.write(firmware.elf.read_bytes())
    if args.json != "-":
        print(text(firmware, target, elf))
    if args.json:
        json_out.write("build", as_json(firmware, target, elf), args.json)
    return 0


def as_json(firmware: Firmware, target: Target, elf: Path) -> dict[str, Any]:
    """As in report/schemas/build.json."""
    return {
        **target.described(),
        "unverified": list(target.board.unverified),
        "app": firmware.app,
        "model_sha256": firmware.model.sha256 if firmware.model else None,
        "elf": str(elf),
        "firmware_sha256": firmware.sha256,
        "compiler": firmware.compiler,
        "memory": {
            "flash": firmware.flash,
            "ram_static": firmware.ram_static,
            "arena_reserved": firmware.arena_reserved,
            "arena_used": firmware.arena_used,
            "arena_smallest": firmware.arena_smallest,
        },
    }


def text(firmware: Firmware, target: Target, elf: Path) -> str:
    """The same for people."""
    board = target.board
    arena = f"arena {firmware.arena_reserved:,}"
    if firmware.arena_smallest is not None:
        arena += f", the smallest that runs; TFLM says it uses {firmware.arena_used:,}"
    return "\n".join(
        [
            f"{elf}",
            f"  for    {board.name} as {target.layout.machine} plays it, {target.tree.version_text}, "
            f"{target.settings.kernels} kernels",
            f"  flash  {firmware.flash:,} of {board.flash.size:,} bytes",
            f"  RAM    {firmware.ram_static + firmware.arena_reserved:,} of {board.ram.size:,} bytes "
            f"(static {firmware.ram_static:,}, {arena}, without stack and heap)",
            *([f"  recorder {firmware.recorder}"] if firmware.recorder else []),
            f"  sha256 {firmware.sha256}",
        ]
    )
