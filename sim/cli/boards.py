"""`boardless boards`: the boards there are, and where each figure is from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from sim.boards import Board, all_boards, board_folders
from sim.energy.power import Power
from sim.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", nargs="*", help="a name, or the folder of a board of your own (default: all)")
    parser.add_argument("--sources", action="store_true", help="where each figure is from")
    parser.add_argument("--json", metavar="FILE", help="write the boards as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    folders = board_folders(Settings.load())
    boards = [Board.load(name, folders) for name in args.board] if args.board else all_boards(folders)
    if args.json != "-":
        print("\n\n".join(sources(b) for b in boards) if args.sources else table(boards))
    if args.json:
        from sim.report import json_out

        json_out.write("boards", {"boards": [as_json(b) for b in boards]}, args.json)
    return 0


def table(boards: Sequence[Board]) -> str:
    """A line a board, columns aligned; what is unverified is named below."""
    rows = [("name", "title", "core", "clock", "flash", "RAM", "parts")]
    for b in boards:
        parts = ", ".join(f"{slot} {name}" for slot, name in b.parts.items()) or "-"
        core = b.core + (" + FPU" if b.fpu != "none" else "") + (" + MVE" if b.mve else "")
        rows.append((b.name, b.title, core, _hz(b.clock_hz), _bytes(b.flash.size), _bytes(b.ram.size), parts))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    doubtful = [f"{b.name}: {', '.join(b.unverified)}" for b in boards if b.unverified]
    if doubtful:
        lines += ["", "unverified (so is every result that rests on it):", *(f"  {line}" for line in doubtful)]
    return "\n".join(lines)


def sources(board: Board) -> str:
    """Each figure of one board with its kind of source and text."""
    lines = [f"{board.name}: {board.title}"]
    for key, source in board.sources.items():
        lines.append(f"  {key:<18}{_value(board, key):<24}{source.kind:<11} {source.text}")
    if board.power is not None:
        said = {"power.volts": f"{board.power.volts:g} V", "power.active_ma": f"{board.power.active_ma:g} mA",
                "power.sleep_ma": f"{board.power.sleep_ma:g} mA"}  # fmt: skip
        for key, source in board.power.sources.items():
            lines.append(f"  {key:<18}{said[key]:<24}{source.kind:<11} {source.text}")
    return "\n".join(lines)


def as_json(board: Board) -> dict[str, Any]:
    """As in report/schemas/boards.json."""
    return {
        "name": board.name,
        "title": board.title,
        "core": board.core,
        "fpu": board.fpu,
        "mve": board.mve,
        "clock_hz": board.clock_hz,
        "flash": {"origin": board.flash.origin, "size": board.flash.size},
        "ram": {"origin": board.ram.origin, "size": board.ram.size},
        "parts": dict(board.parts),
        "power": None if board.power is None else _power(board.power),
        "sources": {key: {"kind": s.kind, "text": s.text} for key, s in board.sources.items()},
        "unverified": list(board.unverified),
    }


def _power(power: Power) -> dict[str, Any]:
    return {
        "volts": power.volts,
        "active_ma": power.active_ma,
        "sleep_ma": power.sleep_ma,
        "sleep_mode": power.sleep_mode,
        "sources": {key: {"kind": s.kind, "text": s.text} for key, s in power.sources.items()},
        "unverified": list(power.unverified),
    }


def _value(board: Board, key: str) -> str:
    if key.startswith("parts."):
        return board.parts[key.removeprefix("parts.")]
    return {
        "board.core": board.core + (" + MVE" if board.mve else ""),
        "board.fpu": board.fpu,
        "clock.hz": _hz(board.clock_hz),
        "flash.origin": f"{board.flash.origin:#010x}",
        "flash.size": _bytes(board.flash.size),
        "ram.origin": f"{board.ram.origin:#010x}",
        "ram.size": _bytes(board.ram.size),
    }[key]


def _hz(hz: int) -> str:
    return f"{hz / 1_000_000:g} MHz"


def _bytes(size: int) -> str:
    """KB as all data sheets of microcontrollers count them: 1024 bytes."""
    return f"{size // (1 << 20)} MB" if size % (1 << 20) == 0 else f"{size / 1024:g} KB"
