"""What to say when an image does not fit a board: by how many bytes, and which boards have room."""

from __future__ import annotations

import re

from sim.boards import Board, all_boards
from sim.errors import BuildError

_OVERFLOW = re.compile(r"region [`'](\w+)' overflowed by (\d+) bytes")


class Overflow(Exception):
    """The linker ran out of flash or RAM; bytes too many of each."""

    def __init__(self, flash: int, ram: int) -> None:
        super().__init__(f"flash overflowed by {flash}, RAM by {ram} bytes")
        self.flash, self.ram = flash, ram


def overflow_of(linker_text: str) -> Overflow | None:
    """What the linker says of regions that are too small; None when that is not the trouble."""
    over = {region: int(count) for region, count in _OVERFLOW.findall(linker_text)}
    return Overflow(over.get("FLASH", 0), over.get("RAM", 0)) if over else None


def does_not_fit(board: Board, what: str, *, flash: int = 0, ram: int = 0, parts: str = "") -> BuildError:
    """The error for an image that needs `flash` and `ram` bytes (0: that is not the trouble).

    `what` names the image; `parts` says what the RAM is needed for.
    """
    said = [
        f"needs {need} bytes of {name}, {board.name} has {size}: {need - size} too many"
        for name, need, size in (("flash", flash, board.flash.size), ("RAM", ram, board.ram.size))
        if need > size
    ]
    text = f"{what} does not fit: {'; '.join(said)}"
    if parts and ram > board.ram.size:
        text += f" ({parts})"
    # Nearly exact: code and arena differ a little from core to core.
    room = [
        other.name
        for other in all_boards()
        if other.name != board.name and other.flash.size >= flash and other.ram.size >= ram
    ]
    return BuildError(
        text, hint=f"boards with room: {', '.join(room)}" if room else "no board that ships has room for it"
    )
