"""The part of the shared file about the stack. Offsets are those of probe/stack.h."""

from __future__ import annotations

import struct
from mmap import mmap

from sim.boards import Memory

_AT = 1152
_AREA = struct.Struct("<IIIIIIII")


def write(file: mmap, stack: Memory, ram: Memory) -> None:
    """Ask for a look at every store."""
    _AREA.pack_into(file, _AT, 1, ram.origin, stack.origin, stack.end, stack.end, 0, 0, 0)


def lowest(file: mmap) -> int:
    """The lowest address of the stack that was written; its end when none was."""
    return int(_AREA.unpack_from(file, _AT)[4])


def left(file: mmap) -> tuple[int, int]:
    """(address, pc) of the store that left the stack; zeros: none did."""
    area = _AREA.unpack_from(file, _AT)
    return area[5], area[6]
