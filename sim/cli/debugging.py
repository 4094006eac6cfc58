"""`boardless run --gdb`: the machine waits for a debugger on a socket of its own."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sim.engines.protocol import DEBUGGER, Debugger
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.target import Target

FOR_EVER = 10**21  # ps of board time: until the debugger or Ctrl-C ends it
_LONGEST = 100  # bytes of a socket's path (sockaddr_un has 104 to 108)
_DEBUGGERS = ("gdb-multiarch", "arm-none-eabi-gdb")


@contextmanager
def with_debugger(target: Target, firmware: Firmware, *, check_stack: bool, quiet: bool) -> Iterator[Machine]:
    """A machine that a debugger has attached to and let run. Raises UsageError where the engine takes none.

    The line to type goes to standard output (`quiet`: to standard error). The socket is gone afterwards.
    """
    from sim.machine import Machine

    if DEBUGGER not in target.engine.capabilities:
        raise UsageError(f"engine {target.engine.name} has no socket for a debugger", hint="--engine qemu")
    folder = Path(tempfile.mkdtemp(prefix="boardless-gdb-"))  # nobody else may enter it
    try:
        path = folder / "socket"
        if len(str(path)) > _LONGEST:
            raise UsageError(f"{path}: too long for a socket", hint="set TMPDIR to a shorter path")

        def ready() -> None:
            print(command_line(firmware.elf, path), file=sys.stderr if quiet else sys.stdout, flush=True)

        with Machine.started(firmware.elf, target.board, target.engine, layout=target.layout, check_stack=check_stack,
                             debugger=Debugger(path, ready)) as machine:  # fmt: skip
            yield machine
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def command_line(elf: Path, path: Path) -> str:
    """What to type in another terminal."""
    debugger = next((name for name in _DEBUGGERS if shutil.which(name)), _DEBUGGERS[0])
    return shlex.join([debugger, str(elf), "-ex", f"target remote {path}"])
