"""Huffman codes, relative indices and code books against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sim.compress.coding import decode, encode, of_values
from sim.compress.huffman import codes, lengths, written
from sim.compress.size import numbered


def test_lengths_of_the_textbook():
    """Cormen et al., the code of a to f with counts 45, 13, 12, 16, 9, 5."""
    assert lengths([45, 13, 12, 16, 9, 5]) == [1, 3, 3, 3, 4, 4]


@pytest.mark.parametrize(("counts", "bits"), [([], []), ([0, 0], [0, 0]), ([0, 7], [0, 1]), ([1, 1], [1, 1])])
def test_lengths_of_few_symbols(counts, bits):
    assert lengths(counts) == bits


def test_no_length_needs_more_than_five_bits():
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    bits = lengths(fibonacci)
    assert max(bits) <= 31
    assert sum(2.0**-b for b in bits) == 1.0  # Kraft: no code is wasted


def test_canonical_codes():
    assert codes([1, 3, 3, 3, 4, 4]) == [0b0, 0b100, 0b101, 0b110, 0b1110, 0b1111]
    assert written(np.array([0b101, 0b0]), np.array([3, 1])).tolist() == [1, 0, 1, 0]


def test_a_dense_tensor_by_hand():
    """400 values, half of them zero, one bit each: 37 bits of head, 16 + 8 + 2 * 5 of code book, then 0, 1, 1, 0, ...

    Sparse, the 200 others would take a bit each, and their gaps (0, 1, 2) as much again.
    """
    coded = of_values(np.array([0, 5, 5, 0] * 100, np.int8))
    assert (coded.index_bits, coded.shared, coded.head, coded.book, coded.values) == (None, True, 37, 34, 400)
    assert len(coded.data) == -(-471 // 8)


def test_a_sparse_tensor_by_hand():
    """1000 values, not zero at 0, 1 and 998. With eight bits an index: gaps 0, 0, three full stretches of 255, 231."""
    values = np.zeros(1000, np.float32)
    values[[0, 1, 998]] = 1.5, -2.0, 1.5
    from sim.compress import coding

    symbols = np.where(values == 0, 0, np.where(values < 0, 1, 2))
    entries, gaps = coding._relative(symbols, 8)
    assert entries.tolist() == [2, 1, 2]
    assert gaps.tolist() == [0, 0, 255, 255, 255, 231]
    coded = of_values(values)
    assert coded.index_bits is not None
    assert len(coded.data) < 70  # 4000 bytes as they are


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95, 1.0])
@pytest.mark.parametrize("kinds", [1, 7, 256, 5000])
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_what_is_sent_comes_back(share, kinds, dtype):
    rng = np.random.default_rng([kinds, round(100 * share)])
    book = rng.normal(0, 1, kinds) if dtype == "float32" else rng.integers(-128, 128, kinds)
    values = rng.choice(book, 6000).astype(dtype)
    values[rng.uniform(size=6000) < share] = 0
    coded = of_values(values)
    _, back = decode(coded.data, len(values), dtype)
    assert np.array_equal(back, values)
    assert len(coded.data) <= values.nbytes + 5  # the head is all that coding can cost


def test_symbols_come_back_with_their_book():
    symbols = np.array([0, 3, 0, 0, 1, 2, 2, 2] * 50)
    coded = encode(symbols, np.array([0.25, -1.0, 8.0], np.float32))
    got, values = decode(coded.data, len(symbols), "float32")
    assert np.array_equal(got, symbols)
    assert values[:8].tolist() == [0, 8.0, 0, 0, 0.25, -1.0, -1.0, -1.0]


def test_int8_of_each_channel_from_one_book():
    """Two channels with scales of their own: -1.0 is -100 in one and -50 in the other; one book for both."""
    book = np.array([-1.0, 0.5, 2.0], np.float32)
    values = np.array([[-100, 50, 0], [-50, 25, 100]], np.int8)
    found = numbered(values, np.array([0.01, 0.02]), 0, book)
    assert found is not None
    assert found.tolist() == [1, 2, 0, 1, 2, 3]
    last = numbered(values.T, np.array([0.01, 0.02]), 1, book)
    assert last is not None
    assert last.tolist() == [1, 1, 2, 2, 0, 3]
    assert numbered(np.array([[-100, 49]], np.int8), np.array([0.01]), 0, book) is None
