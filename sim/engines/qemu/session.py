"""One QEMU process with the probe in it, playing one board."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sim.engines.protocol import (
    Access,
    Arm,
    CallNode,
    CodeBlock,
    Image,
    RegionRun,
    StackWritten,
    Stalls,
    Stop,
    StopKind,
    WatchedMemory,
)
from sim.engines.qemu import steer
from sim.engines.qemu.control import EVENT_HANDLER, EVENT_UNSEEN
from sim.engines.qemu.launch import NO_SANDBOX
from sim.engines.qemu.program import SANDBOX
from sim.engines.qemu.typing_in import TypingIn
from sim.engines.qemu.waiting import ANSWER_WITHIN, Waiting
from sim.engines.qemu.wiring import Wiring
from sim.errors import CannotPlay, SetupError, UsageError

_START_WITHIN = 30.0  # s of host time for the process to come up
_NO_MOVE = (
    "this QEMU on this host cannot let the core go on elsewhere: no calls of functions, no interception, no watching "
    "of memory, no runs of handlers"
)
_FLASH = struct.Struct("<5I")  # struct write_request in probe/flash.c


def _earlier(one: int | None, other: int | None) -> int | None:
    """Of two counts of the clock; None: never."""
    return min((count for count in (one, other) if count is not None), default=None)


def open_session(program: Path, image: Image) -> QemuSession:
    """Start QEMU; in its sandbox where this build of it has one. Raises SetupError."""
    try:
        return QemuSession(program, image)
    except SetupError as error:
        if program in NO_SANDBOX or "sandbox" not in error.message.replace(SANDBOX, ""):
            raise
        NO_SANDBOX.add(program)
    return QemuSession(program, image)


class QemuSession:
    """A running firmware (see `sim.engines.protocol.Session`)."""

    def __init__(self, program: Path, image: Image) -> None:
        self._image = image
        self._closed = False
        self._console_read = 0
        self._marks_kept: list[int] = []
        self._regions_kept: list[RegionRun] = []
        self._moves = False  # the core goes on elsewhere
        self._watches = False  # memory is watched
        self._regions: set[str] = set()  # armed ones
        self._handlers = False  # one of them is a handler
        self._looks = False  # code tells of every access and of every block
        wiring = Wiring(program, image)
        with contextlib.ExitStack() as undo:
            undo.callback(wiring.close)
            self._control, self._ram, self._monitor = wiring.control, wiring.ram, wiring.monitor
            self._wiring, self._waiting = wiring, Waiting(wiring, image)
            self._typing = TypingIn(wiring.typed, wiring.monitor) if wiring.typed is not None else None
            if image.debugger:
                self._monitor.is_shut_down()  # it answers when its sockets are there
                image.debugger.ready()
            stop = self._waiting.stop(None if image.debugger else time.monotonic() + _START_WITHIN)
            if stop.kind is not StopKind.START:
                raise SetupError(f"{program} did not start {image.layout.machine}: {stop.detail}")
            if image.layout.native:
                self._take_ram()
            # From here on close() does what the stack would have done.
            self._undo = undo.pop_all()

    @property
    def pid(self) -> int:
        """Of the QEMU process."""
        return self._wiring.process.pid

    # ---- running ----

    @property
    def instructions(self) -> int:
        return self._control.count

    @property
    def cycles(self) -> int | None:
        return self._control.cycles if self._image.timing else None

    @property
    def time_ps(self) -> int | None:
        return None

    def stalls(self) -> Stalls:
        """What flash made the core wait, by the image's timing model."""
        return self._control.stalls()

    def send(self, data: bytes, apart: int) -> None:
        if self._typing is None:
            raise CannotPlay(
                f"QEMU's {self._image.layout.machine} has no UART of the product that takes input",
                hint="images for the board itself, on a board whose file names a machine with its peripherals "
                "(docs/images.md); or --engine renode",
            )
        self._typing.add(data, self._clock, apart)

    @property
    def _clock(self) -> int:
        return self._control.cycles if self._image.timing else self._control.count

    def resume(self, limit: int | None = None) -> Stop:
        typing = self._typing
        while typing is not None and (due := typing.next_due()) is not None:
            if self._sleeps:
                stop = self._woken(typing, limit)
            elif due <= self._clock:
                typing.give_one()
                continue
            else:
                stop = self._go_on(_earlier(due, limit))
            due = typing.next_due()
            in_time = due is not None and due <= self._clock and (limit is None or self._clock < limit)
            if due is None or not (stop.kind is StopKind.ASLEEP or (stop.kind is StopKind.LIMIT and in_time)):
                return stop
        return self._go_on(limit)

    @property
    def _sleeps(self) -> bool:
        """Only input can wake the core."""
        return self._waiting.last is not None and self._waiting.last.kind is StopKind.STUCK

    def _woken(self, typing: TypingIn, limit: int | None) -> Stop:
        """What comes of the next byte, due or not. Without waiting for that, one behind it could come before the
        firmware has taken this one: no line is that fast."""
        self._control.set_limit(_earlier(typing.following(), limit))
        typing.give_one()
        return self._awaited(self._waiting.stop(None, input_waits=True))

    def _awaited(self, stop: Stop) -> Stop:
        """A core that sleeps may be woken by input, where there can be some."""
        if stop.kind is StopKind.STUCK and self._typing is not None:
            return replace(stop, kind=StopKind.ASLEEP)
        return stop

    def _go_on(self, limit: int | None) -> Stop:
        if not self._moves:
            self._look()
        stop = self._gone_on(limit)
        while self._waiting.stands_still and self._control.event()[0] in (EVENT_HANDLER, EVENT_UNSEEN):
            kind, pc, symbol = self._control.event()
            if kind == EVENT_UNSEEN:
                raise UsageError(f"{symbol} interrupts code whose stack is not in the RAM of the board: its runs "
                                 "cannot be measured")  # fmt: skip
            self._handlers = True
            self._look()
            if self._control.stops_at(symbol):
                return Stop(StopKind.SYMBOL, pc=pc, symbol=symbol)
            stop = self._gone_on(limit)
        return stop

    def _look(self) -> None:
        """Code is translated anew where that is needed: for accesses to memory, and for the ends of handlers."""
        looks = self._watches or (self._handlers and bool(self._regions))
        if looks == self._looks or not self._waiting.stands_still:
            return
        core = self.core()
        self._looks = looks
        self._control.steer.look(looks)
        self._monitor.translate_anew(looks)
        self.stand_at(core)

    def _gone_on(self, limit: int | None) -> Stop:
        last = self._waiting.last
        if last is not None and last.kind in (StopKind.ENDED, StopKind.STUCK, StopKind.RESET):
            return self._awaited(last)
        self._control.set_limit(limit)
        moves, self._moves = self._moves, False
        with contextlib.suppress(OSError):  # QEMU is gone: the wait says why
            self._wiring.socket.send(steer.MOVE if moves else b"c")
        input_waits = self._typing is not None and self._typing.next_due() is not None
        stop = self._awaited(self._waiting.stop(None, input_waits=input_waits))
        if moves and self._control.steer.refused:
            raise SetupError(_NO_MOVE)
        return stop

    # ---- looking ----

    def arm(self, symbol: str, what: Arm) -> None:
        (self._regions.add if what.region else self._regions.discard)(symbol)
        self._control.arm(symbol, what)

    def _span(self, address: int, length: int) -> slice:
        at = address - self._image.layout.room.origin
        if length < 0 or at < 0 or at + length > self._image.layout.room.size:
            raise IndexError(f"{length} bytes at {address:#010x} are not in RAM")
        return slice(at, at + length)

    def read(self, address: int, length: int) -> bytes:
        return self._ram[self._span(address, length)]

    def write(self, address: int, data: bytes) -> None:
        self._ram[self._span(address, len(data))] = data

    def write_flash(self, address: int, data: bytes, *, code: bool) -> None:
        flash = self._image.layout.flash
        if not self._waiting.stands_still:
            raise SetupError("flash can be written only while the core stands still and goes on")
        for at in range(0, len(data), 4096):
            piece = data[at : at + 4096]
            head = _FLASH.pack(flash.origin, flash.size, address + at, len(piece), code)
            if not self._wiring.ask(b"w" + head + piece) or not self._control.said_yes:
                raise IndexError(f"{len(data)} bytes at {address:#010x} are not in the twin's flash")

    def registers(self) -> dict[str, int]:
        return self._waiting.registers()

    def core(self) -> Sequence[int]:
        if not self._waiting.stands_still or self._waiting.left:
            return ()
        if not self._control.steer.can_move:
            raise SetupError(_NO_MOVE, hint="so far it can on x86-64")
        return self._control.steer.core if self._ask_probe(steer.REGISTERS) else ()

    def set_core(self, registers: Sequence[int]) -> None:
        self._control.steer.core = registers
        self._moves = True

    def stand_at(self, registers: Sequence[int]) -> None:
        pc = registers[15]
        with self._control.disarmed(pc):
            self.set_core(registers)
            stop = self.resume(0)
            while stop.kind is StopKind.LIMIT and stop.pc != pc:  # an interrupt came first
                stop = self.resume(0)
        if stop.pc != pc:
            raise SetupError(f"the core did not come back to {pc:#010x}: {stop}")

    def floats(self) -> Sequence[int]:
        return () if self._waiting.left else self._monitor.floats()

    def watch_memory(self, places: Sequence[WatchedMemory]) -> None:
        self._control.steer.watch(places)
        self._watches = bool(places)
        self._look()

    def accesses(self) -> tuple[list[Access], Sequence[int]]:
        return self._control.steer.accesses(), self._control.steer.dropped()

    def _take_ram(self) -> None:
        """The machine's own RAM becomes the file that is shared with us."""
        room = self._image.layout.room
        host = self._monitor.host_address(room.origin)
        if host is not None:
            self._control.steer.set_ram(host, room.size)
        if host is None or not self._ask_probe(steer.TAKE_RAM):
            raise SetupError(f"the RAM of QEMU's {self._image.layout.machine} cannot be shared")

    def _ask_probe(self, request: bytes) -> bool:
        """A request while the core stands still; whether it was done."""
        return self._wiring.ask(request) and not self._control.steer.refused

    def process_stacks(self) -> Sequence[int]:
        if not self._waiting.stands_still:
            return ()
        return self._control.process_stacks() if self._wiring.ask(b"p", ANSWER_WITHIN) else ()

    def system_word(self, address: int) -> int | None:
        return None if self._waiting.left else self._monitor.word(address)

    def _drain(self) -> None:
        self._marks_kept += self._control.take_marks()
        self._regions_kept += self._control.take_regions()

    def console(self) -> tuple[bytes, Sequence[int]]:
        data = self._wiring.console(self._console_read)
        self._console_read += len(data)
        self._drain()
        marks, self._marks_kept = self._marks_kept, []
        return data, marks

    def regions(self) -> list[RegionRun]:
        self._drain()
        runs, self._regions_kept = self._regions_kept, []
        return runs

    def stack_written(self) -> StackWritten | None:
        watched = self._image.watch is not None and self._image.watch.stack is not None
        return self._control.stack_written() if watched else None

    def calls(self) -> list[CallNode]:
        return self._control.calls()

    def code(self) -> list[CodeBlock]:
        return self._control.code()

    # ---- ending ----

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._undo.close()

    def __del__(self) -> None:
        """A session that nobody closed, say after an exception in mid-construction of its owner."""
        if getattr(self, "_undo", None) is not None:
            self.close()
