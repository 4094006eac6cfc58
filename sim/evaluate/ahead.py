"""Units that are played while the rest of their set is being read."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sim.evaluate.dataset import Entry
from sim.evaluate.executor import Executor
from sim.evaluate.labelled import Playable
from sim.evaluate.unit import Place, Unit, settled, unit_key


class Ahead:
    """Offers a unit to the executor as soon as its recordings are read, so that no process waits for the others.

    Nobody sees what comes of it before all of the set is found good: `Executor.run` is called only then.
    """

    def __init__(self, place: Place, chosen: Executor, played: Callable[[], Collection[str]]) -> None:
        """`played`: keys of units that need not be played again; asked for once, at the first unit."""
        self._place, self._chosen = place, chosen
        self._ask = played
        self._played: Collection[str] | None = None
        self.taken: set[str] = set()  # keys of the units that are played
        self._next: list[tuple[Entry, Playable]] = []  # what was read since the last whole unit
        self._before = 0  # recordings in units before these

    def read(self, entry: Entry, stimulus: Playable, of: int) -> None:
        """The next recording of a set of `of` is good."""
        self._next.append((entry, stimulus))
        while self._next and (size := settled([e.seconds for e, _ in self._next], of - self._before)):
            self._offer(self._next[:size])
            del self._next[:size]
            self._before += size

    def _offer(self, part: list[tuple[Entry, Playable]]) -> None:
        if self._played is None:
            self._played = self._ask()
        key = unit_key(self._place.key, [e.sha256 for e, _ in part])
        if key in self._played or key in self.taken:
            return
        unit = Unit(key, tuple(e.item.name for e, _ in part), tuple(stimulus for _, stimulus in part))
        # One that finds no room is played in its turn: those that wait are not kept in memory.
        if self._chosen.ahead(self._place, unit):
            self.taken.add(key)
