"""Options that several commands share."""

from __future__ import annotations

import argparse

from sim.settings import KERNELS, Settings


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that choose board, engine and tree; the same for every command that runs something."""
    parser.add_argument("--board", "-b", help="name, or folder with a board.toml")
    parser.add_argument("--engine", "-e", help="engine that plays the board (default: qemu)")
    parser.add_argument("--tflm", metavar="PATH", help="TFLM tree to build from (default: the pinned one)")
    parser.add_argument("--kernels", choices=KERNELS, help="kernels of the tree (default: reference)")


def settings_of(args: argparse.Namespace) -> Settings:
    """Settings with the options of `add_target_arguments` on top."""
    return Settings.load({k: getattr(args, k, None) for k in ("board", "engine", "tflm", "kernels")})
