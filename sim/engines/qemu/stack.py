"""The part of the shared file about the stack. Offsets are those of probe/stack.h."""

from __future__ import annotations

import struct
from mmap import mmap

from sim.boards import Memory
from sim.engines.observed import StackWritten

_AT = 1152
_AREA = struct.Struct("<12I")


def write(file: mmap, stack: Memory, ram: Memory) -> None:
    """Ask for a look at every store."""
    _AREA.pack_into(file, _AT, 1, ram.origin, stack.origin, stack.end, stack.end, 0, 0, 0, stack.end, 0, 0, 0)


def written(file: mmap) -> StackWritten:
    """What was stored to the stack so far."""
    area = _AREA.unpack_from(file, _AT)
    return StackWritten(lowest=area[4], main=area[8], interrupts=area[9])


def left(file: mmap) -> tuple[int, int]:
    """(address, pc) of the store that left the stack; zeros: none did."""
    area = _AREA.unpack_from(file, _AT)
    return area[5], area[6]
