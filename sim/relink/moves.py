"""What moves where: the board's flash and RAM to those of its twin."""

from __future__ import annotations

from dataclasses import dataclass

from sim.boards import Board, Memory
from sim.engines.protocol import Layout

SIZES_BELOW = 0x0100_0000  # a number below it, in a flash that begins at 0, may be a size as well


@dataclass(frozen=True)
class Moves:
    """Two memories of a board and how far each is moved, in bytes."""

    flash: Memory
    ram: Memory
    flash_by: int
    ram_by: int

    @staticmethod
    def of(board: Board, layout: Layout) -> Moves:
        """From the board's own addresses to those of its twin."""
        flash, ram = board.flash, board.ram
        return Moves(flash, ram, layout.flash.origin - flash.origin, layout.ram.origin - ram.origin)

    def by(self, address: int, size: int = 0) -> int | None:
        """How far these bytes move; None: they are in neither memory. An address may be the end of a memory."""
        for memory, by in ((self.flash, self.flash_by), (self.ram, self.ram_by)):
            if memory.origin <= address and address + size <= memory.end:
                return by
        return None

    @property
    def text(self) -> str:
        """For messages: the board's memories."""
        return (
            f"flash {self.flash.origin:#010x} to {self.flash.end:#010x}, "
            f"RAM {self.ram.origin:#010x} to {self.ram.end:#010x}"
        )
