"""Machine: one running virtual board, as a test holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sim.boards import Board
from sim.clock import cycle_model
from sim.decision import Decision
from sim.durations import PS, picoseconds
from sim.elf import Elf, load_elf
from sim.engines.protocol import Arm, CallNode, CodeBlock, Debugger, Engine, Layout, RegionRun, Watch
from sim.errors import FirmwareFailure, UsageError, near
from sim.failure.report import Report
from sim.machine.calling import CallResult, call
from sim.machine.console import Console
from sim.machine.deadlines import Deadlines, deadlines_of
from sim.machine.functions import function_meant
from sim.machine.intercepting import Interception, Replacement
from sim.machine.measuring import Measurement, Spread, spread_of_cycles
from sim.machine.placed import layout_of
from sim.machine.regions import RegionLog
from sim.machine.runner import Runner
from sim.machine.sensor import Sensor
from sim.machine.tracing import Backtrace, backtrace
from sim.machine.watching import Watches, Watching
from sim.measure.memory import MemoryUse
from sim.measure.stack import checked_stack

if TYPE_CHECKING:
    from sim.faults import Faults
    from sim.field.capture import Capture
    from sim.firmware import Firmware

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
        debugger: Debugger | None = None,
    ) -> Self:
        """A machine that stands before its first instruction; the caller closes it.

        `check_stack`: look at every store (slow), end at the first that leaves the stack for other data.
        `debugger`: wait for one to attach, and to let the firmware run.
        """
        image = load_elf(elf) if isinstance(elf, Path) else elf
        return cls(image, board, engine, layout or engine.layout(board), on_fault=on_fault, log=log, watch=watch,
                   check_stack=check_stack, debugger=debugger)  # fmt: skip

    # ---- time ----

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
        address, written = self._runner.memory.write(where, data)
        if self.capture is not None:
            self.capture.wrote(address, written)

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
        """Instructions and cycles of the next `runs` runs of a function, entry to return. `"invoke"`: TFLM's Invoke().

        Raises UsageError for an unknown function, NotSeen when it does not run often enough.
        """
        symbol = self.region_symbol(region)
        if symbol in self._runner.on_call:
            raise UsageError(f"{region!r} is replaced or waited for: it cannot be measured", hint="remove() ends that")
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
        timing = self.board.timing
        return Measurement(
            region=region,
            runs=len(runs),
            instructions=Spread.of([run.end - run.start for run in runs]),
            cycles=spread_of_cycles(runs),
            model=cycle_model(timing),
            validated=timing is not None and timing.validated,
            engine=self.engine_text,
            firmware_sha256=self.elf.sha256,
            info=dict(self.port.info),
        )

    def arm(self, symbol: str, what: Arm) -> None:
        """Change what happens at a function (see `sim.engines.protocol.Arm`)."""
        self._session.arm(self.region_symbol(symbol), what)

    def on_call(self, function: str, call: Callable[[], None]) -> None:
        """Call `call()` at the first instruction of every call of a function; the machine stands still meanwhile."""
        symbol = self.region_symbol(function)
        self._runner.on_call[symbol] = call
        self._session.arm(symbol, Arm(stop=True))

    def new_runs(self, symbol: str) -> list[RegionRun]:
        """Runs of an armed region that ended since the last call."""
        return self._regions.new(symbol)

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

    # ---- faults ----

    @cached_property
    def faults(self) -> Faults:
        """Faults on purpose: `machine.faults.dropout("imu", lasts="1 s")`; see docs/faults.md."""
        from sim.faults import Faults

        return Faults(self)

    def restart(self, ram: bytes | None = None, pause_ps: int = 0) -> None:
        """Power off, and on again after that board time (ps); RAM is as it was, or as given."""
        self._runner.restart(ram, pause_ps)
        self._session = self._runner.session
        self._regions.go_on(self._session)
        self.memory.go_on(self._session, painted=ram is None)

    # ---- recording ----

    def record(self) -> None:
        """Record from here on, before the firmware has opened a sensor; see docs/field.md. Raises UsageError."""
        from sim.field.capture import Capture

        if self.capture is None:
            self.capture = Capture(self._runner)

    def save_recording(self, path: Path | str, *, firmware: Firmware | None = None, seed: int | None = None) -> None:
        """Save the run so far as one file, which `boardless replay` runs again. Raises UsageError.

        `firmware`: to have in it what it was built from; `seed`: the test's own, if its input came from one.
        """
        from sim.field.recording_io import save

        if self.capture is None:
            raise UsageError("nothing is recorded", hint="machine.record() before the machine runs")
        save(self.capture.recording(firmware, seed), Path(path))

    @property
    def runner(self) -> Runner:
        """The loop under the machine, for what is built on top of it."""
        return self._runner

    @property
    def failure(self) -> FirmwareFailure | None:
        """How the firmware has failed, if it has."""
        return self._runner.failure

    # ---- single functions ----

    def call(
        self, function: str | int, *arguments: Any, within: float | str = "1 s", at: str | int | None = None
    ) -> CallResult:
        """Call one function of the image, by name or address; the firmware goes on afterwards as if nothing had been.

        Numbers, None, bytes and numpy arrays are taken; arrays go below the stack, or to RAM `at` an address or symbol,
        and come back in `buffers`. Raises UsageError for what is no function and for arguments that do not fit,
        FirmwareFailure for a fault in it or when it has not returned `within` that much board time.
        """
        return call(self._runner, function, arguments, within, at)

    def intercept(self, function: str, replacement: Replacement) -> Interception:
        """Replace a function of the image by one of Python, until `remove()` or the end of a `with`.

        It gets an `InterceptedCall`, and what it returns the firmware gets: int, float or None. Raises UsageError.
        """
        return Interception(self._runner, function, replacement)

    def watch(self, where: str | int, on: str = "write", length: int | None = None, most: int = 10_000) -> Watching:
        """Note who writes ("write"), reads ("read") or does either to ("access") a symbol or address in RAM.

        The first `most` accesses are kept. Ends with `remove()` or a `with`. Raises UsageError.
        """
        return self._watches.add(where, on, length, most)

    def backtrace(self) -> Backtrace:
        """The calls that led to where the core stands now, innermost first; str() of it has a line each."""
        return backtrace(self._runner)

    def run_to(self, function: str, within: float | str = "10 s") -> None:
        """Run to the next call of a function: the machine stands still in front of its first instruction."""
        symbol = function_meant(self._runner.elf, function, self.layout).name
        if symbol in self._runner.on_call or symbol in self._runner.stops:
            raise UsageError(f"{function!r} cannot be run to: the machine stops there for something else")
        came: list[bool] = []
        self._runner.on_call[symbol] = lambda: came.append(True)
        self._session.arm(symbol, Arm(stop=True))
        try:
            self._runner.run_until(lambda: bool(came), within, f"a call of {function}()")
        finally:
            self._session.arm(symbol, Arm())
            del self._runner.on_call[symbol]

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
