"""Where firmware lies on an engine, and what an engine is given to start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sim.boards import Memory
from sim.engines.observed import Watch
from sim.timing import TimingProfile


@dataclass(frozen=True)
class Layout:
    """Where firmware for one board is linked on one engine. Addresses and sizes in bytes."""

    engine: str
    machine: str  # what plays the board, for people and for hashes: "mps2-an386"
    flash: Memory  # origin as the engine has it, size of the board
    ram: Memory
    vectors: int  # where the core reads its vector table at reset; usually flash.origin
    room: Memory  # all RAM the engine has there: sizing runs may use it
    flash_room: int
    console: str  # kind of UART: firmware/boards/console_<kind>.c
    console_base: int
    io: str = "port"  # where samples come from: the port, or "bus", the board's own peripherals
    slots: tuple[str, ...] | None = None  # of a bus build: the sensors that it can read; None: those of the board
    native: bool = False  # the board's own addresses, for images that were linked for the board and not for a twin


@dataclass(frozen=True)
class Blob:
    """Bytes that are loaded beside an image."""

    address: int
    data: bytes


@dataclass(frozen=True)
class Fed:
    """Samples for a sensor's model: what the part would deliver, and how the firmware has set it."""

    codes: bytes  # count samples, all channels of the part, little-endian
    part: str
    ranges: tuple[float, ...]


@dataclass(frozen=True)
class Debugger:
    """Where to wait for a debugger before the first instruction; `ready` is called when one can attach."""

    socket: Path
    ready: Callable[[], None]


@dataclass(frozen=True)
class Image:
    """A linked firmware as an engine needs it."""

    elf: Path
    layout: Layout
    functions: Mapping[str, int]  # name -> address, Thumb bit clear
    timers: bool = False  # reads timers or takes interrupts: virtual time must follow instructions
    console_symbol: str = ""  # called once per console byte; empty: watch the UART's data register
    stops: Sequence[str] = field(default=())  # names in `functions` that stop the core from the start
    watch: Watch | None = None
    timing: TimingProfile | None = None  # count cycles by this model; None: instructions only
    stack: Memory | None = None  # the stack pointer stays in here (its end included), where the engine can watch it
    blob: Blob | None = None  # loaded beside the image
    debugger: Debugger | None = None
