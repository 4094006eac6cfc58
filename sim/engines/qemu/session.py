"""One QEMU process with the probe in it, playing one board."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from sim.elf import load_elf
from sim.engines.protocol import (
    ENDED_BY_DEBUGGER,
    Access,
    Arm,
    CallNode,
    CodeBlock,
    Image,
    RegionRun,
    Stalls,
    Stop,
    StopKind,
    WatchedMemory,
)
from sim.engines.qemu import control as ctl
from sim.engines.qemu import steer
from sim.engines.qemu.code import code_of
from sim.engines.qemu.ending import last_registers, why_ended
from sim.engines.qemu.monitor import Monitor
from sim.engines.qemu.probe import ensure_probe
from sim.engines.qemu.process import asleep, limit_process
from sim.engines.qemu.program import SANDBOX
from sim.engines.qemu.shared import anonymous_file, fd_path, shared_file
from sim.errors import SetupError

# The firmware can make none of these happen by being slow: they only catch an engine without progress.
_LOOK_EVERY = 0.1  # s of host time between two looks at a core that does not stop
_ASLEEP_AFTER = 2  # looks in a row without one instruction, every thread of QEMU waiting for something
_STUCK_AFTER = 60  # looks in a row without one instruction
_START_WITHIN = 30.0  # s of host time for the process to come up


_RESET = "the firmware asked for a reset (AIRCR.SYSRESETREQ)"
_NO_MOVE = "this QEMU on this host cannot let the core go on elsewhere: no calls of functions, no interception"
_STACK_LEFT = "stack overflow: the stack pointer has left the RAM"
_KINDS = {
    ctl.EVENT_START: StopKind.START,
    ctl.EVENT_SYMBOL: StopKind.SYMBOL,
    ctl.EVENT_LIMIT: StopKind.LIMIT,
    ctl.EVENT_FULL: StopKind.LIMIT,  # so that the caller takes console bytes and regions before they are too many
    ctl.EVENT_STACK: StopKind.STACK,
}
_FLASH = struct.Struct("<5I")  # struct write_request in probe/flash.c
_OF_PROBE = frozenset(_KINDS.values())
_NO_SANDBOX: set[Path] = set()  # programs that were built without it


def open_session(program: Path, version: tuple[int, int, int], image: Image) -> QemuSession:
    """Start QEMU; in its sandbox where this build of it has one. Raises SetupError."""
    try:
        return QemuSession(program, version, image)
    except SetupError as error:
        if program in _NO_SANDBOX or "sandbox" not in error.message.replace(SANDBOX, ""):
            raise
        _NO_SANDBOX.add(program)
    return QemuSession(program, version, image)


class QemuSession:
    """A running firmware (see `sim.engines.protocol.Session`)."""

    def __init__(self, program: Path, version: tuple[int, int, int], image: Image) -> None:
        self._version = version
        self._image = image
        self._ram_at = image.layout.room.origin
        arms = {name: Arm(stop=True) for name in image.stops}
        if image.console_symbol:
            arms[image.console_symbol] = Arm(mark=True)
        self._closed = False
        self._console_read = 0
        self._marks_kept: list[int] = []
        self._regions_kept: list[RegionRun] = []
        self._last: Stop | None = None
        self._left: dict[str, int] = {}
        self._moves = False  # the core goes on elsewhere
        self._watches = False
        with contextlib.ExitStack() as undo:
            self._control = ctl.Control(
                self._with_reset(image),
                arms,
                exact=image.timers,
                console=0 if image.console_symbol else image.layout.console_base,
                stack=image.stack,
                timing=image.timing.pack(image.layout.flash.origin, image.layout.flash.size) if image.timing else None,
                watch=image.watch,
                code=code_of(load_elf(image.elf)),
            )
            undo.callback(self._control.close)
            if image.watch is not None and image.watch.stack is not None:
                self._control.watch_stack(image.watch.stack, image.layout.ram)
            undo.callback(os.close, self._control.fd)
            ram_fd, self._ram = shared_file("boardless-ram", image.layout.room.size)
            undo.callback(self._ram.close)
            undo.callback(os.close, ram_fd)
            self._console_fd = anonymous_file("boardless-console")
            undo.callback(os.close, self._console_fd)
            self._stderr_fd = anonymous_file("boardless-stderr")
            undo.callback(os.close, self._stderr_fd)
            self._blob_fd = anonymous_file("boardless-blob")
            undo.callback(os.close, self._blob_fd)
            os.write(self._blob_fd, image.blob.data if image.blob else b"")
            self._socket, theirs = socket.socketpair()
            undo.callback(self._socket.close)
            self._qmp, qmp_theirs = socket.socketpair()
            undo.callback(self._qmp.close)
            with theirs, qmp_theirs:
                self._process = self._spawn(program, ram_fd, theirs.fileno(), qmp_theirs.fileno())
            undo.callback(self._kill)
            limit_process(self._process.pid)
            self._monitor = Monitor(self._qmp)
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)
            self._poll.register(self._qmp, select.POLLIN)
            if image.debugger:
                self._monitor.is_shut_down()  # it answers when its sockets are there
                image.debugger.ready()
            stop = self._wait(None if image.debugger else time.monotonic() + _START_WITHIN)
            if stop.kind is not StopKind.START:
                raise SetupError(f"{program} did not start {image.layout.machine}: {stop.detail}")
            if image.layout.native:
                self._take_ram()
            # From here on close() does what the stack would have done.
            self._undo = undo.pop_all()

    def _spawn(self, program: Path, ram_fd: int, probe_fd: int, qmp_fd: int) -> subprocess.Popen[bytes]:
        layout = self._image.layout
        backend = [
            "-machine", f"{layout.machine},memory-backend=ram",
            "-object", f"memory-backend-file,id=ram,size={layout.room.size},share=on,mem-path={fd_path(ram_fd)}",
            "-m", f"{layout.room.size >> 20}M",
        ]  # fmt: skip
        command = [
            str(program),
            *(["-machine", layout.machine] if layout.native else backend),
            "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-nic", "none",
            # A reset request leaves the machine standing, so that its state can be looked at.
            "-action", "reboot=shutdown,shutdown=pause",
            "-chardev", f"file,id=uart,path={fd_path(self._console_fd)}", "-serial", "chardev:uart",
            "-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control",
            "-plugin", (
                f"{ensure_probe()},socket={probe_fd},control={self._control.fd},ram={ram_fd}"
                f",ram_at={layout.room.origin:#x}"
            ),
            "-kernel", str(self._image.elf.absolute()),
        ]  # fmt: skip
        if program not in _NO_SANDBOX:
            command += ["-sandbox", SANDBOX]
        if self._image.blob:
            blob = f"loader,file={fd_path(self._blob_fd)},addr={self._image.blob.address:#x},force-raw=on"
            command += ["-device", blob]
        if self._image.debugger:  # stands still until it is told to go on
            path = str(self._image.debugger.socket).replace(",", ",,")
            command += ["-S", "-chardev", f"socket,id=gdb,server=on,wait=off,path={path}", "-gdb", "chardev:gdb"]
        if self._image.timers:
            # Virtual time follows instructions (8 ns each) and never waits for the host.
            command += ["-icount", "shift=3,sleep=off"]
        keep = (ram_fd, probe_fd, qmp_fd, self._control.fd, self._console_fd, self._blob_fd)
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr_fd,
                pass_fds=keep,
                env={"PATH": os.environ.get("PATH", ""), "LANG": "C"},
                cwd="/",
                process_group=0,  # Ctrl-C is for us; we end QEMU then
            )
        except OSError as error:
            raise SetupError(f"{program}: cannot be started: {error.strerror}") from None

    # ---- running ----

    @property
    def instructions(self) -> int:
        return self._control.count

    @property
    def cycles(self) -> int | None:
        return self._control.cycles if self._image.timing else None

    def stalls(self) -> Stalls:
        """What flash made the core wait, by the image's timing model."""
        return self._control.stalls()

    def resume(self, limit: int | None = None) -> Stop:
        if self._last is not None and self._last.kind in (StopKind.ENDED, StopKind.STUCK, StopKind.RESET):
            return self._last
        self._control.set_limit(limit)
        moves, self._moves = self._moves, False
        with contextlib.suppress(OSError):  # QEMU is gone: the wait says why
            self._socket.send(steer.MOVE if moves else b"c")
        stop = self._wait(None)
        if moves and self._control.steer.refused:
            raise SetupError(_NO_MOVE)
        return stop

    def _wait(self, deadline: float | None) -> Stop:
        self._last = self._next_stop(deadline)
        return self._last

    def _next_stop(self, deadline: float | None) -> Stop:
        looks, before = 0, -1
        while True:
            ready = [fd for fd, _ in self._poll.poll(_LOOK_EVERY * 1000)]
            if self._socket.fileno() in ready:
                return self._stop_of_probe()
            elif ready:  # an event of QEMU's, or its end, which the probe's socket says too
                if self._monitor.reset_requested():
                    return self._reset()
                if self._monitor.shut_down and self._image.debugger:
                    return Stop(StopKind.ENDED, detail=ENDED_BY_DEBUGGER)
                if self._monitor.gone:
                    self._poll.unregister(self._qmp)
            else:
                now = self._control.count
                looks = looks + 1 if now == before else 0
                before = now
                if self._image.debugger:  # which may hold the core as long as it likes
                    continue
                late = deadline is not None and time.monotonic() > deadline
                if late or (deadline is None and self._no_progress(looks)):
                    return self._stuck()

    def _stop_of_probe(self) -> Stop:
        """What the probe stopped for."""
        try:
            byte = self._socket.recv(1)
        except ConnectionResetError:
            byte = b""
        if not byte:
            return Stop(StopKind.ENDED, detail=self._why_ended())
        kind, pc, symbol = self._control.event()
        return Stop(_KINDS[kind], pc=pc, symbol=symbol, detail=self._stack_left() if kind == ctl.EVENT_STACK else "")

    def _no_progress(self, looks: int) -> bool:
        # A host that is busy starves QEMU, but then a thread of it wants to run.
        return looks >= _STUCK_AFTER or (looks >= _ASLEEP_AFTER and asleep(self._process.pid))

    def _reset(self) -> Stop:
        return Stop(StopKind.RESET, pc=self.registers().get("pc", 0), detail=_RESET)

    def _stuck(self) -> Stop:
        if self._monitor.is_shut_down():  # before QEMU had begun to send events
            return self._reset()
        return Stop(
            StopKind.STUCK,
            pc=self.registers().get("pc", 0),
            detail="the core executes no instruction: it sleeps, and nothing is left to wake it",
        )

    def _why_ended(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._kill()
            code = -signal.SIGKILL
        size = os.fstat(self._stderr_fd).st_size
        errors = os.pread(self._stderr_fd, min(size, 16384), max(0, size - 16384))
        text = errors.decode("utf-8", "replace")
        if self._image.debugger and code == 0:
            return ENDED_BY_DEBUGGER
        self._left = last_registers(text)
        return why_ended(code, text)

    # ---- looking ----

    def arm(self, symbol: str, what: Arm) -> None:
        self._control.arm(symbol, what)

    def _span(self, address: int, length: int) -> slice:
        at = address - self._ram_at
        if length < 0 or at < 0 or at + length > self._image.layout.room.size:
            raise IndexError(f"{length} bytes at {address:#010x} are not in RAM")
        return slice(at, at + length)

    def read(self, address: int, length: int) -> bytes:
        return self._ram[self._span(address, length)]

    def write(self, address: int, data: bytes) -> None:
        self._ram[self._span(address, len(data))] = data

    def write_flash(self, address: int, data: bytes, *, code: bool) -> None:
        flash = self._image.layout.flash
        if self._last is None or self._last.kind not in _OF_PROBE:
            raise SetupError("flash can be written only while the core stands still and goes on")
        for at in range(0, len(data), 4096):
            piece = data[at : at + 4096]
            head = _FLASH.pack(flash.origin, self._image.layout.flash_room, address + at, len(piece), code)
            self._socket.sendall(b"w" + head + piece)
            self._socket.settimeout(_LOOK_EVERY * _STUCK_AFTER)
            if not self._socket.recv(1) or not self._control.said_yes:
                raise IndexError(f"{len(data)} bytes at {address:#010x} are not in the twin's flash")

    def registers(self) -> dict[str, int]:
        registers = self._left or self._monitor.registers()
        # The core's own pc is only right between blocks; the probe knows that of its stop.
        if registers and self._last is not None and self._last.kind in _OF_PROBE:
            registers["pc"] = self._last.pc
        return registers

    def core(self) -> Sequence[int]:
        if self._last is None or self._last.kind not in _OF_PROBE or self._left:
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
        return () if self._left else self._monitor.floats()

    def watch_memory(self, places: Sequence[WatchedMemory]) -> None:
        core = self.core()
        self._control.steer.watch(places)
        if self._watches != bool(places):
            self._watches = bool(places)
            self._monitor.translate_anew(self._watches)
            self.stand_at(core)

    def accesses(self) -> tuple[list[Access], Sequence[int]]:
        return self._control.steer.accesses(), self._control.steer.dropped()

    @staticmethod
    def _with_reset(image: Image) -> dict[str, int]:
        """The functions, and the place where the core begins: also an image without symbols can be held there."""
        functions = dict(image.functions)
        with contextlib.suppress(IndexError):
            reset = load_elf(image.elf).word(image.layout.vectors + 4) & ~1
            if reset not in functions.values():
                functions["(reset)"] = reset
        return functions

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
        try:
            self._socket.send(request)
            return bool(self._socket.recv(1)) and not self._control.steer.refused
        except OSError:
            return False

    def process_stacks(self) -> Sequence[int]:
        if self._last is None or self._last.kind not in _OF_PROBE:
            return ()
        try:
            self._socket.send(b"p")
            self._socket.settimeout(_LOOK_EVERY * _STUCK_AFTER)
            return self._control.process_stacks() if self._socket.recv(1) else ()
        except OSError:
            return ()

    def system_word(self, address: int) -> int | None:
        return None if self._left else self._monitor.word(address)

    def _drain(self) -> None:
        self._marks_kept += self._control.take_marks()
        self._regions_kept += self._control.take_regions()

    def console(self) -> tuple[bytes, Sequence[int]]:
        size = os.fstat(self._console_fd).st_size
        data = os.pread(self._console_fd, size - self._console_read, self._console_read)
        self._console_read += len(data)
        self._drain()
        marks, self._marks_kept = self._marks_kept, []
        return data, marks

    def regions(self) -> list[RegionRun]:
        self._drain()
        runs, self._regions_kept = self._regions_kept, []
        return runs

    def stack_written(self) -> int | None:
        watched = self._image.watch is not None and self._image.watch.stack is not None
        return self._control.stack_written() if watched else None

    def _stack_left(self) -> str:
        stack = self._image.watch.stack if self._image.watch else None
        if stack is None:
            return _STACK_LEFT
        address, pc = self._control.stack_left()
        if address:
            end = f"{stack.origin:#010x}"
            return f"stack overflow: the store at {pc:#010x} writes {address:#010x}, below the stack that ends at {end}"
        return f"stack overflow: the stack pointer is outside the stack, {stack.origin:#010x} to {stack.end:#010x}"

    def calls(self) -> list[CallNode]:
        return self._control.calls()

    def code(self) -> list[CodeBlock]:
        return self._control.code()

    # ---- ending ----

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._undo.close()

    def __del__(self) -> None:
        """A session that nobody closed, say after an exception in mid-construction of its owner."""
        if getattr(self, "_undo", None) is not None:
            self.close()
