"""An ELF that was linked with `-Wl,--emit-relocs`, moved to the addresses of the twin."""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.boards import Board
from sim.built_for import check_core
from sim.elf import Elf, load_elf
from sim.engines.protocol import Layout
from sim.errors import UsageError
from sim.machine.placed import check_placed
from sim.relink.instruction import immediate, with_immediate
from sim.relink.label import labelled
from sim.relink.moves import SIZES_BELOW, Moves
from sim.relink.relocate import Section, Target, relocated

_ALLOC = 2  # sh_flags
# Tables that CMSIS's linker scripts write by LONG(...), which leaves no relocations: words in an entry, the last of
# which is a count: (source, destination, count), (destination, count).
_TABLES = {".copy.table": 3, ".zero.table": 2}
_VENEER = (0xF85F, 0xF000)  # ldr.w pc, [pc, #-0]: the address is the word behind it


def relink_image(path: Path, board: Board, layout: Layout, out: Path) -> Path:
    """Write the image for the twin to `out`. Raises UsageError where that cannot be done."""
    elf = load_elf(path)
    check_core(path.name, elf.built, board)
    if elf.relinked:
        raise UsageError(f"{path} is one already: {elf.relinked}")
    moves = Moves.of(board, layout)
    data = bytearray(path.read_bytes())
    _move(data, elf, moves, board)
    with tempfile.TemporaryDirectory(prefix="boardless-relink-") as folder:
        moved = Path(folder) / "moved.elf"
        moved.write_bytes(data)
        labelled(moved, out, f"relinked from {path.name} {elf.sha256[:12]} for {layout.machine}, by its relocations")
    check_placed(load_elf(out), board, layout)
    return out


def _move(data: bytearray, elf: Elf, moves: Moves, board: Board) -> None:
    from elftools.elf.elffile import ELFFile

    file = ELFFile(io.BytesIO(bytes(data)))
    sections = _sections(file, elf, moves, board)
    table = file.get_section_by_name(".symtab")
    tables = [s for s in file.iter_sections() if s["sh_type"] == "SHT_REL" and s["sh_info"] in sections]
    if table is None or not any(sections[s["sh_info"]].loaded for s in tables):
        raise UsageError(
            f"{elf.path.name} has no relocations: nobody knows which of its words are addresses",
            hint="link it with -Wl,--emit-relocs, or from its objects: boardless relink ... -- LINK COMMAND",
        )
    ends = _ends(elf)
    targets = [_target(s, sections, moves, ends) for s in table.iter_symbols()]
    for rel in tables:
        where = sections[rel["sh_info"]]
        for entry in rel.iter_relocations():
            place = entry["r_offset"] - where.address
            target = targets[entry["r_info_sym"]]
            # Behind what --gc-sections has taken away, debug information refers to nothing.
            if target is not None and 0 <= place < where.size:
                relocated(data, where, place, entry["r_info_type"], target)
    _move_unmarked(data, file, sections, {s["sh_info"] for s in tables}, moves)
    _move_headers(data, file, sections, targets, tables, moves)


def _sections(file: Any, elf: Elf, moves: Moves, board: Board) -> dict[int, Section]:
    out = {}
    for index, s in enumerate(file.iter_sections()):
        if s["sh_type"] in ("SHT_NULL", "SHT_SYMTAB", "SHT_STRTAB", "SHT_REL"):
            continue
        loaded = bool(s["sh_flags"] & _ALLOC)
        by = moves.by(s["sh_addr"], s["sh_size"]) if loaded else 0
        if by is None and s["sh_size"]:
            raise UsageError(
                f"{elf.path.name}: section {s.name} at {s['sh_addr']:#010x}, {s['sh_size']} bytes, is in no memory of "
                f"{board.name}: {moves.text}",
                hint="a twin has one flash and one RAM: link the section into one of them, or leave it out",
            )
        out[index] = Section(s.name, s["sh_addr"], s["sh_size"], s["sh_offset"], loaded, by or 0)
    return out


