"""Whether an image lies where the board has memory: an image for another memory map only ever locks up.

An image is linked for the machine that plays the board, as boardless links its own, or for the board itself.
"""

from __future__ import annotations

from typing import cast

from sim.boards import Board, Memory
from sim.built_for import check_core
from sim.elf import Elf
from sim.engines.protocol import BUS, NATIVE, BusEngine, Engine, Layout, NativeEngine
from sim.errors import CannotPlay, UsageError

BUS_BUILD = "boardless_bus_open"  # a function that only bus builds have
_BOOT = 1024  # bytes at the place of the vector table, where that is not the flash


def layout_of(elf: Elf, board: Board, engine: Engine, layout: Layout) -> Layout:
    """Where the image lies: `layout`, or the board's own addresses where the engine has a machine with them.

    Raises UsageError for an image that is built for another core or linked for other addresses, is too large, or could
    not boot.
    """
    check_core(elf.path.name, elf.built, board)
    if BUS_BUILD in elf.functions:
        layout = bus_layout_of(board, engine)
    elif layout.io == "bus":  # the project's setting; this image has its samples from the port, or from elsewhere
        layout = engine.layout(board)
    wrong = _outside(elf, layout)
    if wrong is None:
        return layout
    native = None
    if NATIVE in engine.capabilities and not layout.native:
        native = cast(NativeEngine, engine).native_layout(board)
    if native is None:
        raise UsageError(
            f"{_which(elf, wrong)} is not memory of {board.name}, which {_described(layout)}",
            hint="boardless relink (docs/images.md), or choose the board it is for",
        )
    wrong_there = _outside(elf, native)
    if wrong_there is not None:
        raise UsageError(
            f"{_which(elf, wrong_there)} is memory of no machine for {board.name}, which {_described(native)} for "
            f"images of the board itself, and {_described(layout)} for those linked for it",
            hint="boardless relink (docs/images.md), or choose the board it is for",
        )
    _check_vectors(elf, native)
    return native


def bus_layout_of(board: Board, engine: Engine) -> Layout:
    """Where a bus build lies. Raises CannotPlay where the engine has not the board's own peripherals."""
    if BUS not in engine.capabilities:
        raise CannotPlay(
            f"engine {engine.name} has none of the peripherals and sensors of {board.name}: no bus builds",
            hint='--engine renode plays them; or io = "port"',
        )
    return cast(BusEngine, engine).bus_layout(board)


def check_placed(elf: Elf, board: Board, layout: Layout) -> None:
    """Raises UsageError for an image that is not linked for this layout."""
    wrong = _outside(elf, layout)
    if wrong is not None:
        raise UsageError(
            f"{_which(elf, wrong)} is not memory of {board.name}, which {_described(layout)}",
            hint="boardless relink (docs/images.md), or choose the board it is for",
        )


def _outside(elf: Elf, layout: Layout) -> tuple[int, int] | None:
    """The first part of an image, start and end, that lies in no memory of the layout."""
    places = [layout.flash, layout.ram, Memory(layout.vectors, _BOOT)]
    for segment in elf.segments:
        loaded = (segment.load_address, segment.load_address + len(segment.data))
        used = (segment.address, segment.address + segment.memory_size)
        for start, end in (loaded, used):
            if start != end and not any(p.origin <= start and end <= p.end for p in places):
                return start, end
    return None


def _check_vectors(elf: Elf, layout: Layout) -> None:
    """Raises UsageError where the core would find no place to begin at."""
    try:
        top, reset = elf.word(layout.vectors), elf.word(layout.vectors + 4)
        elf.read(reset & ~1, 2)
        fits = bool(reset & 1) and layout.ram.origin < top <= layout.ram.end
    except IndexError:
        fits = False
    if not fits:
        raise UsageError(
            f"{elf.path.name} has no vector table at {layout.vectors:#010x}, where {layout.machine} begins: a stack "
            f"pointer in RAM {_span(layout.ram)}, and an address of code in the image, Thumb bit set",
            hint="an image behind a bootloader runs with the bootloader in one file, or linked for the start of flash",
        )


def _which(elf: Elf, part: tuple[int, int]) -> str:
    return f"{elf.path.name}: {part[0]:#010x} to {part[1]:#010x}"


def _described(layout: Layout) -> str:
    return f"{layout.machine} plays: flash {_span(layout.flash)}, RAM {_span(layout.ram)}"


def _span(memory: Memory) -> str:
    return f"{memory.origin:#010x} to {memory.end:#010x}"
