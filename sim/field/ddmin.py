"""Delta debugging: the fewest of some items with which something still holds (Zeller, Hildebrandt: TSE 2002, ddmin).

Written here and not taken from a library: picire (the one on PyPI) takes whichever of its parallel trials ends first,
so that its result depends on the host. Here it does not: candidates are tried in order, some at a time, and the first
of them in that order counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
# The index of the first candidate that holds, None where none does.
First = Callable[[Iterable[Sequence[T]]], int | None]


def ddmin(items: Sequence[T], first: First[T], *, singly: bool = False) -> list[T]:
    """1-minimal: without any one of what is left it does not hold. It must hold for `items`.

    `singly`: single items from the beginning, where larger pieces have been tried before.
    """
    left, offset = list(items), 0
    parts = len(left) if singly else 2
    if left and first([[]]) is not None:
        return []
    while len(left) >= 2:
        parts = min(parts, len(left))
        pieces = split(left, parts)
        order = [(offset + i) % parts for i in range(parts)]
        found = first(joined(pieces[:i] + pieces[i + 1 :]) for i in order)
        if found is not None:
            gone = order[found]
            left = joined(pieces[:gone] + pieces[gone + 1 :])
            parts, offset = max(parts - 1, 2), gone % max(parts - 1, 1)
        elif parts == len(left):
            break
        else:
            # Not nearly single items and then single ones: both cost the same.
            parts, offset = parts * 2 if parts * 4 <= len(left) else len(left), 0
    return left


def split(items: Sequence[T], parts: int) -> list[list[T]]:
    """In that many pieces of nearly one length."""
    return [list(items[len(items) * i // parts : len(items) * (i + 1) // parts]) for i in range(parts)]


def joined(pieces: Iterable[Sequence[T]]) -> list[T]:
    """One list of all."""
    return [item for piece in pieces for item in piece]


def longest_needed(length: int, holds: First[int]) -> int:
    """About how many of the last items it takes: 1, 2, 4, ..., the first that holds; at most `length`."""
    sizes = []
    size = 1
    while size < length:
        sizes.append(size)
        size *= 2
    found = holds([list(range(length - size, length)) for size in sizes])
    return length if found is None else sizes[found]
