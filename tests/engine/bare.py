"""Bare C firmware for the twins of all cores: compiled here in a fraction of a second, run by the tests next door."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sim.boards import Board
from sim.engines import find_engine
from sim.engines.protocol import Engine, Layout
from sim.paths import data_root
from sim.settings import Settings

HERE = Path(__file__).with_name("firmware")
CORES = ("cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
_FPU = {"cortex-m3": "none", "cortex-m4": "fpv4-sp-d16", "cortex-m7": "fpv5-d16", "cortex-m33": "fpv5-sp-d16"}


def engine() -> Engine:
    """QEMU: the one of the settings (so `BOARDLESS_QEMU` chooses the version); skips where there is none."""
    settings = replace(Settings.load(), engine="qemu")
    if shutil.which(settings.qemu or "qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
    return find_engine(settings)


def board_with(core: str) -> Board:
    """A board of ours with another core: 1 MB flash, 64 KB RAM, 64 MHz."""
    board = Board.load("arduino_nano_33_ble")
    return replace(board, name=core.replace("-", "_"), core=core, fpu=_FPU.get(core, "auto"), mve=core == "cortex-m55",
                   ram=replace(board.ram, size=64 * 1024))  # fmt: skip


def compiled(folder: Path, core: str, sources: Sequence[str], *, flags: Sequence[str] = (), name: str = "bare",
             layout_file: str = "bare.ld", player: Engine | None = None) -> Path:  # fmt: skip
    """The ELF of `sources` (in tests/engine/firmware) for the twin of `core`; skips without the compiler.

    `player`: the engine whose addresses it is linked for, QEMU unless said otherwise.
    """
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    board = board_with(core)
    layout = (player or engine()).layout(board)
    script = folder / f"{name}-{core}.ld"
    script.write_text(memory(layout) + (HERE / layout_file).read_text(encoding="utf-8"), encoding="utf-8")
    elf = folder / f"{name}-{core}.elf"
    fpu = ["-mfloat-abi=soft"] if board.fpu == "none" else ["-mfloat-abi=softfp"]
    fpu += [f"-mfpu={board.fpu}"] if board.fpu not in ("none", "auto") else []
    port = data_root() / "firmware" / "port"
    done = subprocess.run(
        [gcc, f"-mcpu={core}", "-mthumb", *fpu, "-O2", "-g", "-ffreestanding", "-fno-builtin", "-nostdlib", "-Wall",
         f"-DUART={layout.console_base:#x}u", f"-I{HERE}", f"-I{port}", "-T", str(script), *flags,
         *(str(HERE / s) for s in (*sources, "bare.c")), str(port / "boardless_port.c"), "-lgcc",
         "-Wl,--no-warn-rwx-segments", "-o", str(elf)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return elf


def memory(layout: Layout) -> str:
    """The linker's MEMORY for a layout."""
    boot = layout.vectors if layout.vectors != layout.flash.origin else layout.flash.end - 64
    return (
        "MEMORY {\n"
        f"  BOOT : ORIGIN = {boot:#x}, LENGTH = 64\n"
        f"  FLASH : ORIGIN = {layout.flash.origin:#x}, LENGTH = {layout.flash.size - 64:#x}\n"
        f"  RAM : ORIGIN = {layout.ram.origin:#x}, LENGTH = {layout.ram.size:#x}\n}}\n"
    )
