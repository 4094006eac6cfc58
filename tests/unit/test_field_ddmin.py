"""Delta debugging on plain numbers: 1-minimal, and the same for any number of trials at a time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import pytest

from sim.field.ddmin import ddmin, longest_needed


def first_of(
    fails: Callable[[Sequence[int]], bool], seen: list[int]
) -> Callable[[Iterable[Sequence[int]]], int | None]:
    def first(candidates: Iterable[Sequence[int]]) -> int | None:
        for i, candidate in enumerate(candidates):
            seen.append(len(candidate))
            if fails(candidate):
                return i
        return None

    return first


@pytest.mark.parametrize("needed", [[], [0], [99], [3, 57], [10, 11, 12, 13], [0, 50, 99], list(range(100))])
def test_exactly_what_is_needed(needed: list[int]) -> None:
    seen: list[int] = []
    assert ddmin(range(100), first_of(lambda c: set(needed) <= set(c), seen)) == needed
    assert len(seen) < 100 * (len(needed) + 3)


def test_nothing_less_holds_for_odd_conditions() -> None:
    rng = random.Random(2)
    for _ in range(50):
        pairs = [{rng.randrange(40), rng.randrange(40)} for _ in range(4)]

        def fails(c: Sequence[int], pairs: list[set[int]] = pairs) -> bool:
            return any(p <= set(c) for p in pairs) and list(c) == sorted(c)

        left = ddmin(range(40), first_of(fails, []))
        assert fails(left)
        assert not any(fails(left[:i] + left[i + 1 :]) for i in range(len(left)))


def test_a_few_last_ones_are_found_quickly() -> None:
    seen: list[int] = []
    size = longest_needed(1000, first_of(lambda c: len(c) >= 28 and all(b - a == 1 for a, b in pairwise(c)), seen))
    assert (size, seen) == (32, [1, 2, 4, 8, 16, 32])
    assert longest_needed(20, first_of(lambda c: False, [])) == 20


def test_single_ones_from_the_beginning() -> None:
    """Where nothing can go, each is tried once and no piece of several."""
    seen: list[int] = []
    assert ddmin(range(100), first_of(lambda c: len(c) == 100, seen), singly=True) == list(range(100))
    assert seen == [0] + [99] * 100
    rng = random.Random(3)
    for _ in range(20):
        pair = {rng.randrange(40), rng.randrange(40)}
        assert set(ddmin(range(40), first_of(lambda c, p=pair: p <= set(c), []), singly=True)) == pair
