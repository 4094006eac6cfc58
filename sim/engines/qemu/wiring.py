"""What a QEMU process and we share: files, sockets, the process itself."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from sim.elf import load_elf
from sim.engines.protocol import Arm, Image
from sim.engines.qemu import control as ctl
from sim.engines.qemu.code import code_of
from sim.engines.qemu.launch import Descriptors, launch
from sim.engines.qemu.monitor import Monitor
from sim.engines.qemu.process import limit_process
from sim.engines.qemu.shared import anonymous_file, shared_file
from sim.engines.qemu.twins import takes_input


class Wiring:
    """One process with the probe in it, and our ends of all that leads there. Raises SetupError."""

    def __init__(self, program: Path, image: Image) -> None:
        with contextlib.ExitStack() as undo:
            self.control = _control_of(image)
            undo.callback(self.control.close)
            if image.watch is not None and image.watch.stack is not None:
                self.control.watch_stack(image.watch.stack, image.layout.ram)
            undo.callback(os.close, self.control.fd)
            ram_fd, self.ram = shared_file("boardless-ram", image.layout.room.size)
            undo.callback(self.ram.close)
            undo.callback(os.close, ram_fd)
            self.console_fd = anonymous_file("boardless-console")
            undo.callback(os.close, self.console_fd)
            self._stderr_fd = anonymous_file("boardless-stderr")
            undo.callback(os.close, self._stderr_fd)
            blob_fd = anonymous_file("boardless-blob")
            undo.callback(os.close, blob_fd)
            os.write(blob_fd, image.blob.data if image.blob else b"")
            self.socket, theirs = socket.socketpair()  # to the probe
            undo.callback(self.socket.close)
            self.qmp, qmp_theirs = socket.socketpair()
            undo.callback(self.qmp.close)
            self.typed: int | None = None  # our end of the pipe to the UART
            typed = None
            if takes_input(image.layout):
                typed, self.typed = os.pipe()
                undo.callback(os.close, typed)
                undo.callback(os.close, self.typed)
            with theirs, qmp_theirs:
                fds = Descriptors(
                    self.control.fd, ram_fd, self.console_fd, self._stderr_fd, blob_fd,
                    probe=theirs.fileno(), qmp=qmp_theirs.fileno(), typed=typed,
                )  # fmt: skip
                self.process = launch(program, image, fds)
            undo.callback(self.kill)
            limit_process(self.process.pid)
            self.monitor = Monitor(self.qmp)
            self._undo = undo.pop_all()

    def ask(self, request: bytes, within: float | None = None) -> bool:
        """A request to the probe while the core stands still. False: no answer, or not `within` s of host time."""
        try:
            self.socket.sendall(request)
            self.socket.settimeout(within)
            return bool(self.socket.recv(1))
        except OSError:
            return False

    def errors(self) -> str:
        """The last of what QEMU wrote to its standard error."""
        size = os.fstat(self._stderr_fd).st_size
        return os.pread(self._stderr_fd, min(size, 16384), max(0, size - 16384)).decode("utf-8", "replace")

    def console(self, start: int) -> bytes:
        """What the UART has sent, from byte `start` on."""
        return os.pread(self.console_fd, os.fstat(self.console_fd).st_size - start, start)

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self._undo.close()


def _control_of(image: Image) -> ctl.Control:
    arms = {name: Arm(stop=True) for name in image.stops}
    if image.console_symbol:
        arms[image.console_symbol] = Arm(mark=True)
    return ctl.Control(
        _with_reset(image),
        arms,
        exact=image.timers,
        console=0 if image.console_symbol else image.layout.console_base,
        stack=image.stack,
        timing=image.timing.pack(image.layout.flash.origin, image.layout.flash.size) if image.timing else None,
        watch=image.watch,
        code=code_of(load_elf(image.elf)),
    )


def _with_reset(image: Image) -> dict[str, int]:
    """The functions, and the place where the core begins: also an image without symbols can be held there."""
    functions = dict(image.functions)
    with contextlib.suppress(IndexError):
        reset = load_elf(image.elf).word(image.layout.vectors + 4) & ~1
        if reset not in functions.values():
            functions["(reset)"] = reset
    return functions