def _ends(elf: Elf) -> frozenset[int]:
    """Starts and ends of what is loaded: what symbols of a linker script without a section may mean in a flash at 0."""
    return frozenset(
        a for s in elf.segments
        for start, size in ((s.load_address, len(s.data)), (s.address, s.memory_size))
        for a in (start, start + size)
    )  # fmt: skip


def _target(symbol: Any, sections: Mapping[int, Section], moves: Moves, ends: frozenset[int]) -> Target | None:
    value, index = symbol["st_value"], symbol["st_shndx"]
    if index in ("SHN_UNDEF", "SHN_COMMON"):
        return None
    if index == "SHN_ABS":
        by = moves.by(value)
        known = by is not None and (value >= SIZES_BELOW or value in ends)
        return Target(symbol.name, value, by if known and by is not None else 0)
    return Target(symbol.name, value, sections[index].by) if index in sections else None


def _move_unmarked(data: bytearray, file: Any, sections: Mapping[int, Section], marked: set[int], moves: Moves) -> None:
    """Words that hold addresses without a relocation: tables of the linker script, jumps that the linker adds."""
    for index, s in sections.items():
        if s.name in _TABLES and index not in marked:
            for word in range(s.size // 4):
                if word % _TABLES[s.name] != _TABLES[s.name] - 1:
                    _move_word(data, s.at + 4 * word, moves)
    for symbol in file.get_section_by_name(".symtab").iter_symbols():
        if symbol.name.endswith("_veneer") and symbol["st_shndx"] in sections:
            s = sections[symbol["st_shndx"]]
            at = s.at + (symbol["st_value"] & ~1) - s.address
            if struct.unpack_from("<HH", data, at) == _VENEER:
                _move_word(data, at + 4, moves)
            elif not _move_pair(data, at, moves):
                raise UsageError(
                    f"{symbol.name} at {symbol['st_value'] & ~1:#010x} is a jump of a kind that is not known here",
                    hint="link it again from its objects: boardless relink ... -- LINK COMMAND",
                )


def _move_pair(data: bytearray, at: int, moves: Moves) -> bool:
    """MOVW and MOVT of an address, as the linker has them where code is not to be read; False: they are not there."""
    pair = struct.unpack_from("<HHHH", data, at)
    if (pair[0] & 0xFBF0, pair[2] & 0xFBF0) != (0xF240, 0xF2C0):
        return False
    address = immediate(pair[2], pair[3]) << 16 | immediate(pair[0], pair[1])
    address = address + (moves.by(address) or 0) & 0xFFFFFFFF
    low, high = with_immediate(pair[0], pair[1], address & 0xFFFF), with_immediate(pair[2], pair[3], address >> 16)
    struct.pack_into("<HHHH", data, at, *low, *high)
    return True


def _move_word(data: bytearray, at: int, moves: Moves) -> None:
    word = struct.unpack_from("<I", data, at)[0]
    struct.pack_into("<I", data, at, word + (moves.by(word) or 0) & 0xFFFFFFFF)


def _move_headers(
    data: bytearray,
    file: Any,
    sections: Mapping[int, Section],
    targets: list[Target | None],
    tables: list[Any],
    moves: Moves,
) -> None:
    """Entry, segments, sections, symbols, and where the relocations are."""
    struct.pack_into("<I", data, 24, file["e_entry"] + (moves.by(file["e_entry"]) or 0))
    for number in range(file.num_segments()):
        at = file["e_phoff"] + number * file["e_phentsize"]
        for field in (at + 8, at + 12):  # p_vaddr, p_paddr
            _move_word(data, field, moves)
    for index, section in sections.items():
        at = file["e_shoff"] + index * file["e_shentsize"] + 12
        struct.pack_into("<I", data, at, section.address + section.by & 0xFFFFFFFF)
    table = file.get_section_by_name(".symtab")
    for number, target in enumerate(targets):
        if target is not None:
            at = table["sh_offset"] + number * table["sh_entsize"] + 4
            struct.pack_into("<I", data, at, target.value + target.by & 0xFFFFFFFF)
    for rel in tables:
        by = sections[rel["sh_info"]].by
        for at in range(rel["sh_offset"], rel["sh_offset"] + rel["sh_size"], rel["sh_entsize"]):
            struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + by & 0xFFFFFFFF)
