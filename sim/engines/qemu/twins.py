"""QEMU has no model of most product boards: the Arm reference machine with the same core plays them.

Memory maps are those of QEMU's hw/arm/mps2.c and hw/arm/mps2-tz.c. `ram` is where QEMU maps the memory backend: the
file that the runner shares with the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.boards import Board, Memory
from sim.engines.protocol import Layout
from sim.errors import UsageError, near

MIB = 1024 * 1024


@dataclass(frozen=True)
class Twin:
    """One QEMU machine. Sizes in bytes."""

    machine: str
    code: Memory  # where the image goes
    vectors: int  # where the core reads its vector table at reset
    ram: Memory
    uart: int  # CMSDK UART 0


TWINS = {
    "cortex-m3": Twin("mps2-an385", Memory(0, 4 * MIB), 0, Memory(0x2100_0000, 16 * MIB), 0x4000_4000),
    "cortex-m4": Twin("mps2-an386", Memory(0, 4 * MIB), 0, Memory(0x2100_0000, 16 * MIB), 0x4000_4000),
    "cortex-m7": Twin("mps2-an500", Memory(0, 4 * MIB), 0, Memory(0x6000_0000, 16 * MIB), 0x4000_4000),
    # Code and UART at their secure aliases: the core starts in the secure state and stays there.
    "cortex-m33": Twin(
        "mps2-an505", Memory(0x1000_0000, 4 * MIB), 0x1000_0000, Memory(0x8000_0000, 16 * MIB), 0x5020_0000
    ),
    # Reset reads the ITCM at 0; the image lies in the code SRAM, as on the real MPS3.
    "cortex-m55": Twin("mps3-an547", Memory(0x0100_0000, 2 * MIB), 0, Memory(0x6000_0000, 2048 * MIB), 0x5930_3000),
}


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
