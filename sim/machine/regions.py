"""Runs of armed regions, kept: who asks later loses nothing that ended before."""

from __future__ import annotations

from sim.engines.protocol import Arm, RegionRun, Session


class RegionLog:
    """All completed runs of regions of one session, by symbol, in the order in which they ended."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._runs: dict[str, list[RegionRun]] = {}
        self._given: dict[str, int] = {}  # how many `new` has handed out
        self._kept: set[str] = set()

    def arm(self, symbol: str) -> None:
        """Measure this region from now on; `disarm` ends it."""
        self._session.arm(symbol, Arm(region=True))

    def keep(self, symbol: str) -> None:
        """Measure this region for the whole run, whatever measurements come and go."""
        self._kept.add(symbol)
        self.arm(symbol)

    def disarm(self, symbol: str) -> None:
        """End measuring a region, unless it is kept."""
        if symbol not in self._kept:
            self._session.arm(symbol, Arm())

    def go_on(self, session: Session) -> None:
        """The board has started again; runs of before stay."""
        self._session = session
        for symbol in sorted(self._kept):
            self.arm(symbol)

    @property
    def kept(self) -> frozenset[str]:
        """Symbols that are measured for the whole run."""
        return frozenset(self._kept)

    def runs(self, symbol: str, since: int = 0) -> list[RegionRun]:
        """Runs that began at or after that instruction count."""
        for run in self._session.regions():
            self._runs.setdefault(run.symbol, []).append(run)
        return [run for run in self._runs.get(symbol, ()) if run.start >= since]

    def new(self, symbol: str) -> list[RegionRun]:
        """Runs that ended since the last call."""
        runs = self.runs(symbol)
        given = self._given.get(symbol, 0)
        self._given[symbol] = len(runs)
        return runs[given:]
