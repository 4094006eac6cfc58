"""What an image's debug information says of an address: how to unwind from there, and the line of source."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

SP, LR, PC = 13, 14, 15


@dataclass(frozen=True)
class Rules:
    """How to find the caller's registers. `cfa_register` + `cfa_offset` is the stack pointer before the call."""

    cfa_register: int
    cfa_offset: int
    saved: Mapping[int, int]  # register -> offset from the CFA where it lies
    undefined: frozenset[int]  # registers that are lost
    outermost: bool  # the return address is undefined: nobody called


@dataclass
class DebugInfo:
    """Debug information of one image. Damaged or missing parts give None, never an error."""

    _dwarf: Any
    _starts: list[int] = field(default_factory=list)
    _entries: list[Any] = field(default_factory=list)
    _lines: dict[int, list[tuple[int, int, str, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        entries: list[Any] = []
        for has, get in (("has_CFI", "CFI_entries"), ("has_EH_CFI", "EH_CFI_entries")):
            try:
                if getattr(self._dwarf, has)():
                    entries += [e for e in getattr(self._dwarf, get)() if "initial_location" in e.header]
            except Exception:  # a damaged section must not hide the failure that is being described
                continue
        entries.sort(key=lambda e: int(e["initial_location"]))
        self._starts = [int(e["initial_location"]) & ~1 for e in entries]
        self._entries = entries

    def rules(self, address: int) -> Rules | None:
        """Unwind rules at an instruction; None where the image has none."""
        i = bisect_right(self._starts, address) - 1
        if i < 0 or address >= self._starts[i] + int(self._entries[i]["address_range"]):
            return None
        try:
            row = self._row(self._entries[i], address)
        except Exception:  # as above
            return None
        if row is None or row["cfa"].expr is not None:
            return None
        saved: dict[int, int] = {}
        undefined = set()
        for register, rule in row.items():
            if not isinstance(register, int):
                continue
            if rule.type == "OFFSET":
                saved[register] = rule.arg
            elif rule.type == "UNDEFINED":
                undefined.add(register)
            elif rule.type != "SAME_VALUE":
                return None
        return Rules(row["cfa"].reg, row["cfa"].offset, saved, frozenset(undefined), LR in undefined)

    @staticmethod
    def _row(entry: Any, address: int) -> dict[Any, Any] | None:
        found = None
        for row in entry.get_decoded().table:
            if row["pc"] & ~1 > address:
                break
            found = row
        return found

    def line(self, address: int) -> str:
        """`file.c:12`, or "" where the image does not say."""
        try:
            unit = self.unit(address)
            if unit is None:
                return ""
            if unit.cu_offset not in self._lines:
                self._lines[unit.cu_offset] = self._line_table(unit)
        except Exception:  # as above
            return ""
        for start, end, file, line in self._lines[unit.cu_offset]:
            if start <= address < end:
                return f"{file}:{line}"
        return ""

    def unit(self, address: int) -> Any:
        """The compilation unit of an address; None where the image does not say."""
        ranges = self._dwarf.get_aranges()
        if ranges is not None:
            offset = ranges.cu_offset_at_addr(address)
            if offset is not None:
                return self._dwarf.get_CU_at(offset)
        return None

    def _line_table(self, unit: Any) -> list[tuple[int, int, str, int]]:
        program = self._dwarf.line_program_for_CU(unit)
        if program is None:
            return []
        names = [_text(f.name) for f in program["file_entry"]]
        first = 0 if program["version"] >= 5 else 1
        out: list[tuple[int, int, str, int]] = []
        before: Any = None
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if before is not None and state.address > before.address:
                at = before.file - first
                name = names[at] if 0 <= at < len(names) else "?"
                out.append((before.address, state.address, PurePosixPath(name).name, before.line))
            before = None if state.end_sequence else state
        return out


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def debug_info(path: Path, sha256: str) -> DebugInfo | None:
    """Debug information of the ELF, kept while it is the same; None where there is none."""
    return _load(path, sha256)


@lru_cache(maxsize=4)
def _load(path: Path, _sha256: str) -> DebugInfo | None:
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(io.BytesIO(path.read_bytes()))
        return DebugInfo(elf.get_dwarf_info(relocate_dwarf_sections=False)) if elf.has_dwarf_info() else None
    except Exception:  # the file may have changed or gone since it was loaded
        return None
