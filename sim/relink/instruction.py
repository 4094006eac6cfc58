"""What Thumb instructions say of addresses (Armv7-M ARM, chapter A7.7)."""

from __future__ import annotations


def immediate(first: int, second: int) -> int:
    """The 16 bits in MOVW (A7.7.76, T3) and MOVT (A7.7.79, T1): imm4:i:imm3:imm8 of the two halfwords."""
    return (first & 15) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF


def with_immediate(first: int, second: int, value: int) -> tuple[int, int]:
    """The two halfwords with other 16 bits in them."""
    first = first & ~0x040F | value >> 12 & 15 | (value >> 11 & 1) << 10
    return first, second & ~0x70FF | (value >> 8 & 7) << 12 | value & 0xFF


def branch_offset(first: int, second: int) -> int:
    """How far BL (A7.7.18, T1) and B.W (A7.7.12, T4) go from the place of the instruction."""
    sign = first >> 10 & 1
    high, low = (1 ^ bit ^ sign for bit in (second >> 13 & 1, second >> 11 & 1))
    value = high << 23 | low << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    return value - (sign << 24) + 4
