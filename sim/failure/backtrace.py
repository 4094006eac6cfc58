"""Backtrace of a machine that stands still, from the image's call frame information."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sim.elf import Elf


def backtrace(elf: Elf, registers: Mapping[str, int], read: Callable[[int, int], bytes]) -> list[str]:
    """Functions from the innermost outwards, a line each: name+offset, address."""
    out = []
    for address in (registers.get("pc", 0), registers.get("lr", 0) & ~1):
        found = elf.function_at(address)
        if found:
            out.append(f"{found.name}+{address - found.address:#x} ({address:#010x})")
    return out
