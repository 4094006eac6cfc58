"""Whether an image could read a timer of the core, or enable an interrupt: by the addresses in its code.

Compilers write an address as a word in a literal pool, as a pair of movw and movt, or as `mov Rd, #0xE000E000` with the
rest of it as offset of a load or store. (Arm DDI 0403E: A5.3.2 for the constant, A7.7 for the encodings.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_BASE = 0xE000E000
_SYSTICK = range(0xE000E010, 0xE000E020, 4)
_ENABLE = range(0xE000E100, 0xE000E140, 4)  # interrupts
# SysTick, the interrupt controller, the cycle counter (DWT).
WORDS = frozenset({_BASE, 0xE000E004, 0xE000E100, 0xE0001000, 0xE0001004, *_SYSTICK})
_OFFSETS = frozenset(address - _BASE for address in (*_SYSTICK, *_ENABLE))

_MOV = re.compile(rb"\x4f\xf0\xe0[\x20-\x2e]")  # mov Rd, #0xE000E000
_MOVT = re.compile(rb"\xce\xf2\x00[\x00-\x0e]")  # movt Rd, #0xE000
_NEAR = 32  # halfwords between an address and its use, or between its halves


def has_timer_address(code: bytes) -> bool:
    """Whether one of `WORDS` is in these bytes of an image, which begin at a multiple of 4."""
    words = memoryview(code)[: len(code) // 4 * 4].cast("I")
    if not WORDS.isdisjoint(words):
        return True
    halves = memoryview(code)[: len(code) // 2 * 2].cast("H")
    for found in _MOV.finditer(code):
        at = found.start() // 2
        if found.start() % 2 == 0 and _is_used(halves, at + 2, halves[at + 1] >> 8 & 15):
            return True
    return any(f.start() % 2 == 0 and _pair_is_one(halves, f.start() // 2) for f in _MOVT.finditer(code))


def _pair_is_one(halves: Sequence[int], movt: int) -> bool:
    """The movw in front of a movt of the same register."""
    register = halves[movt + 1] >> 8 & 15
    for at in range(movt - 2, max(movt - _NEAR, -1), -1):
        first, second = halves[at], halves[at + 1]
        if first & 0xFBF0 == 0xF240 and second >> 8 & 15 == register:
            low = (first & 15) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF
            address = 0xE0000000 | low
            if address == _BASE:
                return _is_used(halves, movt + 2, register)
            return address in WORDS or address in _ENABLE
    return False


def _is_used(halves: Sequence[int], start: int, register: int) -> bool:
    """Whether a load or store behind it goes to a timer, or to an enable register of interrupts."""
    for at in range(start, min(start + _NEAR, len(halves) - 1)):
        first, second = halves[at], halves[at + 1]
        if first & 0xF000 == 0x6000 and first >> 3 & 7 == register and (first >> 6 & 31) * 4 in _OFFSETS:
            return True  # ldr, str Rt, [Rn, #imm5 * 4]
        if first & 0xFFEF == 0xF8C0 | register and second & 0xFFF in _OFFSETS:
            return True  # ldr.w, str.w Rt, [Rn, #imm12]
        if first & 0xFFEF == 0xE9C0 | register and (second & 0xFF) * 4 in _OFFSETS:
            return True  # ldrd, strd Rt, Rt2, [Rn, #imm8 * 4]
    return False
