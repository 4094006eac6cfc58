"""What Renode is told to play: a machine made from a board file, for every core that Renode knows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from sim.boards import Board, Memory
from sim.engines.protocol import Image, Layout
from sim.errors import CannotPlay, near
from sim.paths import data_root
from sim.port.mailbox import DOORBELL

MIB = 1 << 20
# Board file's core -> Renode's cpuType (with and without a floating-point unit).
CORES = {
    "cortex-m3": "cortex-m3",
    "cortex-m4": "cortex-m4f",
    "cortex-m7": "cortex-m7",
    "cortex-m33": "cortex-m33",
    "cortex-m55": "cortex-m55",
}
SINCE = {"cortex-m55": "1.16"}  # cores that came later than 1.15; of Helium 1.16.1 knows a part
UART = 0xA000_0000  # a board's memory ends below (see sim.boards)
_ROOM, _FLASH_ROOM = 16 * MIB, 4 * MIB


def layout_of(board: Board) -> Layout:
    """Where firmware for `board` is linked on Renode: at the board's own addresses. Raises CannotPlay."""
    if board.core not in CORES:
        raise CannotPlay(
            f"board {board.name}: Renode has no core {board.core!r}",
            hint=f"{near(board.core, CORES)}; --engine qemu plays this board",
        )
    return Layout(
        engine="renode",
        machine=f"{board.name}, {CORES[board.core]} at {board.clock_hz} Hz",
        flash=board.flash,
        ram=board.ram,
        vectors=board.flash.origin,
        room=_widened(board.ram, board.flash, _ROOM),
        flash_room=_widened(board.flash, board.ram, _FLASH_ROOM).size,
        console="pl011",
        console_base=UART,
    )


def _widened(memory: Memory, other: Memory, least: int) -> Memory:
    """`memory`, made larger for sizing runs as far as the other one and the devices leave room."""
    above = min([UART, *([other.origin] if other.origin >= memory.end else [])])
    return Memory(memory.origin, max(memory.size, min(least, above - memory.origin)))


def bus_layout_of(board: Board) -> Layout:
    """Where a bus build for `board` is linked: with the product's own peripherals around it. Raises CannotPlay."""
    layout = layout_of(board)
    pins = data_root() / "firmware" / "drivers" / "boards" / f"{board.name}.c"
    parts = parts_of(board.folder)
    if board.bus is None or not pins.is_file() or not parts:
        raise CannotPlay(
            f"board {board.name} has no bus build: no drivers for its sensors, or Renode has no models of them",
            hint='io = "port" plays it; docs/bus.md says which boards have one',
        )
    return replace(
        layout,
        machine=layout.machine.replace(" at ", " with its peripherals at "),
        room=board.ram,
        flash_room=board.flash.size,
        console=board.bus.chip,
        console_base=board.bus.console,
        io="bus",
        slots=tuple(sorted(parts)),
    )


def parts_of(folder: Path) -> dict[str, str]:
    """Sensor slot -> Renode's name of the model that stands for it: lines `// imu: twi0.lsm9ds1_imu` of the file."""
    own = folder / f"{folder.name}.repl"
    if not own.is_file():
        return {}
    lines = re.findall(r"^// (\w+): ([\w.]+)\s*$", own.read_text(encoding="utf-8"), re.MULTILINE)
    return {slot: path for slot, path in lines if slot != "console"}


def clock_of(layout: Layout) -> int:
    """Clock of the board that a layout of `layout_of` is for, in Hz."""
    return int(layout.machine.removesuffix(" Hz").rpartition(" ")[2])


def description(layout: Layout, *, mips: int) -> str:
    """The machine in Renode's platform language: core, memory, UART. `mips`: instructions per us of Renode's time."""
    core = layout.machine.partition(", ")[2].partition(" ")[0]
    return f"""\
nvic: IRQControllers.NVIC @ sysbus 0xE000E000
    systickFrequency: {clock_of(layout)}
    IRQ -> cpu@0

cpu: CPU.CortexM @ sysbus
    cpuType: "{core}"
    nvic: nvic
    PerformanceInMips: {mips}

flash: Memory.MappedMemory @ sysbus {layout.flash.origin:#x}
    size: {layout.flash_room:#x}

ram: Memory.MappedMemory @ sysbus {layout.room.origin:#x}
    size: {layout.room.size:#x}

uart0: UART.PL011 @ sysbus {layout.console_base:#x}
"""


@dataclass(frozen=True)
class Machine:
    """A machine for Renode: description, name of the UART that is the console, and whether it is core and memory only.

    Such a machine has nothing else that could be read; in one with a product's peripherals many are not modelled.
    """

    text: str
    uart: str
    bare: bool


def machine_for(image: Image, folder: Path | None, *, mips: int) -> Machine:
    """Firmware with the port needs core, memory and a UART. A bus build, and firmware of others, gets the board's own.

    Those are in `<board>.repl` in the board's folder, where there is one; a line `// console: NAME` names its UART.
    """
    bare = DOORBELL in image.functions and image.layout.io == "port"
    own = folder / f"{folder.name}.repl" if folder is not None and not bare else None
    if own is None or not own.is_file():
        return Machine(description(image.layout, mips=mips), "uart0", bare=True)
    text = own.read_text(encoding="utf-8")
    named = re.search(r"^// console: (\w+)\s*$", text, re.MULTILINE)
    return Machine(text, named[1] if named else "", bare=False)
