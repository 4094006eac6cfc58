"""What is to be done to a running machine at given board times: faults, mostly."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Alarms:
    """Calls by board time (ps); of one time in the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._set = 0

    def at(self, ps: int, call: Callable[[], None]) -> None:
        """`call()` at that board time, or as soon as the machine runs if it is over."""
        heapq.heappush(self._heap, (ps, self._set, call))
        self._set += 1

    def first(self, until_ps: int) -> int:
        """When the next one is due, or `until_ps` if that is sooner."""
        return min(self._heap[0][0], until_ps) if self._heap else until_ps

    def ring(self, now_ps: int) -> None:
        """Do all that is due by now. One that sets another for now or before has it done too."""
        while self._heap and self._heap[0][0] <= now_ps:
            heapq.heappop(self._heap)[2]()
