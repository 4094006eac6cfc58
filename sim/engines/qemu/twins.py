"""QEMU has no model of most product boards: the Arm reference machine with the same core plays them.

Memory maps are those of QEMU's hw/arm/mps2.c and hw/arm/mps2-tz.c. `ram` is where QEMU maps the memory backend: the
file that the runner shares with the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.boards import Board, Memory
from sim.engines.protocol import Layout
from sim.errors import UsageError, near

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Twin:
    """One QEMU machine. Sizes in bytes."""

    machine: str
    code: Memory  # where the image goes
    vectors: int  # where the core reads its vector table at reset
    ram: Memory
    uart: int  # CMSDK UART 0
    bus: int  # where `code` is on the bus, which knows no secure aliases
    others: tuple[Memory, ...]  # memory of the machine that stands for none of the board's, as far as a hole covers it


# SSRAM 1 a second time, block RAM (M3, M4), SSRAM 2 and 3 twice, and up to the RAM what QEMU has as "reserved", which
# swallows stores: a stack that overflows downwards from the RAM's start has to fault there.
_MPS2 = (Memory(0x0040_0000, 4 * MIB), Memory(0x0100_0000, MIB), Memory(0x2000_0000, 16 * MIB))

TWINS = {
    "cortex-m3": Twin("mps2-an385", Memory(0, 4 * MIB), 0, Memory(0x2100_0000, 16 * MIB), 0x4000_4000, 0, _MPS2),
    "cortex-m4": Twin("mps2-an386", Memory(0, 4 * MIB), 0, Memory(0x2100_0000, 16 * MIB), 0x4000_4000, 0, _MPS2),
    "cortex-m7": Twin("mps2-an500", Memory(0, 4 * MIB), 0, Memory(0x6000_0000, 16 * MIB), 0x4000_4000, 0, _MPS2),
    # Code and UART at their secure aliases: the core starts in the secure state and stays there.
    "cortex-m33": Twin(
        "mps2-an505",
        Memory(0x1000_0000, 4 * MIB),
        0x1000_0000,
        Memory(0x8000_0000, 16 * MIB),
        0x5020_0000,
        0,
        (Memory(0x2800_0000, 4 * MIB),),
    ),
    # Reset reads the ITCM at 0; the image lies in the code SRAM, as on the real MPS3.
    "cortex-m55": Twin(
        "mps3-an547",
        Memory(0x0100_0000, 2 * MIB),
        0,
        Memory(0x6000_0000, 2048 * MIB),
        0x5930_3000,
        0x0100_0000,
        (Memory(0x2100_0000, 4 * MIB), Memory(0x2800_0000, 8 * MIB)),
    ),
}


@dataclass(frozen=True)
class Native:
    """A QEMU machine that has flash and RAM where products of others have them; its RAM is its own."""

    core: str
    flash: Memory  # the vector table is read from its start
    ram: Memory
    console: str
    uart: int  # data register of the machine's first UART


# Memory maps are those of QEMU's hw/arm/stm32f405_soc.c, stm32f205_soc.c, stm32f100_soc.c and mps2.c, the least that
# any version since 7.2 has.
NATIVE = {
    "netduinoplus2": Native(
        "cortex-m4", Memory(0x0800_0000, MIB), Memory(0x2000_0000, 128 * KIB), "stm32", 0x4001_1004
    ),
    "netduino2": Native("cortex-m3", Memory(0x0800_0000, MIB), Memory(0x2000_0000, 128 * KIB), "stm32", 0x4001_1004),
    "stm32vldiscovery": Native(
        "cortex-m3", Memory(0x0800_0000, 128 * KIB), Memory(0x2000_0000, 8 * KIB), "stm32", 0x4001_3804
    ),
    "mps2-an385": Native("cortex-m3", Memory(0, 4 * MIB), Memory(0x2000_0000, 4 * MIB), "cmsdk", 0x4000_4000),
    "mps2-an386": Native("cortex-m4", Memory(0, 4 * MIB), Memory(0x2000_0000, 4 * MIB), "cmsdk", 0x4000_4000),
    "mps2-an500": Native("cortex-m7", Memory(0, 4 * MIB), Memory(0x2000_0000, 4 * MIB), "cmsdk", 0x4000_4000),
}


def native_layout_of(board: Board) -> Layout | None:
    """Where images for the board itself lie on the machine that its file names; None: it names none."""
    keys = board.engines.get("qemu", {})
    for key in keys:
        if key != "native":
            raise UsageError(f"board {board.name}: engine.qemu.{key}: unknown key", hint=near(key, ["native"]))
    name = keys.get("native")
    if name is None:
        return None
    machine = NATIVE.get(name)
    if machine is None:
        raise UsageError(f"board {board.name}: engine.qemu.native: no machine {name!r}", hint=near(name, NATIVE))
    if machine.core != board.core:
        raise UsageError(f"board {board.name} is a {board.core}, but QEMU's {name} is a {machine.core}")
    flash, ram = _common(board.flash, machine.flash), _common(board.ram, machine.ram)
    if flash is None or ram is None or flash.origin != machine.flash.origin:
        raise UsageError(f"board {board.name}: QEMU's {name} has no memory where the board has its flash and RAM")
    return Layout(
        engine="qemu",
        machine=name,
        flash=flash,
        ram=ram,
        vectors=flash.origin,
        room=machine.ram,
        flash_room=machine.flash.size,
        console=machine.console,
        console_base=machine.uart,
        native=True,
    )


def takes_input(layout: Layout) -> bool:
    """Whether the machine has the UART of the product, so that firmware for it reads from there."""
    return layout.native and layout.console == "stm32"


def _common(a: Memory, b: Memory) -> Memory | None:
    """What lies in both."""
    start, end = max(a.origin, b.origin), min(a.end, b.end)
    return Memory(start, end - start) if end > start else None


def twin_of(board: Board) -> Twin:
    """The machine that plays `board`. Raises UsageError for a core QEMU has no machine for."""
    twin = TWINS.get(board.core)
    if twin is None:
        raise UsageError(
            f"board {board.name}: QEMU has no machine for core {board.core!r}", hint=near(board.core, TWINS)
        )
    return twin


def layout_of(board: Board) -> Layout:
    """Where firmware for `board` is linked on its twin: the twin's origins, the board's sizes."""
    twin = twin_of(board)
    for what, have, need in (("flash", twin.code, board.flash), ("RAM", twin.ram, board.ram)):
        if need.size > have.size:
            raise UsageError(
                f"board {board.name}: {need.size} bytes of {what}, but its twin {twin.machine} has {have.size}"
            )
    return Layout(
        engine="qemu",
        machine=twin.machine,
        flash=Memory(twin.code.origin, board.flash.size),
        ram=Memory(twin.ram.origin, board.ram.size),
        vectors=twin.vectors,
        room=twin.ram,
        flash_room=twin.code.size,
        console="cmsdk",
        console_base=twin.uart,
    )
