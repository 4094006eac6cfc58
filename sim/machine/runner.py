"""The loop under a machine: run, answer, keep time, fail with evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

from sim.boards import Board
from sim.clock import STILL, BoardClock, cycle_model
from sim.console import ConsoleLog
from sim.durations import PS, picoseconds, shown
from sim.elf import Elf
from sim.engines.protocol import (
    INPUT,
    REGISTERS,
    Arm,
    BusSession,
    Debugger,
    Engine,
    InputSession,
    Layout,
    Session,
    SteeredSession,
    StopKind,
    Watch,
)
from sim.errors import CannotPlay, FirmwareFailure, UsageError
from sim.failure.evidence import Evidence
from sim.failure.report import Report
from sim.machine.alarms import Alarms
from sim.machine.doorbell import Doorbell
from sim.machine.failing import NotSeen, Verdicts
from sim.machine.memory import BoardMemory
from sim.machine.placed import check_placed
from sim.machine.start import image_of
from sim.machine.veneer import veneer_for
from sim.port.bus import BusFeed
from sim.port.host import PortHost
from sim.port.mailbox import DOORBELL, SYMBOL
from sim.sensors.channel import SensorChannel
from sim.sensors.parts import part

# What a log may be: a flood is more than a fast UART (2 Mbaud) could send in the board time so far, and some room.
_CONSOLE_ROOM = 1 << 20  # bytes
_CONSOLE_RATE = 200_000  # bytes per second of board time
_CONSOLE_MAX = 48 << 20  # bytes in all
_LINES_MAX = 250_000
_SLICE = 50_000_000  # cycles between two looks at the console
CLOSE_SLICE = 100_000  # the same while something on the console is awaited: so exactly does the machine stop there


class Runner:
    """Lets the core run, answers its doorbell, keeps board time, and knows when something has gone wrong."""

    def __init__(
        self,
        elf: Elf,
        board: Board,
        engine: Engine,
        layout: Layout,
        *,
        on_fault: str,
        log: Path | None,
        watch: Watch | None = None,
        debugger: Debugger | None = None,
    ) -> None:
        if on_fault not in ("stop", "run"):
            raise UsageError(f"on_fault={on_fault!r}", hint="'stop' or 'run'")
        check_placed(elf, board, layout)
        self.veneer = veneer_for(elf, layout) if REGISTERS in engine.capabilities else None
        self.elf = self.veneer.added_to(elf) if self.veneer else elf
        self.board, self.engine, self.layout = board, engine, layout
        self._clock = BoardClock(board.clock_hz)
        self.log = ConsoleLog()
        self.sensors = {slot: SensorChannel(part(name), slot) for slot, name in board.parts.items()}
        self._bell = Doorbell(self, self._clock, elf.symbols[SYMBOL].address if SYMBOL in elf.symbols else None)
        self.on_call: dict[str, Callable[[], None]] = {}  # armed symbol -> who wants to know that it is called
        self.alarms = Alarms()
        self.standing_in = ""  # what a Python function is called for now, so that the machine must stand still
        self.take_accesses: Callable[[], None] | None = None  # somebody watches memory
        blob = self.veneer.blob if self.veneer else None
        self._image, handlers = image_of(
            self.elf, board, layout, on_fault=on_fault, watch=watch, blob=blob, debugger=debugger
        )
        self.checks_stack = watch is not None and watch.stack is not None
        self._verdicts = Verdicts(self, handlers, on_fault=on_fault, log=log)
        self.session: Session = engine.start(self._image)
        self._own_time = self.session.time_ps is not None
        if self._own_time:
            self._clock.go_on(0, 0, PS)
        self.memory = BoardMemory(self.elf, layout.ram, self.session)
        self.port = PortHost(memory=self.memory, sensors=self.sensors)
        if layout.io == "bus":
            self.port.on_bus = lambda channel: BusFeed(channel, cast(BusSession, self.session))

    # ---- time ----

    @property
    def instructions(self) -> int:
        """Instructions executed since reset."""
        return self.session.instructions

    @property
    def cycles(self) -> int:
        """Cycles in which the core was busy since reset: what board time runs on, and in what the session counts."""
        cycles = self.session.cycles
        return self.instructions if cycles is None else cycles

    @property
    def ticks(self) -> int:
        """What the session's clock shows: picoseconds where the engine keeps the time, else cycles."""
        time = self.session.time_ps
        return self.cycles if time is None else time

    @property
    def time_ps(self) -> int:
        """Board time in picoseconds."""
        return self._clock.at(self.ticks)

    @property
    def idle_ps(self) -> int:
        """The part of board time in which the core waited."""
        return self._clock.idle_ps

    @property
    def time(self) -> float:
        """Board time in seconds."""
        return self.time_ps / PS

    @property
    def has_own_time(self) -> bool:
        """Whether the image reads timers or takes interrupts."""
        return self._image.timers

    @property
    def time_base(self) -> str:
        """How board time is got. An image that reads timers has its own, which is never mixed with the other."""
        if self._own_time:
            return f"the own time of engine {self.engine.name}, 1 cycle per instruction, waiting included"
        model = cycle_model(self.board.timing)
        if self._image.timers:
            return f"{model}, of an image that reads timers or takes interrupts ({STILL})"
        return f"{model}, at {self.board.clock_hz / 1e6:g} MHz, plus waiting"

    @property
    def engine_text(self) -> str:
        return f"{self.engine.name} {self.engine.version()} ({self.layout.machine})"

    @property
    def failure(self) -> FirmwareFailure | None:
        """How the firmware has failed; None: it has not, or the machine could go on after it."""
        return self._verdicts.failure

    def send(self, data: bytes, apart_ps: int) -> None:
        """Bytes for the firmware at its UART, each that much board time behind the one before. Raises CannotPlay."""
        if INPUT not in self.engine.capabilities:
            raise CannotPlay(f"engine {self.engine.name} cannot send to a UART", hint="--engine qemu or renode can")
        apart = apart_ps if self._own_time else apart_ps * self.board.clock_hz // PS
        cast(InputSession, self.session).send(data, apart)

    def set_clock(self, hz: int) -> None:
        """The core runs at another rate from now on."""
        if self._own_time:
            raise UsageError("a machine on the engine's own time has no other clock", hint="the port build has one")
        self._clock.go_on(self.time_ps, self.cycles, hz)

    def restart(self, ram: bytes | None, pause_ps: int) -> None:
        """Power off, and on again after that board time; RAM is as it was, or as given. The console's log goes on."""
        now, area = self.time_ps + pause_ps, self.layout.ram
        content = self.session.read(area.origin, area.size) if ram is None else ram
        self.session.close()
        self.session = self.memory.session = self.engine.start(self._image)
        self.session.write(area.origin, content)
        for symbol in self.on_call:
            self.session.arm(symbol, Arm(stop=True))
        self._clock.go_on(now, 0)
        self.port.restart()
        self._bell.start_again()
        self._verdicts.start_again()

    # ---- running ----

    @property
    def has_port(self) -> bool:
        """Whether the firmware has a mailbox and a doorbell."""
        return self._bell.there

    @property
    def steered(self) -> SteeredSession:
        """The session of an engine that has REGISTERS or ACCESSES."""
        return cast(SteeredSession, self.session)

    @property
    def stops(self) -> Sequence[str]:
        """Functions where the machine itself stops: the doorbell, ends of the firmware, handlers of faults."""
        return self._image.stops

    @property
    def waits(self) -> bool:
        """Whether the firmware has asked for something that is not there yet."""
        return self._bell.waits

    def run_until(self, seen: Callable[[], bool], within: float | str, awaited: str, slice_: int = _SLICE) -> None:
        end = self.time_ps + picoseconds(within)
        self.advance(end, seen, awaited, slice_)
        if not seen():
            raise self.failed(f"{awaited} did not come within {shown(picoseconds(within))} of board time",
                               awaited=awaited, kind=NotSeen)  # fmt: skip

    def advance(self, until_ps: int, done: Callable[[], bool], awaited: str = "", slice_: int = _SLICE) -> None:
        """Run until `done()` or board time `until_ps`. `done` is asked after everything that can change it.

        What `alarms` has due on the way is done in between, at the first block of code that begins then.
        """
        while True:
            end = self.alarms.first(until_ps)
            self._advance(end, lambda end=end: self.alarms.first(end) < end or done(), awaited, slice_)  # type: ignore[misc]
            due = self.alarms.first(until_ps + 1)
            if due > until_ps:
                return
            if due <= self.time_ps:
                self.alarms.ring(self.time_ps)
            elif done():
                return

    def _advance(self, until_ps: int, done: Callable[[], bool], awaited: str, slice_: int) -> None:
        if self.failure is not None:
            raise self.failure.with_traceback(None)  # not the way of the first time it was raised
        for feed in self.port.bus.values():
            feed.refresh()
        if self._own_time:
            slice_ = slice_ * PS // self.board.clock_hz
        if self.standing_in:
            raise UsageError(f"the machine stands still in {self.standing_in}: it cannot run from there",
                             hint="let the function return first")  # fmt: skip
        while not done():
            if self._bell.waits and not self._bell.finish(until_ps, awaited):
                return
            if done():
                return
            limit = self._clock.limit(until_ps)
            if self.ticks >= limit:
                return
            stop = self.session.resume(min(limit, self.ticks + slice_))
            self._take_console()
            if self.take_accesses is not None:
                self.take_accesses()
            if stop.kind is StopKind.SYMBOL and stop.symbol == DOORBELL:
                self._bell.rung(awaited)
            elif stop.kind is StopKind.SYMBOL and stop.symbol in self.on_call:
                self.on_call[stop.symbol]()
            elif stop.kind is StopKind.ASLEEP:  # until the test sends something: time passes
                if not done():
                    self._clock.wait_until(until_ps, self.ticks)
                return
            elif stop.kind is StopKind.LIMIT:
                self._verdicts.look_at_loop(stop, awaited)
            else:
                self._verdicts.unexpected(stop, awaited)

    def request_aside(self) -> AbstractContextManager[None]:
        """Inside, the firmware may ask for other things; what it waits for now is as before behind it."""
        return self._bell.aside()

    def at(self, cycles: int, instructions: int) -> int:
        """Board time in ps at which the counts were these, if the core has not waited since."""
        return self._clock.at(instructions if self.session.cycles is None else cycles)

    def _take_console(self) -> None:
        data, marks = self.session.console()
        if not data:
            return
        allowed = min(_CONSOLE_MAX, _CONSOLE_ROOM + _CONSOLE_RATE * self.time_ps // PS)
        room = max(0, allowed - len(self.log.raw))
        self.log.add(data[:room], marks or [self.ticks], self._clock.at)
        if len(data) > room or self.log.line_count > _LINES_MAX:
            what = f"{allowed} bytes" if len(data) > room else f"{_LINES_MAX} lines"
            raise self.failed(f"the firmware floods the UART: more than {what} in {shown(self.time_ps)}")

    # ---- failing and ending ----

    def failed(
        self,
        reason: str,
        *,
        awaited: str = "",
        evidence: Evidence | None = None,
        kind: type[FirmwareFailure] = FirmwareFailure,
    ) -> FirmwareFailure:
        """The failure to raise, with the state of the machine as evidence; the machine is over unless it is NotSeen."""
        return self._verdicts.failed(reason, awaited=awaited, evidence=evidence, kind=kind)

    def report(self, awaited: str = "", evidence: Evidence | None = None) -> Report:
        """The state of the machine as failures show it; the full log is written, if it was given a file."""
        return self._verdicts.report(awaited, evidence)

    def fault_word(self, address: int) -> int | None:
        """A word of the fault registers (see `sim.failure.faults`), or of RAM."""
        return self.session.system_word(address)

    def registers(self) -> dict[str, int]:
        """Core registers while the machine stands still."""
        return self.session.registers()

    def process_stacks(self) -> Sequence[int]:
        """In a handler: where the process stack pointer is, or may be."""
        return self.session.process_stacks()
