"""Options that several commands share."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sim.errors import UsageError
from sim.files import check_writable
from sim.settings import IOS, KERNELS, Settings


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that choose board, engine and tree; the same for every command that runs something."""
    parser.add_argument("--board", "-b", help="name, or folder with a board.toml")
    parser.add_argument("--engine", "-e", help="engine that plays the board (default: qemu)")
    parser.add_argument("--io", choices=IOS, help="where apps have samples from: the port, or the board's own bus "
                        "(default: port)")  # fmt: skip
    parser.add_argument("--tflm", metavar="PATH", help="TFLM tree to build from (default: the pinned one)")
    parser.add_argument("--recorder", metavar="TIME", help="a recorder of so much in the app, as '5 s' (docs/field.md)")
    parser.add_argument("--kernels", choices=KERNELS, help="kernels of the tree (default: reference)")


def settings_of(args: argparse.Namespace) -> Settings:
    """Settings with the options of `add_target_arguments` on top."""
    return Settings.load({k: getattr(args, k, None) for k in ("board", "engine", "io", "tflm", "kernels", "recorder")})


def check_outputs(*paths: Path | str | None) -> None:
    """Raises UsageError when one of the result files could not be written ('-' is standard output, of one of them)."""
    if paths.count("-") > 1:
        raise UsageError("two results for standard output ('-')", hint="one of them to a file")
    for path in paths:
        if path and path != "-":
            check_writable(Path(path))


def progress(text: str) -> None:
    """What takes long, a line each, where it does not get into results."""
    print(f"{text} …", file=sys.stderr, flush=True)
