"""Where calls of an image can return to, for the probe: it looks for the end of a region only there."""

from __future__ import annotations

import struct

import numpy as np

from sim.elf import Elf

HEADER = struct.Struct("<III")  # lowest address, bytes covered, offset of the bits (struct call_map in probe.c)


def return_addresses(elf: Elf) -> tuple[int, int, bytes]:
    """(lowest address, bytes covered, one bit a halfword) of the largest segment that is executed in place.

    Set is every place behind a BL, BLX or SVC (Armv7-M ARM A7.7.18, A7.7.19, A7.7.178), and by chance behind data
    that looks like one, which costs time and nothing else. Addresses that are not covered count as set.
    """
    segment = max(elf.segments, key=lambda s: len(s.data))
    half = np.frombuffer(segment.data, dtype="<u2", count=len(segment.data) // 2)
    after = np.zeros(len(half) + 1, dtype=bool)
    after[1:] |= ((half & 0xFF87) == 0x4780) | ((half & 0xFF00) == 0xDF00)
    after[2:] |= ((half[:-1] & 0xF800) == 0xF000) & ((half[1:] & 0xD000) == 0xD000)
    bits = np.packbits(after[: len(half)], bitorder="little")
    return segment.load_address, 2 * len(half), bits.tobytes()
