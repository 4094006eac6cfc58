"""The image's code as the probe gets it: it looks there for what can be known before code runs (probe/codemap.h)."""

from __future__ import annotations

import struct

from sim.elf import Elf

HEADER = struct.Struct("<III")  # lowest address, bytes covered, their offset in the shared file (struct code_area)


def code_of(elf: Elf) -> tuple[int, bytes]:
    """(address, bytes) of the segment that holds most functions and is executed in place."""
    starts = sorted(elf.functions.values())

    def functions(low: int, size: int) -> int:
        return sum(low <= start < low + size for start in starts)

    segment = max(elf.segments, key=lambda s: (functions(s.load_address, len(s.data)), len(s.data)))
    return segment.load_address, segment.data[: len(segment.data) & ~1]
