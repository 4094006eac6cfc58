"""One QEMU process with the probe in it, playing one board."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from sim.engines.protocol import Arm, Image, RegionRun, Stop, StopKind
from sim.engines.qemu import control as ctl
from sim.engines.qemu.ending import why_ended
from sim.engines.qemu.monitor import Monitor
from sim.engines.qemu.probe import ensure_probe
from sim.engines.qemu.shared import anonymous_file, fd_path, shared_file
from sim.errors import SetupError

# The firmware can make none of these happen by being slow: they only catch an engine without progress.
_LOOK_EVERY = 0.5  # s of host time between two looks at a core that does not stop
_STUCK_AFTER = 6  # looks in a row without one instruction
_START_WITHIN = 30.0  # s of host time for the process to come up

_CONSOLE_MAX = 64 << 20  # bytes: a process that writes more to a file is killed by the kernel
_ADDRESS_SPACE = 8 << 30  # bytes of address space for QEMU (it needs under 3 GB, for a 2 GB DDR twin)


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
        self._monitor: Monitor | None = None
        self._last: Stop | None = None
        with contextlib.ExitStack() as undo:
            self._control = ctl.Control(
                image.functions,
                arms,
                exact=image.timers,
                console=0 if image.console_symbol else image.layout.console_base,
            )
            undo.callback(self._control.close)
            undo.callback(os.close, self._control.fd)
            ram_fd, self._ram = shared_file("boardless-ram", image.layout.room.size)
            undo.callback(self._ram.close)
            undo.callback(os.close, ram_fd)
            self._console_fd = anonymous_file("boardless-console")
            undo.callback(os.close, self._console_fd)
            self._stderr_fd = anonymous_file("boardless-stderr")
            undo.callback(os.close, self._stderr_fd)
            self._socket, theirs = socket.socketpair()
            undo.callback(self._socket.close)
            self._qmp, qmp_theirs = socket.socketpair()
            undo.callback(self._qmp.close)
            with theirs, qmp_theirs:
                self._process = self._spawn(program, ram_fd, theirs.fileno(), qmp_theirs.fileno())
            undo.callback(self._kill)
            self._limit_process()
            stop = self._wait(time.monotonic() + _START_WITHIN)
            if stop.kind is not StopKind.START:
                raise SetupError(f"{program} did not start {image.layout.machine}: {stop.detail}")
            # From here on close() does what the stack would have done.
            self._undo = undo.pop_all()

    def _spawn(self, program: Path, ram_fd: int, probe_fd: int, qmp_fd: int) -> subprocess.Popen[bytes]:
        layout = self._image.layout
        command = [
            str(program),
            "-machine", f"{layout.machine},memory-backend=ram",
            "-object", f"memory-backend-file,id=ram,size={layout.room.size},share=on,mem-path={fd_path(ram_fd)}",
            "-m", f"{layout.room.size >> 20}M",
            "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-nic", "none",
            "-no-reboot",
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            "-chardev", f"file,id=uart,path={fd_path(self._console_fd)}", "-serial", "chardev:uart",
            "-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control",
            "-plugin", (
                f"{ensure_probe()},socket={probe_fd},control={self._control.fd},ram={ram_fd}"
                f",ram_at={layout.room.origin:#x}"
            ),
            "-kernel", str(self._image.elf.absolute()),
        ]  # fmt: skip
        if self._image.timers:
            # Virtual time follows instructions (8 ns each) and never waits for the host.
            command += ["-icount", "shift=3,sleep=off"]
        keep = (ram_fd, probe_fd, qmp_fd, self._control.fd, self._console_fd)
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr_fd,
                pass_fds=keep,
                env={"PATH": os.environ.get("PATH", ""), "LANG": "C"},
                cwd="/",
            )
        except OSError as error:
            raise SetupError(f"{program}: cannot be started: {error.strerror}") from None

    def _limit_process(self) -> None:
        try:
            import resource
        except ImportError:
            return
        if not hasattr(resource, "prlimit"):
            return
        with contextlib.suppress(OSError, ValueError):
            pid = self._process.pid
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (_CONSOLE_MAX, _CONSOLE_MAX))
            resource.prlimit(pid, resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))

    # ---- running ----

    @property
    def instructions(self) -> int:
        return self._control.count

    def resume(self, limit: int | None = None) -> Stop:
        if self._last is not None and self._last.kind in (StopKind.ENDED, StopKind.STUCK):
            return self._last
        self._control.set_limit(limit)
        with contextlib.suppress(OSError):  # QEMU is gone: the wait says why
            self._socket.send(b"c")
        return self._wait(None)

    def _wait(self, deadline: float | None) -> Stop:
        looks, before = 0, -1
        self._socket.settimeout(_LOOK_EVERY)
        while True:
            try:
                byte = self._socket.recv(1)
            except TimeoutError:
                now = self._control.count
                looks = looks + 1 if now == before else 0
                before = now
                late = deadline is not None and time.monotonic() > deadline
                if late or (looks >= _STUCK_AFTER and deadline is None):
                    self._last = self._stuck()
                    return self._last
                continue
            except ConnectionResetError:
                byte = b""
            if not byte:
                self._last = Stop(StopKind.ENDED, detail=self._why_ended())
                return self._last
            kind, pc, symbol = self._control.event()
            if kind == ctl.EVENT_FULL:
                # A ring is full: take what is in it and go on, nothing of it concerns the caller.
                self._drain()
                self._socket.send(b"c")
                continue
            self._last = Stop(
                {
                    ctl.EVENT_START: StopKind.START,
                    ctl.EVENT_SYMBOL: StopKind.SYMBOL,
                    ctl.EVENT_LIMIT: StopKind.LIMIT,
                }[kind],
                pc=pc,
                symbol=symbol,
            )
            return self._last

    def _stuck(self) -> Stop:
        asleep = self._control.idle
        return Stop(
            StopKind.STUCK,
            pc=self.registers().get("pc", 0),
            detail="the core sleeps (WFI) and nothing is left to wake it" if asleep
            else "the engine executes no instruction",
        )  # fmt: skip

    def _why_ended(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._kill()
            code = -signal.SIGKILL
        size = os.fstat(self._stderr_fd).st_size
        errors = os.pread(self._stderr_fd, min(size, 16384), max(0, size - 16384))
        return why_ended(code, errors.decode("utf-8", "replace"), self._monitor_().leftovers())

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

    def _monitor_(self) -> Monitor:
        if self._monitor is None:
            self._monitor = Monitor(self._qmp)
        return self._monitor

    def registers(self) -> dict[str, int]:
        return self._monitor_().registers()

    def system_word(self, address: int) -> int | None:
        return self._monitor_().word(address)

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
