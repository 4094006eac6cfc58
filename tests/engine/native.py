"""An image as a product has it: linked for the board's own addresses, by nothing of boardless."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from bare import HERE, engine

from sim.boards import Board
from sim.elf import Elf
from sim.machine import Machine

FLOATS = {
    "soft": ["-mfloat-abi=soft"],
    "softfp": ["-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16"],
    "hard": ["-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
}
STM32 = "stm32f4_discovery"


@lru_cache(maxsize=16)
def _linked(core: str, floats: str, flash: int, ram: int, flags: tuple[str, ...]) -> bytes:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    folder = Path(mkdtemp(prefix="boardless-native-"))
    try:
        script = folder / "native.ld"
        memory = (
            f"MEMORY {{ FLASH (rx) : ORIGIN = {flash:#x}, LENGTH = 64K\n"
            f" RAM (rw) : ORIGIN = {ram:#x}, LENGTH = 64K }}\n"
        )
        script.write_text(memory + (HERE / "native.ld").read_text(encoding="utf-8"), encoding="utf-8")
        elf = folder / "native.elf"
        done = subprocess.run(
            [gcc, f"-mcpu={core}", "-mthumb", *FLOATS[floats], "-O2", "-g", "-ffreestanding", "-fno-builtin",
             "-nostdlib", "-Wall", "-T", str(script), *flags, str(HERE / "native.c"), str(HERE / "functions.c"),
             "-lgcc", "-Wl,--no-warn-rwx-segments", "-o", str(elf)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return elf.read_bytes()
    finally:
        shutil.rmtree(folder)


def native_elf(folder: Path, *, core: str = "cortex-m4", floats: str = "softfp", flash: int = 0x0800_0000,
               ram: int = 0x2000_0000, flags: Sequence[str] = (), name: str = "product.elf") -> Path:  # fmt: skip
    """The image as a file in `folder`; skips without the compiler."""
    path = folder / name
    path.write_bytes(_linked(core, floats, flash, ram, tuple(flags)))
    return path


@contextmanager
def product(elf: Path | Elf, board: str | Board = STM32, *, to_main: bool = True) -> Iterator[Machine]:
    """A machine with that image, in front of main()."""
    there = Board.load(board) if isinstance(board, str) else board
    with Machine.started(elf, there, engine()) as machine:
        if to_main:
            machine.run_to("main")
        yield machine
