"""Renode: the second engine. A board runs at its own addresses; counts are of instructions, without a timing model.

Renode and pyrenode3 live in a process of their own (`worker/`), in whatever interpreter has them; nothing of them is
imported here.
"""

from __future__ import annotations

import re
from pathlib import Path

from sim.boards import Board
from sim.engines.protocol import BUDGET, BUS, COUNT, FAULTS, INPUT, MARKS, Image, Layout, Session
from sim.engines.renode.find import find_renode
from sim.engines.renode.platform import SINCE, bus_layout_of, layout_of
from sim.engines.renode.process import Worker, any_worker, free_worker
from sim.errors import CannotPlay, SetupError
from sim.paths import cache_root
from sim.settings import Settings

__all__ = ["RenodeEngine", "find_renode"]


class RenodeEngine:
    """Engine `renode` (see `sim.engines.protocol.Engine`)."""

    name = "renode"
    capabilities = frozenset({COUNT, MARKS, BUDGET, FAULTS, BUS, INPUT})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folders: dict[str, Path] = {}  # of boards that were asked for, by layout

    def missing(self) -> str:
        """Why there is no Renode here, and what to do without it; empty where there is one: tests skip on it."""
        try:
            find_renode(self._settings)
        except SetupError as error:
            return f"{error.message}: {error.hint}"
        return ""

    def version(self) -> str:
        return self.described()["renode"]

    def described(self) -> dict[str, str]:
        """Versions: `renode`, `runtime`, `python`. Raises SetupError."""
        return (any_worker(find_renode(self._settings)) or self.worker()).described

    def layout(self, board: Board) -> Layout:
        layout = layout_of(board)
        # Where there is no Renode, starting a machine says so, as of any board.
        newer = board.core in SINCE and not self.missing()
        if newer and _numbers(version := self.version()) < _numbers(SINCE[board.core]):
            raise CannotPlay(
                f"board {board.name}: Renode {version} has no core {board.core!r}",
                hint=f"Renode {SINCE[board.core]} has; --engine qemu plays this board",
            )
        return self._known(layout, board)

    def bus_layout(self, board: Board) -> Layout:
        return self._known(bus_layout_of(board), board)

    def _known(self, layout: Layout, board: Board) -> Layout:
        self._folders[layout.machine] = board.folder
        return layout

    def start(self, image: Image) -> Session:
        from sim.engines.renode.session import RenodeSession

        return RenodeSession(self.worker(), image, self._folders.get(image.layout.machine))

    def worker(self) -> Worker:
        """A process that Renode runs in and that plays no machine. Raises SetupError."""
        found = find_renode(self._settings)
        main = Path(__file__).parent / "worker" / "main.py"
        return free_worker(found, [str(found.python), str(main)], found.environment(), cache_root() / "renode")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
