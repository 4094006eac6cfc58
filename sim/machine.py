"""Machine: one running virtual board, as a test holds it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sim.boards import Board
from sim.clock import CYCLE_MODEL, BoardClock
from sim.console import ConsoleLog, Line
from sim.decision import Decision
from sim.durations import PS, picoseconds, shown
from sim.elf import Elf, load_elf
from sim.engines.protocol import Arm, Engine, Image, Layout, Session, Stop, StopKind
from sim.errors import FirmwareFailure, UsageError, near
from sim.failure import faults
from sim.failure.evidence import Evidence
from sim.failure.report import Report
from sim.port.host import Answer, PortHost, PortMisuse
from sim.port.mailbox import (
    ANSWER_AT,
    DOORBELL,
    SIZE,
    STATUS_AT,
    SYMBOL,
    BadMailbox,
    decode,
    encode_answer,
    encode_status,
)
from sim.sensors.channel import SensorChannel
from sim.sensors.parts import part
from sim.sensors.stimulus import Stimulus
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
_CONSOLE_MAX = 4 << 20  # bytes; a firmware that logs more floods the UART
_BOOT_WITHIN = 10 * PS
_LOOP = 32  # bytes of code: a loop this small does nothing but wait
_SLICE = 50_000_000  # instructions between two looks at the console
_CLOSE_SLICE = 100_000  # the same while something on the console is awaited: so exactly does the machine stop there


class NotSeen(FirmwareFailure, AssertionError):
    """What a test waited for did not come in time."""


@dataclass(frozen=True)
class Spread:
    """Least, median and most of several runs."""

    min: int
    median: int
    max: int

    @staticmethod
    def of(values: list[int]) -> Spread:
        return Spread(min(values), int(statistics.median_low(values)), max(values))


@dataclass(frozen=True)
class Measurement:
    """Runs of a region, from its entry to its return.

    `cycles` is what board time runs on; `model` says how they were got from the counted instructions.
    """

    region: str
    runs: int
    instructions: Spread
    cycles: Spread
    model: str
    engine: str
    firmware_sha256: str
    info: Mapping[str, int]


class Sensor:
    """A sensor of the board, for the test to play something to."""

    def __init__(self, machine: Machine, channel: SensorChannel) -> None:
        self._machine = machine
        self.channel = channel

    def play(self, stimulus: Stimulus) -> None:
        """Begin to play at this board time; before the firmware has opened the sensor: from its opening on.

        Raises UsageError for channels or units that the part does not have.
        """
        self.channel.play(stimulus, self._machine.time_ps)

    @property
    def ended(self) -> bool:
        """Whether the firmware has taken all of the stimulus."""
        return self.channel.ended()

    def __str__(self) -> str:
        return str(self.channel.statistics())


class Console:
    """The UART: the log, and waiting for something in it."""

    def __init__(self, machine: Machine, log: ConsoleLog) -> None:
        self._machine = machine
        self.log = log

    @property
    def text(self) -> str:
        return self.log.text

    @property
    def raw(self) -> bytes:
        return bytes(self.log.raw)

    @property
    def lines(self) -> list[Line]:
        """All lines so far with the board time of each; the last one may be incomplete."""
        return self.log.lines

    def expect(self, what: str | re.Pattern[str], within: float | str = 1.0) -> re.Match[str]:
        """Run until the text (or compiled pattern) appears behind the last match; raises NotSeen after `within`.

        The machine stops within 100 000 instructions behind it.
        """
        found: re.Match[str] | None = None

        def seen() -> bool:
            nonlocal found
            found = found or self.log.find(what)
            return found is not None

        shown_as = repr(what) if isinstance(what, str) else f"pattern {what.pattern!r}"
        self._machine._run_until(seen, within, f"{shown_as} on the console", _CLOSE_SLICE)
        assert found is not None
        return found

    def __str__(self) -> str:
        return "\n".join(map(str, self.log.lines))


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
    ) -> None:
        if on_fault not in ("stop", "run"):
            raise UsageError(f"on_fault={on_fault!r}", hint="'stop' or 'run'")
        self.elf, self.board, self.engine, self.layout = elf, board, engine, layout
        self._on_fault = on_fault
        self._log = log
        self._clock = BoardClock(board.clock_hz)
        self._log_lines = ConsoleLog()
        self.console = Console(self, self._log_lines)
        self._sensors = {slot: SensorChannel(part(name), slot) for slot, name in board.parts.items()}
        self.port = PortHost(memory=self, sensors=self._sensors)
        self._mailbox = elf.symbols[SYMBOL].address if SYMBOL in elf.symbols else None
        self._pending: Answer | None = None
        self._failure: FirmwareFailure | None = None
        self._seen_decisions = 0
        self._looked_at = (0, 0, 0)  # pc, console bytes and instructions at the end of the last slice
        self._loop_asked = 0  # instructions when the registers were last looked at for that
        self._image = self._make_image()
        self._session: Session = engine.start(self._image)

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
    ) -> Self:
        """A machine that stands before its first instruction; the caller closes it."""
        image = load_elf(elf) if isinstance(elf, Path) else elf
        return cls(image, board, engine, layout or engine.layout(board), on_fault=on_fault, log=log)

    def _make_image(self) -> Image:
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
            stack=self.layout.ram,
        )

    # ---- time ----

    @property
    def instructions(self) -> int:
        """Instructions executed since reset."""
        return self._session.instructions

    @property
    def time_ps(self) -> int:
        """Board time in picoseconds."""
        return self._clock.at(self.instructions)

    @property
    def time(self) -> float:
        """Board time in seconds."""
        return self.time_ps / PS

    @property
    def time_base(self) -> str:
        """How board time is got. An image that reads timers has its own, which is never mixed with the other."""
        if self._image.timers:
            return "instructions of an image that reads timers or takes interrupts (waiting is not counted)"
        return f"{CYCLE_MODEL} at {self.board.clock_hz} Hz, plus waiting"

    # ---- running ----

    def run(self, duration: float | str) -> None:
        """Run for that much board time."""
        self._advance(self.time_ps + picoseconds(duration), lambda: False)

    def run_until_ready(self) -> None:
        """Run to the call of bl_ready(), or to the first request that waits; firmware without the port: nothing."""
        if self._mailbox is None:
            return
        self._run_until(
            lambda: self.port.ready or self._pending is not None or self.port.exit_code is not None,
            _BOOT_WITHIN / PS,
            "the firmware to be ready (bl_ready or a first request)",
        )

    def run_to_exit(self, within: float | str = 60.0, each: Callable[[], None] | None = None) -> int:
        """Run until the firmware calls bl_exit(); returns its code. `each` is called at every stop on the way."""

        def ended() -> bool:
            if each is not None:
                each()
            return self.port.exit_code is not None

        self._run_until(ended, within, "the firmware to end its run (bl_exit)")
        assert self.port.exit_code is not None
        return self.port.exit_code

    def run_to_end(self, within: float | str = "1 h") -> None:
        """Run until the firmware has taken all that is played to its sensors."""

        playing = [c for c in self._sensors.values() if c.statistics().stimulus]
        if not playing:
            raise UsageError("nothing is played to any sensor", hint="machine.imu.play(recording) first")
        self._run_until(lambda: not any(c.pending() for c in playing), within, "the stimulus to be taken")

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

        self._run_until(seen, within, f"a decision {label!r}" if label is not None else "a decision")
        assert found is not None
        self._seen_decisions = at
        return found

    @property
    def decisions(self) -> list[Decision]:
        """All decisions so far, oldest first."""
        return self.port.decisions

    def _run_until(self, seen: Callable[[], bool], within: float | str, awaited: str, slice_: int = _SLICE) -> None:
        end = self.time_ps + picoseconds(within)
        self._advance(end, seen, awaited, slice_)
        if not seen():
            raise self._failed(f"{awaited} did not come within {shown(picoseconds(within))} of board time",
                               awaited=awaited, kind=NotSeen)  # fmt: skip

    def _advance(self, until_ps: int, done: Callable[[], bool], awaited: str = "", slice_: int = _SLICE) -> None:
        """Run until `done()` or board time `until_ps`. `done` is asked after everything that can change it."""
        if self._failure is not None:
            raise self._failure.with_traceback(None)  # not the way of the first time it was raised
        while not done():
            if self._pending is not None and not self._finish_pending(until_ps, awaited):
                return
            if done():
                return
            limit = self._clock.limit(until_ps)
            if self.instructions >= limit:
                return
            stop = self._session.resume(min(limit, self.instructions + slice_))
            self._take_console()
            if stop.kind is StopKind.SYMBOL and stop.symbol == DOORBELL:
                self._doorbell(awaited)
            elif stop.kind is StopKind.LIMIT:
                self._look_at_loop(stop, awaited)
            else:
                self._unexpected(stop, awaited)

    def _doorbell(self, awaited: str) -> None:
        if self._mailbox is None:
            return
        try:
            request = decode(self._session.read(self._mailbox, SIZE))
            self._pending = self.port.answer(request, self.time_ps)
        except BadMailbox as error:
            raise self._failed(f"the mailbox holds nonsense: {error}", awaited=awaited) from None
        except PortMisuse as error:
            raise self._failed(str(error), awaited=awaited) from None
        self._request = request
        if self._pending.ready_ps <= self.time_ps and not self._pending.blocked and self.port.exit_code is None:
            self._give(self._pending)

    def _finish_pending(self, until_ps: int, awaited: str) -> bool:
        """Give the pending answer if its time has come by `until_ps`; otherwise board time moves on to that."""
        pending = self._pending
        assert pending is not None
        if self.port.exit_code is not None:
            raise self._failed("the firmware has ended its run (bl_exit) and waits for nothing more", awaited=awaited)
        if pending.blocked:
            if self.port.inputs is None:
                raise self._failed(
                    "the firmware asks for an input (bl_input), and the test gives none", awaited=awaited
                )
            self._pending = self.port.answer(self._request, self.time_ps)
            pending = self._pending
        if pending.ready_ps > until_ps:
            self._clock.wait_until(until_ps, self.instructions)
            return False
        self._clock.wait_until(pending.ready_ps, self.instructions)
        self._give(pending)
        return True

    def _give(self, answer: Answer) -> None:
        assert self._mailbox is not None
        self._session.write(self._mailbox + ANSWER_AT, encode_answer(answer.results, self.time_ps // 1000))
        self._session.write(self._mailbox + STATUS_AT, encode_status(answer.status))
        self._pending = None

    def _take_console(self) -> None:
        data, marks = self._session.console()
        if not data:
            return
        self._log_lines.add(data, [self._clock.at(m) for m in marks] or [self.time_ps])
        if len(self._log_lines.raw) > _CONSOLE_MAX:
            raise self._failed(f"the firmware floods the UART: more than {_CONSOLE_MAX} bytes")

    # ---- memory ----

    def readable(self, address: int, length: int) -> bytes:
        """Bytes of the board's RAM, or of the image in flash. Raises IndexError elsewhere."""
        ram = self.layout.ram
        if ram.origin <= address and address + length <= ram.end:
            return self._session.read(address, length)
        return self.elf.read(address, length)

    def check_ram(self, address: int, length: int) -> None:
        """Raises IndexError unless all of it is the board's RAM."""
        ram = self.layout.ram
        if not (ram.origin <= address and address + length <= ram.end):
            raise IndexError(f"{length} bytes at {address:#010x} are not in the board's RAM")

    def write_ram(self, address: int, data: bytes) -> None:
        """Write to the board's RAM. Raises IndexError elsewhere."""
        self.check_ram(address, len(data))
        self._session.write(address, data)

    def _address(self, where: str | int) -> tuple[int, int]:
        if isinstance(where, int):
            return where, 4
        symbol = self.elf.symbols.get(where)
        if symbol is None:
            raise UsageError(f"{self.elf.path.name} has no symbol {where!r}", hint=near(where, self.elf.symbols))
        return symbol.address, symbol.size

    def read(self, where: str | int, length: int | None = None) -> bytes:
        """Bytes of a symbol (all of it unless `length` is given) or at an address. Raises UsageError."""
        address, size = self._address(where)
        if length is None and size == 0:
            raise UsageError(f"{where!r} has no size in {self.elf.path.name}", hint="read(name, length)")
        try:
            return self.readable(address, size if length is None else length)
        except IndexError as error:
            raise UsageError(f"read of {where!r}: {error}") from None

    def read_int(self, where: str | int, *, signed: bool = False) -> int:
        """An integer variable (as wide as the symbol), or the word at an address. Raises UsageError."""
        data = self.read(where)
        if len(data) not in (1, 2, 4, 8):
            raise UsageError(f"{where!r} has {len(data)} bytes: no integer", hint="read() gives the bytes")
        return int.from_bytes(data, "little", signed=signed)

    def write(self, where: str | int, data: bytes | int) -> None:
        """Write bytes, or an integer as wide as the symbol (at an address: a word), to RAM.

        Raises UsageError; nothing is written then.
        """
        address, size = self._address(where)
        if isinstance(data, int):
            value = data
            try:
                data = value.to_bytes(size, "little", signed=value < 0)
            except OverflowError:
                raise UsageError(f"{value} does not fit into the {size} bytes of {where!r}") from None
        if isinstance(where, str) and size and len(data) > size:
            raise UsageError(f"{len(data)} bytes do not fit into {where!r}, which has {size}")
        try:
            self.write_ram(address, data)
        except IndexError as error:
            raise UsageError(f"write to {where!r}: {error}") from None

    # ---- sensors ----

    def sensor(self, slot: str) -> Sensor:
        """The sensor in a slot of the board. Raises UsageError where there is none."""
        channel = self._sensors.get(slot)
        if channel is None:
            raise UsageError(f"board {self.board.name} has no {slot!r}", hint=near(slot, self._sensors))
        return Sensor(self, channel)

    @property
    def imu(self) -> Sensor:
        """Accelerometer and gyroscope."""
        return self.sensor("imu")

    @property
    def microphone(self) -> Sensor:
        return self.sensor("microphone")

    # ---- measuring ----

    def measure(self, region: str, runs: int = 1, within: float | str = "60 s") -> Measurement:
        """Instructions of the next `runs` runs of a function, entry to return. `"invoke"`: TFLM's Invoke().

        Raises UsageError for an unknown function, NotSeen when it does not run often enough.
        """
        symbol = self.region_symbol(region)
        self._session.regions()  # those of earlier measurements
        self._session.arm(symbol, Arm(region=True))
        collected: list[int] = []

        def enough() -> bool:
            collected.extend(self.region_lengths(symbol))
            return len(collected) >= runs

        try:
            self._run_until(enough, within, f"{runs} runs of {region!r}")
        finally:
            self._session.arm(symbol, Arm())
        spread = Spread.of(collected[:runs])
        return Measurement(
            region, runs, spread, spread, CYCLE_MODEL, self.engine_text, self.elf.sha256, dict(self.port.info)
        )

    def arm(self, symbol: str, what: Arm) -> None:
        """Change what happens at a function (see `sim.engines.protocol.Arm`)."""
        self._session.arm(self.region_symbol(symbol), what)

    def region_lengths(self, symbol: str) -> list[int]:
        """Instructions of each run of an armed region that ended since the last call."""
        return [r.end - r.start for r in self._session.regions() if r.symbol == symbol]

    def region_symbol(self, region: str) -> str:
        """The function that a region's name stands for: itself, or `boardless_<name>`. Raises UsageError."""
        for name in (region, f"boardless_{region}"):
            if name in self.elf.functions:
                return name
        raise UsageError(
            f"{self.elf.path.name} has no function {region!r} (inlined away?)", hint=near(region, self.elf.functions)
        )

    @property
    def engine_text(self) -> str:
        return f"{self.engine.name} {self.engine.version()} ({self.layout.machine})"

    # ---- failing and ending ----

    def _unexpected(self, stop: Stop, awaited: str) -> None:
        """A stop that nobody asked for: a failure, or an exception that the firmware may have."""
        if stop.kind is StopKind.SYMBOL and stop.symbol in self._handlers:
            registers = self._session.registers()
            number = registers.get("xpsr", 0) & 0x1FF
            if number in faults.FAULTS:
                evidence = Evidence.of_fault(self, number, registers)
                raise self._failed(evidence.reason, awaited=awaited, evidence=evidence)
            if is_endless(self.elf, stop.pc):
                what = f"{exception_name(number)} went to" if number else "the firmware called"
                raise self._failed(f"{what} {stop.symbol}, which is an endless loop", awaited=awaited)
            return
        if stop.symbol in ENDINGS:
            evidence = Evidence.of_call(self, stop.pc)
            raise self._failed(ENDINGS[stop.symbol], awaited=awaited, evidence=evidence)
        raise self._failed(stop.detail or f"stopped at {stop.symbol}", awaited=awaited)

    def _look_at_loop(self, stop: Stop, awaited: str) -> None:
        """At the end of a slice: a core that has stayed in one small loop may have ended without a stop.

        TFLM logs HALTED and loops for ever; a fault may have gone to a handler that no table or name told of.
        """
        before, self._looked_at = self._looked_at, (stop.pc, len(self._log_lines.raw), self.instructions)
        if abs(before[0] - stop.pc) > _LOOP or before[1] != self._looked_at[1]:
            return
        if self._log_lines.last_line == "HALTED":
            raise self._failed("the firmware has halted: it logged HALTED and loops for ever", awaited=awaited)
        if self._on_fault != "stop" or self.instructions - self._loop_asked < _SLICE:
            return
        self._loop_asked = self.instructions
        registers = self._session.registers()
        number = registers.get("xpsr", 0) & 0x1FF
        if number in faults.FAULTS:
            evidence = Evidence.in_handler(self, number, registers)
            raise self._failed(evidence.reason, awaited=awaited, evidence=evidence)

    def _failed(
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
            console=self._log_lines.tail(),
            decisions=[str(d) for d in self.port.decisions[-4:]],
            sensors=[str(c.statistics()) for c in self._sensors.values() if c.opened or c.statistics().stimulus],
            registers=evidence.registers,
            fault=evidence.lines,
            backtrace=evidence.backtrace,
            log=self._write_log(),
        )

    def _write_log(self) -> str:
        if self._log is None:
            return ""
        events = [(line.time_ps, f"{line}") for line in self._log_lines.lines]
        events += [(round(d.time * PS), f"[{d.time:.6f} s] decision {d.described}") for d in self.port.decisions]
        events.sort(key=lambda e: e[0])
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._log.write_text("".join(f"{text}\n" for _, text in events), encoding="utf-8")
        except OSError as error:  # the evidence matters more than its copy
            return f"{self._log}: cannot be written: {error.strerror}"
        return str(self._log)

    def fault_word(self, address: int) -> int | None:
        """A word of the fault registers (see `sim.failure.faults`), or of RAM."""
        return self._session.system_word(address)

    def registers(self) -> dict[str, int]:
        """Core registers while the machine stands still."""
        return self._session.registers()

    def process_stacks(self) -> Sequence[int]:
        """In a handler: where the process stack pointer is, or may be."""
        return self._session.process_stacks()

    def close(self) -> None:
        """End the engine. Safe to call twice."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


__all__ = ["ENDINGS", "Console", "Machine", "Measurement", "NotSeen", "Sensor", "Spread", "faults"]
