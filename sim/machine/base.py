"""What every part of a machine stands on: image, board, engine, the loop that runs them, board time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sim.boards import Board
from sim.durations import PS
from sim.elf import Elf, load_elf
from sim.engines.protocol import Debugger, Engine, Layout, Watch
from sim.errors import FirmwareFailure
from sim.failure.report import Report
from sim.machine.console import Console
from sim.machine.measuring import Measurement
from sim.machine.placed import layout_of
from sim.machine.regions import RegionLog
from sim.machine.runner import Runner
from sim.machine.watching import Watches
from sim.measure.memory import MemoryUse
from sim.measure.stack import checked_stack

if TYPE_CHECKING:
    from sim.field.capture import Capture


class MachineBase:
    """An engine with a firmware in it."""

    def __init__(
        self,
        elf: Elf,
        board: Board,
        engine: Engine,
        layout: Layout,
        *,
        on_fault: str = "stop",
        log: Path | None = None,
        watch: Watch | None = None,
        check_stack: bool = False,
        debugger: Debugger | None = None,
    ) -> None:
        layout = layout_of(elf, board, engine, layout)
        self.elf, self.board, self.engine, self.layout = elf, board, engine, layout
        if check_stack:
            watch = replace(watch or Watch(), stack=checked_stack(elf, layout))
        self._runner = Runner(elf, board, engine, layout, on_fault=on_fault, log=log, watch=watch,
                              debugger=debugger)  # fmt: skip
        self._watches = Watches(self._runner)
        self._session = self._runner.session
        self.port = self._runner.port
        self.console = Console(self._runner)
        self._regions = RegionLog(self._session)
        self.memory = MemoryUse(elf, layout, self._session, self.port.info)  # paints stack and heap
        self.measurements: list[Measurement] = []  # what `measure` has given, for the report of the test
        self._seen_decisions = 0
        self.capture: Capture | None = None

    @classmethod
    def started(
        cls,
        elf: Elf | Path,
        board: Board,
        engine: Engine,
        *,
        layout: Layout | None = None,
        on_fault: str = "stop",
        log: Path | None = None,
        watch: Watch | None = None,
        check_stack: bool = False,
        debugger: Debugger | None = None,
    ) -> Self:
        """A machine that stands before its first instruction; the caller closes it.

        `check_stack`: look at every store (slow), end at the first that leaves the stack for other data.
        `debugger`: wait for one to attach, and to let the firmware run.
        """
        image = load_elf(elf) if isinstance(elf, Path) else elf
        return cls(image, board, engine, layout or engine.layout(board), on_fault=on_fault, log=log, watch=watch,
                   check_stack=check_stack, debugger=debugger)  # fmt: skip

    @property
    def instructions(self) -> int:
        """Instructions executed since reset."""
        return self._runner.instructions

    @property
    def cycles(self) -> int | None:
        """Cycles in which the core was busy since reset; None where its core has no timing model."""
        return self._session.cycles

    @property
    def time_ps(self) -> int:
        """Board time in picoseconds."""
        return self._runner.time_ps

    @property
    def time(self) -> float:
        """Board time in seconds."""
        return self.time_ps / PS

    @property
    def idle_time(self) -> float:
        """Seconds of board time in which the core waited; the rest it was busy."""
        return self._runner.idle_ps / PS

    @property
    def has_own_time(self) -> bool:
        """Whether the image reads timers or takes interrupts: its board time does not count waiting."""
        return self._runner.has_own_time

    @property
    def time_base(self) -> str:
        """How board time is got. An image that reads timers has its own, which is never mixed with the other."""
        return self._runner.time_base

    @property
    def engine_text(self) -> str:
        """Engine, version and what plays the board, for reports."""
        return self._runner.engine_text

    @property
    def runner(self) -> Runner:
        """The loop under the machine, for what is built on top of it."""
        return self._runner

    @property
    def failure(self) -> FirmwareFailure | None:
        """How the firmware has failed, if it has."""
        return self._runner.failure

    def report(self, awaited: str = "") -> Report:
        """The state of the machine as failures show it; the full log is written, if it was given a file."""
        return self._runner.report(awaited)

    def registers(self) -> dict[str, int]:
        """Core registers while the machine stands still."""
        return self._session.registers()

    def close(self) -> None:
        """End the engine. Safe to call twice."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
