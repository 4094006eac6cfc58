"""The parts of the shared file about registers and watched memory. Offsets are those of probe/steer.h and access.h."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from mmap import mmap

from sim.engines.protocol import Access, WatchedMemory

REGISTERS, MOVE, TAKE_RAM = b"g", b"j", b"m"  # requests to the probe
_READS, _LEAVES = 1, 2
_STEER_AT = 1536
_HEAD = struct.Struct("<IIQQ")  # able, refused, host, size
_CORE = struct.Struct("<16I")
_ACCESS_AT = 1664
_ACCESSES = struct.Struct("<IIII")  # on, at, max, count
_RANGE = struct.Struct("<IIIII")  # low, size, mode, left, dropped
_ACCESS = struct.Struct("<QQQIIII")
_READ, _WRITE, _STOP = 1, 2, 4
RANGES = 8
ROOM = 1 << 16  # accesses that are noted between two looks
ROOM_BYTES = ROOM * _ACCESS.size


class SteerArea:
    """What the probe can do with a core that stands still, and what it noted of watched memory."""

    def __init__(self, file: mmap, accesses_at: int) -> None:
        """`accesses_at`: offset in the file with ROOM_BYTES for them."""
        self._file, self._at = file, accesses_at
        _ACCESSES.pack_into(file, _ACCESS_AT, 0, accesses_at, ROOM, 0)

    @property
    def can_move(self) -> bool:
        """Whether the core can go on elsewhere with this QEMU on this host."""
        return bool(_HEAD.unpack_from(self._file, _STEER_AT)[0] & _LEAVES)

    @property
    def refused(self) -> bool:
        """Whether the last request could not be done."""
        return bool(_HEAD.unpack_from(self._file, _STEER_AT)[1])

    def set_ram(self, host: int, size: int) -> None:
        """For TAKE_RAM: where in QEMU's memory the machine has its RAM."""
        able = _HEAD.unpack_from(self._file, _STEER_AT)[0]
        _HEAD.pack_into(self._file, _STEER_AT, able, 0, host, size)

    @property
    def core(self) -> tuple[int, ...]:
        """r0 to r15, as the probe gave them."""
        return _CORE.unpack_from(self._file, _STEER_AT + _HEAD.size)

    @core.setter
    def core(self, registers: Sequence[int]) -> None:
        _CORE.pack_into(self._file, _STEER_AT + _HEAD.size, *registers)

    # ---- watched memory ----

    def look(self, on: bool) -> None:
        """Code that is translated from now on tells of its accesses, and of the beginning of every block."""
        struct.pack_into("<I", self._file, _ACCESS_AT, on)

    def watch(self, places: Sequence[WatchedMemory]) -> None:
        """Watch these places instead of those before."""
        for i in range(RANGES):
            at = _ACCESS_AT + _ACCESSES.size + i * _RANGE.size
            if i < len(places):
                p = places[i]
                mode = _READ * p.reads | _WRITE * p.writes | _STOP * p.stop
                _RANGE.pack_into(self._file, at, p.memory.origin, p.memory.size, mode, p.most, 0)
            else:
                _RANGE.pack_into(self._file, at, 0, 0, 0, 0, 0)

    def accesses(self) -> list[Access]:
        """Those noted since the last call."""
        count = _ACCESSES.unpack_from(self._file, _ACCESS_AT)[3]
        out = []
        for i in range(count):
            instructions, cycles, value, pc, address, size, place = _ACCESS.unpack_from(
                self._file, self._at + i * _ACCESS.size
            )
            length = size & 0x7FFFFFFF
            out.append(Access(place, instructions, cycles, pc, address, length, bool(size >> 31), value))
        if count:
            struct.pack_into("<I", self._file, _ACCESS_AT + 12, 0)
        return out

    def dropped(self) -> list[int]:
        """Of each place, how many accesses were not noted."""
        start = _ACCESS_AT + _ACCESSES.size
        return [int(_RANGE.unpack_from(self._file, start + i * _RANGE.size)[4]) for i in range(RANGES)]
