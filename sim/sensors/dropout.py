"""When a part delivers nothing, or always the same: a loose plug, a bus that hangs, a part that has stopped."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sim.errors import UsageError, near

KINDS = ("silent", "stuck")
_NO_END = 1 << 62


@dataclass(frozen=True, slots=True, order=True)
class Dropout:
    """From after `start_ps` up to and with `end_ps` of board time.

    "silent": the part takes no samples; a read that wants them gets those that come after, and is told how many are
    missing. "stuck": it delivers its last sample again and again.
    """

    start_ps: int
    end_ps: int
    kind: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples first..end in a row that exist; `held` is the index of the one that stands for all of them, or None."""

    first: int
    end: int
    held: int | None = None


class Dropouts:
    """The dropouts of one part, as sample indices. `taken(ps)`: how many samples it would have taken by then."""

    def __init__(self, taken: Callable[[int], int]) -> None:
        self._taken = taken
        self._all: list[Dropout] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Dropout]:
        return iter(self._all)

    def add(self, start_ps: int, end_ps: int, kind: str) -> None:
        """Raises UsageError for an unknown kind, a length of nothing, and two at once."""
        if kind not in KINDS:
            raise UsageError(f"unknown kind of dropout {kind!r}", hint=near(kind, KINDS))
        if end_ps <= start_ps:
            raise UsageError("a dropout that lasts no time", hint='say how long: drop_out("10 min", after="1 h")')
        if any(start_ps < d.end_ps and d.start_ps < end_ps for d in self._all):
            raise UsageError("two dropouts of one sensor at the same time", hint="the second after the first")
        insort(self._all, Dropout(start_ps, end_ps, kind))

    def existing(self, first: int, end: int) -> int:
        """How many samples of first..end the part has taken, or will take."""
        return sum(min(p.end, end) - p.first for p in self._pieces(first) if p.first < end)

    def pieces(self, first: int, samples: int) -> list[Piece]:
        """The next `samples` that exist, from index `first` on."""
        out: list[Piece] = []
        for piece in self._pieces(first):
            if not samples:
                break
            end = min(piece.end, piece.first + samples)
            out.append(Piece(piece.first, end, piece.held))
            samples -= end - piece.first
        return out

    def _pieces(self, first: int) -> Iterator[Piece]:
        """All that exist from `first` on; the last has no end to speak of."""
        at, held = 0, -1  # where we are, and the last sample that was really taken
        for d in self._all:
            start, end = self._taken(d.start_ps), self._taken(d.end_ps)
            if start > at:
                held = start - 1
                if start > first:
                    yield Piece(max(at, first), start)
            if d.kind == "stuck" and end > max(start, first):
                yield Piece(max(start, first), end, held)
            at = max(at, end)
        yield Piece(max(at, first), _NO_END)
