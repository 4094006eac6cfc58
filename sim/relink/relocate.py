"""The words of an image that hold addresses, moved: by the relocations that `ld --emit-relocs` leaves in it.

Types and operations: ELF for the Arm Architecture (IHI 0044), 5.6. What is relative to the place where it stands
stays as it is as long as both ends move alike.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sim.errors import UsageError
from sim.relink.instruction import branch_offset, immediate, with_immediate

_NONE, _ABS32, _REL32, _ABS16, _ABS8, _TARGET1, _V4BX, _TARGET2, _PREL31 = 0, 2, 3, 5, 8, 38, 40, 41, 42
_MOVW, _MOVT = 47, 48
_WORDS = {_ABS32, _TARGET1}
_RELATIVE_WORDS = {_REL32, _TARGET2, _PREL31}
_FAR = {10, 30}  # BL and B.W, which the linker sends to a jump of its own where the target is too far
# Thumb BL, B.W, conditional branches, CBZ, LDR of a literal, ADR, MOVW and MOVT relative to the place.
_RELATIVE_CODE = {10, 11, 30, 49, 50, 51, 52, 53, 54, 102, 103}


@dataclass(frozen=True)
class Section:
    """A section of the image: where it is used, where its bytes are in the file, and how far it moves."""

    name: str
    address: int
    size: int
    at: int  # in the file
    loaded: bool
    by: int


@dataclass(frozen=True)
class Target:
    """What a relocation refers to. `by`: how far that moves."""

    name: str
    value: int
    by: int


def relocated(image: bytearray, where: Section, offset: int, kind: int, target: Target) -> None:
    """Change the place of one relocation. `offset`: the place in the section. Raises UsageError."""
    at = where.at + offset
    if kind in (_NONE, _V4BX, _ABS8, _ABS16):
        return  # bits that cannot hold an address
    if kind in _WORDS:
        _add(image, at, target.by)
    elif kind in _RELATIVE_WORDS:
        _add_relative(image, at, kind, target.by - where.by)
    elif kind == _MOVW:
        first, second = struct.unpack_from("<HH", image, at)
        value = immediate(first, second) + target.by & 0xFFFF
        struct.pack_into("<HH", image, at, *with_immediate(first, second, value))
    elif kind == _MOVT:
        _move_upper(image, at, where, offset, target)
    elif kind not in _RELATIVE_CODE:
        raise UsageError(
            f"{where.name} has a relocation of type {kind} at {where.address + offset:#010x}, which is not known here",
            hint="link it again from its objects: boardless relink ... -- LINK COMMAND",
        )
    elif target.by != where.by and not (kind in _FAR and _goes_near(image, at, offset, where)):
        raise UsageError(
            f"{where.name}, {where.address + offset:#010x}: code jumps to {target.name}, which moves otherwise",
            hint="link it again from its objects: boardless relink ... -- LINK COMMAND",
        )


def _goes_near(image: bytearray, at: int, offset: int, where: Section) -> bool:
    """Whether a call stays in its section: the linker has put a jump there (see `image._move_unmarked`)."""
    to = offset + branch_offset(*struct.unpack_from("<HH", image, at))
    return 0 <= to < where.size


def _add(image: bytearray, at: int, by: int) -> None:
    struct.pack_into("<I", image, at, struct.unpack_from("<I", image, at)[0] + by & 0xFFFFFFFF)


def _add_relative(image: bytearray, at: int, kind: int, by: int) -> None:
    word = struct.unpack_from("<I", image, at)[0]
    if kind == _TARGET2 and by and not word:
        return  # no type information there
    kept = word & 0x80000000 if kind == _PREL31 else 0
    mask = 0x7FFFFFFF if kind == _PREL31 else 0xFFFFFFFF
    struct.pack_into("<I", image, at, kept | word + by & mask)


def _move_upper(image: bytearray, at: int, where: Section, offset: int, target: Target) -> None:
    first, second = struct.unpack_from("<HH", image, at)
    upper, by = immediate(first, second), target.by
    if by & 0xFFFF:
        # The lower half is in another instruction; without an offset it is that of the target itself.
        if upper != target.value >> 16:
            raise UsageError(
                f"{where.name}, {where.address + offset:#010x}: MOVT of {target.name} with an offset, and the image "
                f"moves by {by:#x}, no multiple of 64 KB",
                hint="link it again from its objects: boardless relink ... -- LINK COMMAND",
            )
        upper = (target.value + by & 0xFFFFFFFF) >> 16
    else:
        upper = upper + (by >> 16) & 0xFFFF
    struct.pack_into("<HH", image, at, *with_immediate(first, second, upper))
