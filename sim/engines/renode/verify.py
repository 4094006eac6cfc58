"""Whether a Renode runs: a process of its own, a machine, a thousand instructions."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

from sim.boards import Board
from sim.engines.protocol import Image, StopKind
from sim.engines.renode.found import Found
from sim.engines.renode.platform import layout_of
from sim.engines.renode.process import Worker
from sim.errors import SetupError
from sim.paths import cache_root

_NOP, _BACK = 0xBF00, 0xE7FD  # a loop of two instructions: Renode takes a jump to itself for sleep


def verify(found: Found) -> str:
    """The version of that Renode, when it has run. Raises SetupError."""
    from sim.engines.renode.session import RenodeSession

    main = Path(__file__).parent / "worker" / "main.py"
    worker = Worker([str(found.python), str(main)], found.environment(), cache_root() / "renode")
    try:
        board = Board.load("arduino_nano_33_ble")
        with tempfile.TemporaryDirectory(prefix="boardless-verify-") as folder:
            elf = Path(folder) / "loop.elf"
            elf.write_bytes(_looping(board.flash.origin, board.ram.end))
            session = RenodeSession(worker, Image(elf, layout_of(board), {}))
            stop = session.resume(1000)
            count = session.instructions
            session.close()
        if stop.kind is not StopKind.LIMIT or count < 1000:
            raise SetupError(f"Renode runs no code: {stop.detail or stop.kind.value} after {count} instructions")
        return str(worker.described["renode"])
    finally:
        worker.close()


def _looping(flash: int, stack: int) -> bytes:
    """An ELF for Arm with a vector table at `flash` and an endless loop behind it."""
    code = struct.pack("<IIHH", stack, flash + 8 | 1, _NOP, _BACK)
    at = 52 + 32
    head = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 40, 1, flash + 8 | 1, 52, 0, 0x05000000, 52, 32, 1, 0, 0, 0
    )  # fmt: skip
    return head + struct.pack("<IIIIIIII", 1, at, flash, flash, len(code), len(code), 5, 4) + code
