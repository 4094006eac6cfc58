"""`boardless init`: write a small project of one's own."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from sim import project
from sim.boards import Board, all_boards
from sim.errors import UsageError
from sim.model import Model
from sim.paths import data_root
from sim.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", help="where to (default: here); made when not there")
    parser.add_argument("--model", metavar="FILE", help="a .tflite of your own to test (default: the gesture app)")
    parser.add_argument("--board", metavar="B", help="the board (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write what was made as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    board = Board.load(args.board or Settings().board)
    model = None
    if args.model:
        loaded = Model.load(args.model)  # refused here rather than by the project's first test
        model = (Path(args.model).name, loaded.data)
    elif "imu" not in board.parts:
        with_imu = ", ".join(b.name for b in all_boards() if "imu" in b.parts)
        raise UsageError(
            f"board {board.name} has no motion sensor (imu), which the gesture example needs",
            hint=f"boards with one: {with_imu}; or give a model of your own with --model",
        )
    plan = project.plan(Path(args.folder), board=_as_setting(board, Path(args.folder)), model=model)
    files = project.write(plan)
    if args.json != "-":
        for path in files:
            print(f"wrote {path}")
        print("\nNow:")
        if args.folder != ".":
            print(f"  cd {shlex.quote(args.folder)}")
        print("  pytest")
    if args.json:
        from sim.report import json_out

        data = {
            "folder": str(plan.folder),
            "board": board.name,
            "kind": plan.kind,
            "files": sorted(plan.files),
        }
        json_out.write("init", data, args.json)
    return 0


def _as_setting(board: Board, folder: Path) -> str:
    """The board as the project's settings name it: a shipped one by name, one's own by the way there."""
    if board.folder.parent == (data_root() / "platforms").resolve():
        return board.name
    way = os.path.relpath(board.folder, folder.resolve())
    return way if "/" in way else f"./{way}"
