"""Weights as Han et al. 2015, "Deep Compression", send them: sparse, shared, Huffman-coded.

A tensor becomes one string of bits (`encode`), out of which `decode` makes the very same values:

    kind, 4 bits       dense, or sparse with relative indices of that many bits
    shared, 1 bit      values by their number in a code book, or as they are
    entries, 32 bits   how many follow
    code book          16 bits its size, then each value; 5 bits a symbol for the length of its Huffman code
    gaps               sparse: 5 bits a symbol for the length of its code, then the code of each entry's gap
    values             the code of each entry, or the value itself

A gap is how many zeros lie before the entry; the largest that its bits allow means "as many zeros, and no entry yet"
(the paper sends a zero there, this a gap only). Of all kinds the shortest is taken, a tensor at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compress.huffman import Reader, codes, lengths, table, written

Array = NDArray[Any]
INDEX_BITS = (1, 2, 3, 4, 5, 6, 7, 8)
_MOST = 4096  # values in a code book; beyond that a code is no shorter than the value


@dataclass(frozen=True)
class Coded:
    """A tensor of `count` values as bytes. `index_bits`: None where it is dense; bits of each part."""

    data: bytes
    count: int
    entries: int
    index_bits: int | None
    shared: bool
    head: int
    book: int
    gaps: int
    values: int


def encode(symbols: Array, book: Array) -> Coded:
    """`symbols` [n]: 0 for a zero, i + 1 for `book[i]`; `book` [k] float32 or int8. The shortest of all codings."""
    symbols = np.asarray(symbols, np.int64).ravel()
    kinds: list[int | None] = [None]
    if (symbols == 0).any():
        kinds += INDEX_BITS
    tried = [_encode(symbols, book, kind, shared) for kind in kinds for shared in (True, False)]
    return min((t for t in tried if t is not None), key=lambda t: len(t.data))


def of_values(values: Array) -> Coded:
    """The same for values [...] with a code book of their own."""
    flat = np.asarray(values).ravel()
    book = np.unique(flat[flat != 0])
    symbols = np.where(flat == 0, 0, np.searchsorted(book, flat) + 1) if len(book) else np.zeros(len(flat), np.int64)
    return encode(symbols, book)


def _encode(symbols: Array, book: Array, kind: int | None, shared: bool) -> Coded | None:
    if shared and len(book) > _MOST:
        return None
    entries, gaps = (symbols, np.zeros(0, np.int64)) if kind is None else _relative(symbols, kind)
    head = written(np.array([kind or 0, int(shared), len(gaps) if kind else len(entries)]), np.array([4, 1, 32]))
    parts = [head]
    # The value 0 is a symbol only where all values are sent.
    first = 0 if kind is None else 1
    if shared:
        sizes = lengths(np.bincount(entries, minlength=len(book) + 1)[first:].tolist())
        stored = np.unpackbits(np.frombuffer(_little(book), np.uint8))
        parts += [written(np.array([len(book)]), np.array([16])), stored, written(np.array(sizes), _fives(sizes))]
    book_bits = sum(len(p) for p in parts[1:])
    gap_bits = 0
    if kind is not None:
        gap_sizes = lengths(np.bincount(gaps, minlength=1 << kind).tolist())
        found = [written(np.array(gap_sizes), _fives(gap_sizes)), _coded(gaps, gap_sizes)]
        gap_bits = sum(len(p) for p in found)
        parts += found
    if shared:
        values = _coded(entries - first, sizes)
    else:
        table_ = np.concatenate([np.zeros(1, book.dtype), book])
        values = np.unpackbits(np.frombuffer(_little(table_[entries]), np.uint8))
    parts.append(values)
    data = np.packbits(np.concatenate(parts)).tobytes()
    return Coded(data, len(symbols), len(entries), kind, shared, len(head), book_bits, gap_bits, len(values))


def _relative(symbols: Array, bits: int) -> tuple[Array, Array]:
    """Entries that are not zero, and gaps: as many as entries, and one more for each stretch without an entry."""
    at = np.flatnonzero(symbols)
    zeros = np.diff(at, prepend=-1) - 1
    most = (1 << bits) - 1
    stretches = zeros // most
    gaps = np.full(int((stretches + 1).sum()), most, np.int64)
    gaps[np.cumsum(stretches + 1) - 1] = zeros % most
    return symbols[at], gaps


def _coded(symbols: Array, sizes: list[int]) -> Array:
    if not len(symbols):
        return np.zeros(0, np.uint8)
    return written(np.array(codes(sizes))[symbols], np.array(sizes)[symbols])


def _fives(sizes: list[int]) -> Array:
    return np.full(len(sizes), 5)


def _little(values: Array) -> bytes:
    return bytes(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes())


def decode(data: bytes, count: int, dtype: str) -> tuple[Array, Array]:
    """(symbols [count], values [count] of `dtype`) of what `encode` gave; without a code book symbols are empty."""
    reader = Reader(data)
    kind, shared, entries = reader.number(4), reader.number(1), reader.number(32)
    kind_of = np.dtype(dtype).newbyteorder("<")
    wide = kind_of.itemsize * 8
    book, value_table = np.zeros(1, kind_of), {}
    first = 1 if kind else 0
    if shared:
        size = reader.number(16)
        raw = bytes(reader.number(8) for _ in range(size * kind_of.itemsize))
        book = np.concatenate([book, np.frombuffer(raw, kind_of)])
        value_table = table([reader.number(5) for _ in range(size + 1 - first)])
    places = list(range(entries))
    if kind:
        gap_table = table([reader.number(5) for _ in range(1 << kind)])
        most, at, places = (1 << kind) - 1, 0, []
        for _ in range(entries):
            gap = reader.symbol(gap_table)
            at += gap
            if gap < most:
                places.append(at)
                at += 1
    symbols, values = np.zeros(count, np.int64), np.zeros(count, kind_of)
    for place in places:
        if shared:
            symbols[place] = reader.symbol(value_table) + first
            values[place] = book[symbols[place]]
        else:
            raw = bytes(reader.number(8) for _ in range(wide // 8))
            values[place] = np.frombuffer(raw, kind_of)[0]
    return (symbols if shared else np.zeros(0, np.int64)), values
