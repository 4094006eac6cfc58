"""Target: what to run on: a board on an engine, with the TFLM tree that firmware for it is built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sim.boards import Board, board_folders
from sim.engines import find_engine
from sim.engines.protocol import CYCLES, Engine, Layout, Watch
from sim.settings import Settings

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.model import Model
    from sim.tflm import TflmTree


@dataclass(frozen=True, eq=False)
class Target:
    """Settings resolved: the board and engine are there, the tree is looked up when firmware is built."""

    settings: Settings
    board: Board
    engine: Engine
    layout: Layout

    @staticmethod
    def of(settings: Settings) -> Target:
        """The target that the settings name. Raises UsageError or SetupError."""
        board = Board.load(settings.board, board_folders(settings))
        engine = find_engine(settings)
        if settings.timing == "instructions" or CYCLES not in engine.capabilities:
            board = replace(board, timing=None)
        if settings.io == "bus":
            from sim.machine.placed import bus_layout_of

            return Target(settings, board, engine, bus_layout_of(board, engine))
        return Target(settings, board, engine, engine.layout(board))

    @cached_property
    def tree(self) -> TflmTree:
        """The TFLM tree of the settings."""
        from sim.tflm import tree_for

        tree = tree_for(self.settings)
        tree.require(self.settings.kernels)
        return tree

    def build(
        self,
        app: str | Path,
        model: Model | Path | None = None,
        *,
        arena: int | None = None,
        progress: Callable[[str], None] = lambda text: None,
    ) -> Firmware:
        """Firmware of an app (name or folder) and a model (default: the app's own) for this target."""
        from sim.firmware import build
        from sim.firmware.app import App

        # A mistyped name or a missing engine is told before a tree is fetched and compiled.
        App.load(app)
        self.engine.version()
        if isinstance(model, Path):
            from sim.model import Model

            model = Model.load(model)
        return build(app, self.board, self.layout, model=model, tree=self.tree, kernels=self.settings.kernels,
                     arena=arena, recorder=self.settings.recorder, engine=self.engine, progress=progress)  # fmt: skip

    def boot(
        self, firmware: Path, *, on_fault: str = "stop", log: Path | None = None
    ) -> AbstractContextManager[Machine]:
        """A machine with that ELF, ready; see `sim.machine.Machine.boot`."""
        from sim.machine import Machine

        return Machine.boot(firmware, self.board, self.engine, layout=self.layout, on_fault=on_fault, log=log)

    def started(
        self,
        firmware: Path,
        *,
        on_fault: str = "stop",
        log: Path | None = None,
        watch: Watch | None = None,
        check_stack: bool = False,
    ) -> Machine:
        """A machine that stands before its first instruction; the caller closes it."""
        from sim.machine import Machine

        return Machine.started(firmware, self.board, self.engine, layout=self.layout, on_fault=on_fault, log=log,
                               watch=watch, check_stack=check_stack)  # fmt: skip

    def described_without_tree(self) -> Mapping[str, object]:
        """`board` and `engine` as they stand in every JSON result."""
        return {
            "board": self.board.name,
            "engine": {"name": self.engine.name, "version": self.engine.version(), "machine": self.layout.machine},
        }

    def described(self) -> Mapping[str, object]:
        """`board`, `engine` and `tflm` as they stand in every JSON result of firmware that boardless built."""
        return {
            **self.described_without_tree(),
            "tflm": {
                "tree": self.tree.version_text,
                "generation": self.tree.generation,
                "kernels": self.settings.kernels,
            },
        }
