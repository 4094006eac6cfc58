"""The loop under a machine: run, answer, keep time, fail with evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from sim.boards import Board
from sim.clock import BoardClock, cycle_model
from sim.console import ConsoleLog
from sim.durations import PS, picoseconds, shown
from sim.elf import Elf
from sim.engines.protocol import (
    REGISTERS,
    Debugger,
    Engine,
    Image,
    Layout,
    Session,
    SteeredSession,
    Stop,
    StopKind,
    Watch,
)
from sim.errors import FirmwareFailure, UsageError
from sim.failure import faults
from sim.failure.evidence import Evidence
from sim.failure.report import Report
from sim.machine.alarms import Alarms
from sim.machine.memory import BoardMemory
from sim.machine.placed import check_placed
from sim.machine.veneer import veneer_for
from sim.port.host import Answer, PortHost, PortMisuse
from sim.port.mailbox import (
    ANSWER_AT,
    DOORBELL,
    SIZE,
    STATUS_AT,
    SYMBOL,
    BadMailbox,
    Request,
    decode,
    encode_answer,
    encode_status,
)
from sim.sensors.channel import SensorChannel
from sim.sensors.parts import part
from sim.vectors import endless_handlers, exception_name, fault_handlers, is_endless, uses_timers

# Functions whose call means that the firmware has given up, and what that is called.
ENDINGS = {
    "abort": "abort() was called",
    "_exit": "exit() was called",
    "__assert_func": "an assertion of the firmware failed",
    "__stack_chk_fail": "stack smashing detected",
    "__cxa_pure_virtual": "a pure virtual function was called",
    "boardless_main_returned": "main() returned",
}
CONSOLE_SYMBOL = "boardless_console_putc"
# What a log may be: a flood is more than a fast UART (2 Mbaud) could send in the board time so far, and some room.
_CONSOLE_ROOM = 1 << 20  # bytes
_CONSOLE_RATE = 200_000  # bytes per second of board time
_CONSOLE_MAX = 48 << 20  # bytes in all
_BOOT_WITHIN = 10 * PS
_LINES_MAX = 250_000
_LOOP = 32  # bytes of code: a loop this small does nothing but wait
_SLICE = 50_000_000  # cycles between two looks at the console
CLOSE_SLICE = 100_000  # the same while something on the console is awaited: so exactly does the machine stop there


class NotSeen(FirmwareFailure, AssertionError):
    """What a test waited for did not come in time."""

    __module__ = "sim.machine"  # where users have it from; pytest shows it


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
        self._on_fault = on_fault
        self._log_file = log
        self._clock = BoardClock(board.clock_hz)
        self.log = ConsoleLog()
        self.sensors = {slot: SensorChannel(part(name), slot) for slot, name in board.parts.items()}
        self._mailbox = elf.symbols[SYMBOL].address if SYMBOL in elf.symbols else None
        self._pending: Answer | None = None
        self._request: Request | None = None
        self._failure: FirmwareFailure | None = None
        self.on_call: dict[str, Callable[[], None]] = {}  # armed symbol -> who wants to know that it is called
        self.alarms = Alarms()
        self._looked_at = (0, 0)  # pc and console bytes at the end of the last slice
        self._loop_asked = 0  # cycles when the registers were last looked at for that
        self.standing_in = ""  # what a Python function is called for now, so that the machine must stand still
        self.take_accesses: Callable[[], None] | None = None  # somebody watches memory
        self._image = self._make_image(watch, debugger)
        self.session: Session = engine.start(self._image)
        self.memory = BoardMemory(self.elf, layout.ram, self.session)
        self.port = PortHost(memory=self.memory, sensors=self.sensors)

    def _make_image(self, watch: Watch | None, debugger: Debugger | None) -> Image:
        elf, table = self.elf, self.layout.vectors
        functions = dict(elf.functions)
        stops = [name for name in (*ENDINGS, DOORBELL) if name in functions]
        self._handlers: set[str] = set()  # symbols where the number of the exception tells whether it is the end
        if self._on_fault == "stop":
            names = {address: name for name, address in functions.items()}
            for address in sorted(fault_handlers(elf, table) | endless_handlers(elf, table)):
                name = names.get(address, f"handler at {address:#x}")
                functions[name] = address
                self._handlers.add(name)
        return Image(
            elf=elf.path,
            layout=self.layout,
            functions=functions,
            timers=uses_timers(elf, table),
            console_symbol=CONSOLE_SYMBOL if CONSOLE_SYMBOL in functions else "",
            stops=[*stops, *sorted(self._handlers)],
            watch=watch,
            timing=self.board.timing,
            blob=self.veneer.blob if self.veneer else None,
            debugger=debugger,
            stack=watch.stack if watch is not None and watch.stack is not None else self.layout.ram,
        )

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
    def time_ps(self) -> int:
        """Board time in picoseconds."""
        return self._clock.at(self.cycles)

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
        model = cycle_model(self.board.timing)
        if self._image.timers:
            return f"{model}, of an image that reads timers or takes interrupts (waiting is not counted)"
        return f"{model} at {self.board.clock_hz} Hz, plus waiting"

    @property
    def engine_text(self) -> str:
        return f"{self.engine.name} {self.engine.version()} ({self.layout.machine})"

    @property
    def failure(self) -> FirmwareFailure | None:
        """How the firmware has failed; None: it has not, or the machine could go on after it."""
        return self._failure

    def set_clock(self, hz: int) -> None:
        """The core runs at another rate from now on."""
        self._clock.go_on(self.time_ps, self.cycles, hz)

    def restart(self, ram: bytes | None, pause_ps: int) -> None:
        """Power off, and on again after that board time; RAM is as it was, or as given. The console's log goes on."""
        now, area = self.time_ps + pause_ps, self.layout.ram
        content = self.session.read(area.origin, area.size) if ram is None else ram
        self.session.close()
        self.session = self.memory.session = self.engine.start(self._image)
        self.session.write(area.origin, content)
        self._clock.go_on(now, 0)
        self.port.restart()
        self._pending = self._request = None
        self._looked_at, self._loop_asked = (0, 0), 0

    # ---- running ----

    @property
    def has_port(self) -> bool:
        """Whether the firmware has a mailbox and a doorbell."""
        return self._mailbox is not None

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
        return self._pending is not None

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
        if self._failure is not None:
            raise self._failure.with_traceback(None)  # not the way of the first time it was raised
        if self.standing_in:
            raise UsageError(f"the machine stands still in {self.standing_in}: it cannot run from there",
                             hint="let the function return first")  # fmt: skip
        while not done():
            if self._pending is not None and not self._finish_pending(until_ps, awaited):
                return
            if done():
                return
            limit = self._clock.limit(until_ps)
            if self.cycles >= limit:
                return
            stop = self.session.resume(min(limit, self.cycles + slice_))
            self._take_console()
            if self.take_accesses is not None:
                self.take_accesses()
            if stop.kind is StopKind.SYMBOL and stop.symbol == DOORBELL:
                self._doorbell(awaited)
            elif stop.kind is StopKind.SYMBOL and stop.symbol in self.on_call:
                self.on_call[stop.symbol]()
            elif stop.kind is StopKind.LIMIT:
                self._look_at_loop(stop, awaited)
            else:
                self._unexpected(stop, awaited)

    @contextmanager
    def request_aside(self) -> Iterator[None]:
        """Inside, the firmware may ask for other things; what it waits for now is as before behind it."""
        pending, request, self._pending = self._pending, self._request, None
        box = b"" if self._mailbox is None else self.session.read(self._mailbox, SIZE)
        yield
        if self._mailbox is not None:
            self.session.write(self._mailbox, box)
        self._pending, self._request = pending, request

    def at(self, cycles: int, instructions: int) -> int:
        """Board time in ps at which the counts were these, if the core has not waited since."""
        return self._clock.at(instructions if self.session.cycles is None else cycles)

    def _doorbell(self, awaited: str) -> None:
        if self._mailbox is None:
            return
        try:
            request = decode(self.session.read(self._mailbox, SIZE))
            self._pending = self.port.answer(request, self.time_ps)
        except BadMailbox as error:
            raise self.failed(f"the mailbox holds nonsense: {error}", awaited=awaited) from None
        except PortMisuse as error:
            raise self.failed(str(error), awaited=awaited) from None
        except IndexError:
            raise self.failed(f"the mailbox at {self._mailbox:#010x} is not in RAM", awaited=awaited) from None
        self._request = request
        if self._pending.ready_ps <= self.time_ps and not self._pending.blocked and self.port.exit_code is None:
            self._give(self._pending)

    def _finish_pending(self, until_ps: int, awaited: str) -> bool:
        """Give the pending answer if its time has come by `until_ps`; otherwise board time moves on to that."""
        pending, request = self._pending, self._request
        assert pending is not None
        assert request is not None
        if self.port.exit_code is not None:
            raise self.failed("the firmware has ended its run (bl_exit) and waits for nothing more", awaited=awaited)
        if pending.blocked:
            if self.port.inputs is None:
                raise self.failed("the firmware asks for an input (bl_input), and the test gives none", awaited=awaited)
            self._pending = self.port.answer(request, self.time_ps)
            pending = self._pending
        if pending.ready_ps > until_ps:
            self._clock.wait_until(until_ps, self.cycles)
            return False
        self._clock.wait_until(pending.ready_ps, self.cycles)
        self._give(pending)
        return True

    def _give(self, answer: Answer) -> None:
        assert self._mailbox is not None
        self.session.write(self._mailbox + ANSWER_AT, encode_answer(answer.results, self.time_ps // 1000))
        self.session.write(self._mailbox + STATUS_AT, encode_status(answer.status))
        self._pending = None

    def _take_console(self) -> None:
        data, marks = self.session.console()
        if not data:
            return
        allowed = min(_CONSOLE_MAX, _CONSOLE_ROOM + _CONSOLE_RATE * self.time_ps // PS)
        room = max(0, allowed - len(self.log.raw))
        self.log.add(data[:room], marks or [self.cycles], self._clock.at)
        if len(data) > room or self.log.line_count > _LINES_MAX:
            what = f"{allowed} bytes" if len(data) > room else f"{_LINES_MAX} lines"
            raise self.failed(f"the firmware floods the UART: more than {what} in {shown(self.time_ps)}")

    # ---- failing and ending ----

    def _unexpected(self, stop: Stop, awaited: str) -> None:
        """A stop that nobody asked for: a failure, or an exception that the firmware may have."""
        if stop.kind is StopKind.SYMBOL and stop.symbol in self._handlers:
            registers = self.session.registers()
            number = registers.get("xpsr", 0) & 0x1FF
            if number in faults.FAULTS:
                evidence = Evidence.of_fault(self, number, registers)
                raise self.failed(evidence.reason, awaited=awaited, evidence=evidence)
            if is_endless(self.elf, stop.pc):
                what = f"{exception_name(number)} went to" if number else "the firmware called"
                raise self.failed(f"{what} {stop.symbol}, which is an endless loop", awaited=awaited)
            return
        if stop.symbol in ENDINGS:
            evidence = Evidence.of_call(self, stop.pc)
            raise self.failed(ENDINGS[stop.symbol], awaited=awaited, evidence=evidence)
        raise self.failed(stop.detail or f"stopped at {stop.symbol}", awaited=awaited)

    def _look_at_loop(self, stop: Stop, awaited: str) -> None:
        """At the end of a slice: a core that has stayed in one small loop may have ended without a stop.

        TFLM logs HALTED and loops for ever; a fault may have gone to a handler that no table or name told of.
        """
        before, self._looked_at = self._looked_at, (stop.pc, len(self.log.raw))
        if abs(before[0] - stop.pc) > _LOOP or before[1] != self._looked_at[1]:
            return
        if self.log.last_line == "HALTED":
            raise self.failed("the firmware has halted: it logged HALTED and loops for ever", awaited=awaited)
        if self._on_fault != "stop" or self.cycles - self._loop_asked < _SLICE:
            return
        self._loop_asked = self.cycles
        registers = self.session.registers()
        number = registers.get("xpsr", 0) & 0x1FF
        if number in faults.FAULTS:
            evidence = Evidence.in_handler(self, number, registers)
            raise self.failed(evidence.reason, awaited=awaited, evidence=evidence)

    def failed(
        self,
        reason: str,
        *,
        awaited: str = "",
        evidence: Evidence | None = None,
        kind: type[FirmwareFailure] = FirmwareFailure,
    ) -> FirmwareFailure:
        report = self.report(awaited, evidence)
        failure = kind(reason, str(report))
        if kind is not NotSeen:  # the machine can go on after something did not come
            self._failure = failure
        return failure

    def report(self, awaited: str = "", evidence: Evidence | None = None) -> Report:
        """The state of the machine as failures show it; the full log is written, if it was given a file."""
        evidence = evidence or Evidence.of_state(self)
        return Report(
            awaited=awaited,
            time_ps=self.time_ps,
            instructions=self.instructions,
            time_base=self.time_base,
            board=self.board.name,
            engine=self.engine_text,
            firmware=f"{self.elf.path.name} {self.elf.sha256[:12]}",
            console=self.log.tail(),
            decisions=[str(d) for d in self.port.decisions[-4:]],
            sensors=[str(c.statistics()) for c in self.sensors.values() if c.opened or c.statistics().stimulus],
            registers=evidence.registers,
            fault=evidence.lines,
            backtrace=evidence.backtrace,
            log=self._write_log(),
        )

    def _write_log(self) -> str:
        if self._log_file is None:
            return ""
        events = [(line.time_ps, f"{line}") for line in self.log.lines]
        events += [(round(d.time * PS), f"[{d.time:.6f} s] decision {d.described}") for d in self.port.decisions]
        events.sort(key=lambda e: e[0])
        try:
            self._log_file.parent.mkdir(parents=True, exist_ok=True)
            self._log_file.write_text("".join(f"{text}\n" for _, text in events), encoding="utf-8")
        except OSError as error:  # the evidence matters more than its copy
            return f"{self._log_file}: cannot be written: {error.strerror}"
        return str(self._log_file)

    def fault_word(self, address: int) -> int | None:
        """A word of the fault registers (see `sim.failure.faults`), or of RAM."""
        return self.session.system_word(address)

    def registers(self) -> dict[str, int]:
        """Core registers while the machine stands still."""
        return self.session.registers()

    def process_stacks(self) -> Sequence[int]:
        """In a handler: where the process stack pointer is, or may be."""
        return self.session.process_stacks()
