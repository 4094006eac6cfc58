"""QEMU's command line for one image, and the process."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sim.engines.protocol import Image
from sim.engines.qemu.guard import guards
from sim.engines.qemu.probe import ensure_probe
from sim.engines.qemu.program import SANDBOX
from sim.engines.qemu.shared import fd_path
from sim.engines.qemu.spin import has_a_core
from sim.errors import SetupError

NO_SANDBOX: set[Path] = set()  # programs that were built without it


@dataclass(frozen=True)
class Descriptors:
    """Open files and sockets that QEMU takes over."""

    control: int
    ram: int
    console: int
    stderr: int
    blob: int
    probe: int
    qmp: int
    typed: int | None  # what is sent to the UART; None: nothing can be


def launch(program: Path, image: Image, fds: Descriptors) -> subprocess.Popen[bytes]:
    """Start QEMU. Raises SetupError where the program cannot be started."""
    layout = image.layout
    backend = [
        "-machine", f"{layout.machine},memory-backend=ram",
        "-object", f"memory-backend-file,id=ram,size={layout.room.size},share=on,mem-path={fd_path(fds.ram)}",
        "-m", f"{layout.room.size >> 20}M",
    ]  # fmt: skip
    command = [
        str(program),
        *(["-machine", layout.machine] if layout.native else backend),
        "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-nic", "none",
        # A reset request leaves the machine standing, so that its state can be looked at.
        "-action", "reboot=shutdown,shutdown=pause",
        "-chardev", f"file,id=uart,path={fd_path(fds.console)}" if fds.typed is None else "stdio,id=uart,signal=off",
        "-serial", "chardev:uart",
        "-chardev", f"socket,id=qmp,fd={fds.qmp}", "-mon", "chardev=qmp,mode=control",
        "-plugin", (
            f"{ensure_probe()},socket={fds.probe},control={fds.control},ram={fds.ram}"
            f",ram_at={layout.room.origin:#x},spin={int(has_a_core())},{','.join(guards(image))}"
        ),
        "-kernel", str(image.elf.absolute()),
    ]  # fmt: skip
    if program not in NO_SANDBOX:
        command += ["-sandbox", SANDBOX]
    if image.blob:
        blob = f"loader,file={fd_path(fds.blob)},addr={image.blob.address:#x},force-raw=on"
        command += ["-device", blob]
    if image.debugger:  # stands still until it is told to go on
        path = str(image.debugger.socket).replace(",", ",,")
        command += ["-S", "-chardev", f"socket,id=gdb,server=on,wait=off,path={path}", "-gdb", "chardev:gdb"]
    if image.timers:
        # Virtual time follows instructions (8 ns each) and never waits for the host.
        command += ["-icount", "shift=3,sleep=off"]
    keep = (fds.ram, fds.probe, fds.qmp, fds.control, fds.console, fds.blob)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if fds.typed is None else fds.typed,
            stdout=subprocess.DEVNULL if fds.typed is None else fds.console,
            stderr=fds.stderr,
            pass_fds=keep,
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C"},
            cwd="/",
            process_group=0,  # Ctrl-C is for us; we end QEMU then
        )
    except OSError as error:
        raise SetupError(f"{program}: cannot be started: {error.strerror}") from None
