"""What to say when an image does not fit a board: by how many bytes, and which boards have room."""

from __future__ import annotations

import re

from sim.boards import Board, all_boards
from sim.errors import BuildError

_OVERFLOW = re.compile(r"region [`'](\w+)' overflowed by (\d+) bytes")


def overflow_of(linker_text: str) -> dict[str, int]:
    """Region -> bytes too many, as the linker says."""
    return {region: int(count) for region, count in _OVERFLOW.findall(linker_text)}


def does_not_fit(board: Board, over: dict[str, int], what: str, parts: str = "") -> BuildError:
    """The error for an image that is `over` bytes too large in FLASH, RAM or both.

    `what` names the image; `parts` says what the RAM is needed for.
    """
    need = {
        "FLASH": board.flash.size + over.get("FLASH", 0),
        "RAM": board.ram.size + over.get("RAM", 0),
    }
    said = [
        f"{name} {need[region]} bytes needed, {board.name} has {size}: {over[region]} too many"
        for region, name, size in (("FLASH", "flash", board.flash.size), ("RAM", "RAM", board.ram.size))
        if over.get(region)
    ]
    text = f"{what} does not fit {board.name}: {'; '.join(said)}"
    if parts and over.get("RAM"):
        text += f" ({parts})"
    # What fits is certain; what does not, only nearly: code and arena differ a little from core to core.
    room = [
        other.name
        for other in all_boards()
        if other.name != board.name
        and (other.flash.size >= need["FLASH"] or not over.get("FLASH"))
        and (other.ram.size >= need["RAM"] or not over.get("RAM"))
    ]
    hint = f"room enough for it: {', '.join(room)}" if room else "no board that ships has room for it"
    return BuildError(text, hint=hint)
