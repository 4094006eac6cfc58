"""Whether an image lies where the board has memory: an image for another memory map only ever locks up."""

from __future__ import annotations

from sim.boards import Board, Memory
from sim.elf import Elf
from sim.engines.protocol import Layout
from sim.errors import UsageError

_BOOT = 1024  # bytes at the place of the vector table, where that is not the flash


def check_placed(elf: Elf, board: Board, layout: Layout) -> None:
    """Raises UsageError for an image that is linked for other addresses, or is too large for the board."""
    places = [layout.flash, layout.ram, Memory(layout.vectors, _BOOT)]
    for segment in elf.segments:
        loaded = (segment.load_address, segment.load_address + len(segment.data))
        used = (segment.address, segment.address + segment.memory_size)
        for start, end in (loaded, used):
            if start != end and not any(p.origin <= start and end <= p.end for p in places):
                raise UsageError(
                    f"{elf.path.name}: {start:#010x} to {end:#010x} is not memory of {board.name}, which "
                    f"{layout.machine} plays: flash {_span(layout.flash)}, RAM {_span(layout.ram)}",
                    hint="link it for these addresses (docs/port.md), or choose the board it is for",
                )


def _span(memory: Memory) -> str:
    return f"{memory.origin:#010x} to {memory.end:#010x}"
