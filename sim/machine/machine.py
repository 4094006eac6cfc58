"""Machine: one running virtual board, as a test holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from sim.boards import Board
from sim.clock import CYCLE_MODEL
from sim.decision import Decision
from sim.durations import PS, picoseconds
from sim.elf import Elf, load_elf
from sim.engines.protocol import Arm, CallNode, CodeBlock, Engine, Layout, RegionRun, Watch
from sim.errors import UsageError, near
from sim.failure.report import Report
from sim.machine.console import Console
from sim.machine.deadlines import Deadlines, deadlines_of
from sim.machine.measuring import Measurement, Spread
from sim.machine.regions import RegionLog
from sim.machine.runner import Runner
from sim.machine.sensor import Sensor
from sim.measure.memory import MemoryUse
from sim.measure.stack import checked_stack

_BOOT_WITHIN = "10 s"


class Machine:
    """One virtual board with a firmware in it. Make it with `Machine.boot`; close it (or use `with`)."""

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
    ) -> None:
        self.elf, self.board, self.engine, self.layout = elf, board, engine, layout
        if check_stack:
            watch = replace(watch or Watch(), stack=checked_stack(elf, layout))
        self._runner = Runner(elf, board, engine, layout, on_fault=on_fault, log=log, watch=watch)
        self._session = self._runner.session
        self.port = self._runner.port
        self.console = Console(self._runner)
        self._regions = RegionLog(self._session)
        self.memory = MemoryUse(elf, layout, self._session, self.port.info)  # paints stack and heap
        self.measurements: list[Measurement] = []  # what `measure` has given, for the report of the test
        self._seen_decisions = 0

    @classmethod
    @contextmanager
    def boot(
        cls,
        elf: Elf | Path,
        board: Board,
        engine: Engine,
        *,
        layout: Layout | None = None,
        on_fault: str = "stop",
        log: Path | None = None,
    ) -> Iterator[Machine]:
        """Start and run until the firmware says it is ready (firmware without the port: until its first instruction).

        Raises UsageError for an image that does not fit the board, FirmwareFailure when it does not come up.
        """
        machine = cls.started(elf, board, engine, layout=layout, on_fault=on_fault, log=log)
        try:
            machine.run_until_ready()
            yield machine
        finally:
            machine.close()

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
    ) -> Self:
        """A machine that stands before its first instruction; the caller closes it.

        `check_stack`: look at every store (slow), end at the first that leaves the stack for other data.
        """
        image = load_elf(elf) if isinstance(elf, Path) else elf
        return cls(image, board, engine, layout or engine.layout(board), on_fault=on_fault, log=log, watch=watch,
                   check_stack=check_stack)  # fmt: skip

    # ---- time ----

    @property
    def instructions(self) -> int:
        """Instructions executed since reset."""
        return self._runner.instructions

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

    # ---- running ----

    def run(self, duration: float | str) -> None:
        """Run for that much board time."""
        self._runner.advance(self.time_ps + picoseconds(duration), lambda: False)

    def run_until_ready(self) -> None:
        """Run to the call of bl_ready(), or to the first request that waits; firmware without the port: nothing."""
        if not self._runner.has_port:
            return
        self._runner.run_until(
            lambda: self.port.ready or self._runner.waits or self.port.exit_code is not None,
            _BOOT_WITHIN,
            "the firmware to be ready (bl_ready or a first request)",
        )

    def run_until(self, seen: Callable[[], bool], within: float | str, awaited: str) -> None:
        """Run until `seen()`, which is asked at every stop; raises NotSeen, naming what was `awaited`."""
        self._runner.run_until(seen, within, awaited)

    def run_to_exit(self, within: float | str = 60.0, each: Callable[[], None] | None = None) -> int:
        """Run until the firmware calls bl_exit(); returns its code. `each` is called at every stop on the way."""

        def ended() -> bool:
            if each is not None:
                each()
            return self.port.exit_code is not None

        self._runner.run_until(ended, within, "the firmware to end its run (bl_exit)")
        assert self.port.exit_code is not None
        return self.port.exit_code

    def run_to_end(self, within: float | str = "1 h") -> None:
        """Run until the firmware has taken all that is played to its sensors."""

        playing = [c for c in self._runner.sensors.values() if c.statistics().stimulus]
        if not playing:
            raise UsageError("nothing is played to any sensor", hint="machine.imu.play(recording) first")
        self._runner.run_until(lambda: not any(c.pending() for c in playing), within, "the stimulus to be taken")

    def wait_for_decision(self, label: str | None = None, within: float | str = "10 s") -> Decision:
        """The next decision (with that label) after the last one waited for; raises NotSeen after `within`."""
        at = self._seen_decisions
        found: Decision | None = None

        def seen() -> bool:
            nonlocal at, found
            while found is None and at < len(self.port.decisions):
                decision = self.port.decisions[at]
                at += 1
                if label is None or decision.label == label:
                    found = decision
            return found is not None

        self._runner.run_until(seen, within, f"a decision {label!r}" if label is not None else "a decision")
        assert found is not None
        self._seen_decisions = at
        return found

    @property
    def deadlines(self) -> Deadlines:
        """Period, worst latency, jitter and misses of each sensor's stream so far; see `sim.machine.deadlines`."""
        return deadlines_of(self.port.streams)

    @property
    def decisions(self) -> list[Decision]:
        """All decisions so far, oldest first."""
        return self.port.decisions

    # ---- memory ----

    def read(self, where: str | int, length: int | None = None) -> bytes:
        """Bytes of a symbol (all of it unless `length` is given) or at an address. Raises UsageError."""
        return self._runner.memory.read(where, length)

    def read_int(self, where: str | int, *, signed: bool = False) -> int:
        """An integer variable (as wide as the symbol), or the word at an address. Raises UsageError."""
        return self._runner.memory.read_int(where, signed=signed)

    def write(self, where: str | int, data: bytes | int) -> None:
        """Write bytes, or an integer as wide as the symbol (at an address: a word), to RAM.

        Raises UsageError; nothing is written then.
        """
        self._runner.memory.write(where, data)

    # ---- sensors ----

    def sensor(self, slot: str) -> Sensor:
        """The sensor in a slot of the board. Raises UsageError where there is none."""
        channel = self._runner.sensors.get(slot)
        if channel is None:
            raise UsageError(f"board {self.board.name} has no {slot!r}", hint=near(slot, self._runner.sensors))
        return Sensor(channel, lambda: self.time_ps)

    @property
    def imu(self) -> Sensor:
        """Accelerometer and gyroscope."""
        return self.sensor("imu")

    @property
    def microphone(self) -> Sensor:
        return self.sensor("microphone")

    @property
    def camera(self) -> Sensor:
        return self.sensor("camera")

    @property
    def vibration(self) -> Sensor:
        """Vibration of a machine, three axes."""
        return self.sensor("vibration")

    @property
    def current(self) -> Sensor:
        return self.sensor("current")

    @property
    def temperature(self) -> Sensor:
        return self.sensor("temperature")

    # ---- measuring ----

    def measure(self, region: str, runs: int = 1, within: float | str = "60 s") -> Measurement:
        """Instructions of the next `runs` runs of a function, entry to return. `"invoke"`: TFLM's Invoke().

        Raises UsageError for an unknown function, NotSeen when it does not run often enough.
        """
        symbol = self.region_symbol(region)
        first = self.instructions  # a run that is under way now is not one of them
        self._regions.arm(symbol)
        try:
            self._runner.run_until(
                lambda: len(self._regions.runs(symbol, first)) >= runs, within, f"{runs} runs of {region!r}"
            )
        finally:
            self._regions.disarm(symbol)
        measured = self._measurement(region, self._regions.runs(symbol, first)[:runs])
        self.measurements.append(measured)
        return measured

    def keep_region(self, region: str) -> None:
        """Measure every run of a function from now on, without waiting for it; see `region_measured`."""
        self._regions.keep(self.region_symbol(region))

    def region_measured(self, region: str) -> Measurement | None:
        """All runs so far of a function that is measured with `keep_region`; None: there were none."""
        runs = self._regions.runs(self.region_symbol(region))
        return self._measurement(region, runs) if runs else None

    def _measurement(self, region: str, runs: list[RegionRun]) -> Measurement:
        spread = Spread.of([run.end - run.start for run in runs])
        return Measurement(
            region, len(runs), spread, spread, CYCLE_MODEL, self.engine_text, self.elf.sha256, dict(self.port.info)
        )

    def arm(self, symbol: str, what: Arm) -> None:
        """Change what happens at a function (see `sim.engines.protocol.Arm`)."""
        self._session.arm(self.region_symbol(symbol), what)

    def on_call(self, function: str, call: Callable[[], None]) -> None:
        """Call `call()` at the first instruction of every call of a function; the machine stands still meanwhile."""
        symbol = self.region_symbol(function)
        self._runner.on_call[symbol] = call
        self._session.arm(symbol, Arm(stop=True))

    def region_lengths(self, symbol: str) -> list[int]:
        """Instructions of each run of an armed region that ended since the last call."""
        return [run.end - run.start for run in self._regions.new(symbol)]

    def calls(self) -> list[CallNode]:
        """The tree of calls that `watch` asked for (see `sim.engines.protocol.Watch`)."""
        return self._session.calls()

    def code(self) -> list[CodeBlock]:
        """The executed code that `watch` asked for."""
        return self._session.code()

    def region_runs(self, symbol: str) -> list[RegionRun]:
        """All runs so far of an armed region, in the order in which they ended."""
        return self._regions.runs(symbol)

    def region_symbol(self, region: str) -> str:
        """The function that a region's name stands for: itself, or `boardless_<name>`. Raises UsageError."""
        for name in (region, f"boardless_{region}"):
            if name in self.elf.functions:
                return name
        raise UsageError(
            f"{self.elf.path.name} has no function {region!r} (inlined away?)",
            hint=near(region, {n.removeprefix("boardless_") for n in self.elf.functions}),
        )

    # ---- looking and ending ----

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
