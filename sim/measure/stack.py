"""Where an image has its stack and its heap, and how deep they got: painted before the first instruction."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sim.boards import Memory
from sim.elf import Elf
from sim.engines.protocol import Layout
from sim.errors import UsageError

_LIMITS = ("__stack_limit", "__StackLimit", "_stack_limit", "__stack_end__", "_sstack", "__stack_start__")
_HEAP_STARTS = ("__heap_start", "__HeapBase", "__heap_start__", "_heap_start", "_sheap")
_ENDS = ("end", "_end", "__end__")  # of static data: where a heap begins, if there is one
_HEAP_CODE = ("sbrk", "malloc")  # in the name of a function of an image with a heap
_HEAP_ENDS = ("__heap_end", "__HeapLimit", "__heap_end__", "_heap_end", "_eheap")


@dataclass(frozen=True)
class Places:
    """Stack of main (and of interrupts, unless the image has tasks) and heap of an image; None: it has none.

    `stack_limit_known`: the image says where the stack ends; otherwise it may grow down to the heap or static data.
    """

    stack: Memory | None
    stack_limit_known: bool
    heap: Memory | None


def places(elf: Elf, layout: Layout) -> Places:
    """From symbols, sections and the vector table; for any image."""
    ram = layout.ram
    try:
        top = elf.word(layout.vectors)
    except IndexError:
        return Places(None, False, None)
    if not ram.origin < top <= ram.end or top % 4:
        return Places(None, False, None)
    static = _static_end(elf, ram, top)
    limit = _symbol(elf, _LIMITS, ram, lambda a: a < top)
    grows = any(part in name.lower() for name in elf.functions for part in _HEAP_CODE)
    start = _symbol(elf, (*_HEAP_STARTS, *(_ENDS if grows else ())), ram, lambda a: True)
    end = _symbol(elf, _HEAP_ENDS, ram, lambda a: start is not None and a > start)
    if start is not None and end is None:
        # Up to the stack above it, or to the end of RAM.
        end = (limit if limit is not None else top) if start < top else ram.end
    heap = Memory(start, end - start) if start is not None and end is not None and end > start else None
    low = limit if limit is not None else max(static, start if start is not None and start < top else 0)
    stack = Memory(low, top - low) if low < top else None
    return Places(stack, limit is not None, heap)


def checked_stack(elf: Elf, layout: Layout) -> Memory:
    """The stack that a machine with `check_stack` watches. Raises UsageError where the image does not tell."""
    found = places(elf, layout).stack
    if found is None:
        raise UsageError(
            f"{elf.path.name}: its stack cannot be checked: the vector table has no initial stack pointer in RAM",
            hint="leave the check out",
        )
    return found


def _symbol(elf: Elf, names: Iterable[str], ram: Memory, fits: Callable[[int], bool]) -> int | None:
    for name in names:
        symbol = elf.symbols.get(name)
        if symbol is None or symbol.function or not ram.origin <= symbol.address <= ram.end:
            continue
        if fits(symbol.address):
            return symbol.address
    return None


def _static_end(elf: Elf, ram: Memory, top: int) -> int:
    ends = [
        s.address + max(s.size, 1)
        for s in elf.symbols.values()
        if not s.function and s.size and ram.origin <= s.address and s.address + s.size <= top
    ]
    ends += [s.address + s.memory_size for s in elf.segments if ram.origin <= s.address < top]
    return min(top, -(-max(ends, default=ram.origin) // 4) * 4)


class Paint:
    """Known bytes in memory that nobody has used yet; what was written there later is found by comparing.

    Words that were written with just these bytes would be missed: one word in 2^32.
    """

    def __init__(self, area: Memory, write: Callable[[int, bytes], None]) -> None:
        self._area = area
        self._pattern = random.Random(area.origin).randbytes(area.size)
        write(area.origin, self._pattern)

    def lowest_used(self, now: bytes) -> int | None:
        """Address of the lowest word that was written; None: none was."""
        at = _first_difference(now, self._pattern)
        return None if at is None else (self._area.origin + at) & ~3

    def highest_used(self, now: bytes) -> int | None:
        """Address behind the highest word that was written; None: none was."""
        at = _first_difference(now[::-1], self._pattern[::-1])
        return None if at is None else ((self._area.end - at - 1) & ~3) + 4


def _first_difference(a: bytes, b: bytes) -> int | None:
    low, step = 0, 4096
    while low < len(a) and a[low : low + step] == b[low : low + step]:
        low += step
    return next((i for i in range(low, min(low + step, len(a))) if a[i] != b[i]), None)
