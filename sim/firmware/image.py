"""Firmware: an ELF and all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sim.boards import Board
from sim.built_for import check_core
from sim.elf import Elf, Symbol, load_elf
from sim.errors import UsageError
from sim.firmware.sizes import sizes_of
from sim.given import file, whole

if TYPE_CHECKING:
    from sim.engines.protocol import Layout
    from sim.model import Model
    from sim.tflm import TflmTree


@dataclass(frozen=True)
class Firmware:
    """A linked image. All sizes in bytes.

    `flash`: all bytes that are loaded. `ram_static`: .data and .bss without arena, stack and heap.
    `arena_reserved`: what the image keeps for the arena; `arena_used`: what TFLM says it uses at that size;
    `arena_smallest`: the smallest arena this model runs with on this core, tree and kernels. None: not known.
    """

    elf: Path
    sha256: str
    app: str
    flash: int
    ram_static: int
    arena_reserved: int = 0
    arena_used: int | None = None
    arena_smallest: int | None = None
    board: Board | None = None
    layout: Layout | None = field(default=None, repr=False)
    model: Model | None = field(default=None, repr=False)
    tree: TflmTree | None = field(default=None, repr=False)
    kernels: str = ""
    compiler: str = ""
    recorder: str = ""  # in words: the ring and what it holds; "": there is none in the image

    @staticmethod
    def from_elf(path: Path | str, *, board: Board | None = None) -> Firmware:
        """A finished image, from whatever build system.

        Raises UsageError when it is not an Arm executable, or not of the board's core.
        """
        elf = load_elf(file(path, f"from_elf({path!r})"))
        if board is not None:
            if not isinstance(board, Board):
                raise UsageError(f"from_elf(board={board!r}): a board goes there", hint="sim.Board.load(name)")
            check_core(elf.path.name, elf.built, board)
        sizes = sizes_of(elf)
        return Firmware(
            elf=elf.path,
            sha256=elf.sha256,
            app=elf.path.stem,
            flash=sizes.flash,
            ram_static=sizes.ram_static,
            board=board,
        )

    @staticmethod
    def from_binary(
        path: Path | str, load: int, *, board: Board | None = None, symbols: Mapping[str, int] | None = None
    ) -> Firmware:
        """A bare dump of flash that lies at `load`, with its vector table at its start.

        `symbols`: functions that are known, name -> address. Raises UsageError for what is no image that can boot.
        """
        from sim.firmware.binary import binary_as_elf

        where = file(path, f"from_binary({path!r})")
        load = whole(load, f"from_binary(load={load!r})", 0)
        names = {} if symbols is None else symbols
        if not isinstance(names, Mapping) or not all(isinstance(name, str) for name in names):
            raise UsageError(f"from_binary(symbols={symbols!r}): names and addresses go there",
                             hint='symbols={"dot": 0x080000a5}')  # fmt: skip
        known = {n: whole(a, f"from_binary(symbols={{{n!r}: {a!r}}})", 0, 0xFFFFFFFF) for n, a in names.items()}
        return Firmware.from_elf(binary_as_elf(where, load, known), board=board)

    @property
    def parsed(self) -> Elf:
        """The file's segments and symbols."""
        return load_elf(self.elf)

    @property
    def symbols(self) -> Mapping[str, Symbol]:
        """Linker name -> symbol."""
        return self.parsed.symbols

    def symbol(self, name: str) -> Symbol:
        """By linker name, or by readable name with or without arguments. Raises UsageError, with near names."""
        from sim.machine.functions import symbol_meant

        return symbol_meant(self.parsed, name)
