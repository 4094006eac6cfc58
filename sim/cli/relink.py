"""`boardless relink`: a product's image for the twin of its board, where QEMU has no machine with its addresses."""

from __future__ import annotations

import argparse
from pathlib import Path

from sim.cli.options import check_outputs, settings_of
from sim.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s ELF [options]\n       %(prog)s [options] -- LINK COMMAND"
    parser.epilog = (
        "Give an ELF that was linked with -Wl,--emit-relocs, or behind -- the link command of the product's build, "
        "in the folder where the build runs it. The result says in every report that it is relinked."
    )
    parser.add_argument("what", nargs="*", metavar="ELF", help="image linked with -Wl,--emit-relocs")
    parser.add_argument("--board", "-b", help="name, or folder with a board.toml")
    parser.add_argument("--engine", "-e", help="engine that plays the board (default: qemu)")
    parser.add_argument("--output", "-o", type=Path, metavar="OUT.elf",
                        help="where to write it (default: with -twin behind its name, or twin.elf)")  # fmt: skip
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.elf import load_elf
    from sim.relink import relink_by_command, relink_image
    from sim.report import json_out
    from sim.target import Target

    command: list[str] | None = args.behind
    images = args.what[: len(args.what) - len(command or ())]
    if len(images) + (command is not None) != 1:
        raise UsageError("relink what? One ELF, or behind -- a link command" if not args.what else
                         f"relink {' '.join(args.what)}: one ELF, or behind -- a link command",
                         hint="boardless relink product.elf, or boardless relink -- LINK COMMAND")  # fmt: skip
    target = Target.of(settings_of(args))
    out = args.output or (Path(images[0]).with_name(f"{Path(images[0]).stem}-twin.elf") if images else Path("twin.elf"))
    if any(Path(word).resolve() == out.resolve() for word in args.what):
        raise UsageError(f"{out} is the product's own file", hint="--output another one")
    check_outputs(out, args.json)
    if command is not None:
        relink_by_command(command, target.board, target.layout, out)
    else:
        relink_image(Path(images[0]), target.board, target.layout, out)
    elf = load_elf(out)
    if args.json:
        result = {**target.described_without_tree(), "elf": str(out), "firmware_sha256": elf.sha256,
                  "relinked": elf.relinked}  # fmt: skip
        json_out.write("relink", result, args.json)
    if args.json != "-":
        print(f"{out}: {elf.relinked}")
    return 0
