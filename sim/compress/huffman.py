"""Huffman codes: canonical, so that a receiver needs the lengths of the codes only."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST = 31  # bits; a length is sent in five
Array = NDArray[Any]


def lengths(counts: Sequence[int]) -> list[int]:
    """Bits of each symbol's code, 0 where it never occurs; 1 where it is the only one.

    Ties are broken by the symbol's number, so equal counts give equal codes everywhere.
    """
    used = [(int(n), symbol, (symbol,)) for symbol, n in enumerate(counts) if n > 0]
    out = [0] * len(counts)
    if len(used) == 1:
        out[used[0][1]] = 1
        return out
    heap: list[tuple[int, int, tuple[int, ...]]] = list(used)
    heapq.heapify(heap)
    while len(heap) > 1:
        a, b = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in (*a[2], *b[2]):
            out[symbol] += 1
        heapq.heappush(heap, (a[0] + b[0], min(a[1], b[1]), (*a[2], *b[2])))
    if max(out, default=0) > LONGEST:  # one symbol in a million: as if it were not that rare
        return lengths([n and n // 2 + 1 for n in counts])
    return out


def codes(bits: Sequence[int]) -> list[int]:
    """The canonical code of each symbol: by length, then by number."""
    out, code, before = [0] * len(bits), 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(bits) if length):
        code <<= length - before
        out[symbol], before = code, length
        code += 1
    return out


def written(values: Array, widths: Array) -> Array:
    """Bits (uint8, 0 or 1) of `values` [n], each in `widths` [n] bits, the highest first."""
    widths = np.asarray(widths, np.int64)
    total = int(widths.sum())
    starts = np.cumsum(widths) - widths
    place = np.arange(total) - np.repeat(starts, widths)
    shift = np.repeat(widths, widths) - 1 - place
    bits = (np.repeat(np.asarray(values, np.int64), widths) >> shift) & 1
    return np.asarray(bits, np.uint8)


class Reader:
    """Bits back into numbers."""

    def __init__(self, data: bytes) -> None:
        self.bits = np.unpackbits(np.frombuffer(data, np.uint8)).tolist()
        self.at = 0

    def number(self, width: int) -> int:
        value = 0
        for bit in self.bits[self.at : self.at + width]:
            value = value << 1 | bit
        self.at += width
        return value

    def symbol(self, table: dict[tuple[int, int], int]) -> int:
        """The next symbol; `table`: (length, code) -> symbol."""
        code = length = 0
        while True:
            code, length = code << 1 | self.bits[self.at], length + 1
            self.at += 1
            if (length, code) in table:
                return table[length, code]


def table(bits: Sequence[int]) -> dict[tuple[int, int], int]:
    """For `Reader.symbol`."""
    return {(length, code): s for s, (length, code) in enumerate(zip(bits, codes(bits), strict=True)) if length}
