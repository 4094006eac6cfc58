"""An ELF as the machine needs it: functions, load segments, build id. Anybody's firmware, not only ours."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from sim.built_for import BuiltFor
from sim.errors import UsageError

_SYMBOL = struct.Struct("<IIIBBH")  # Elf32_Sym
_FUNCTION, _OBJECT = 2, 1
_LOCAL = 0  # st_info: STB_LOCAL
_HARD_FLOAT = 0x400  # e_flags: EF_ARM_ABI_FLOAT_HARD


@dataclass(frozen=True)
class Symbol:
    """A symbol of the image. `address` has the Thumb bit clear; `size` in bytes, 0 where the linker knows none."""

    name: str
    address: int
    size: int
    function: bool


@dataclass(frozen=True)
class Segment:
    """Bytes that a loader writes: to `load_address` (flash), for use at `address`."""

    address: int
    load_address: int
    data: bytes
    memory_size: int


@dataclass(frozen=True)
class Elf:
    """A 32-bit little-endian Arm executable."""

    path: Path
    sha256: str
    entry: int
    segments: tuple[Segment, ...]
    symbols: Mapping[str, Symbol]
    built: BuiltFor = field(default_factory=BuiltFor)  # for which core, as the file says
    relinked: str = ""  # how it was linked again for a twin (`boardless relink`); empty: it is the product's own image

    @property
    def hard_float(self) -> bool:
        """Whether floats are given to functions in floating-point registers."""
        return self.built.hard_float

    @cached_property
    def functions(self) -> dict[str, int]:
        """Function name -> address, Thumb bit clear."""
        return {s.name: s.address for s in self.symbols.values() if s.function}

    @cached_property
    def _by_address(self) -> tuple[list[int], list[Symbol]]:
        ordered = sorted((s for s in self.symbols.values() if s.function), key=lambda s: (s.address, s.name))
        return [s.address for s in ordered], ordered

    def function_at(self, address: int) -> Symbol | None:
        """The function that contains `address`."""
        from bisect import bisect_right

        starts, ordered = self._by_address
        i = bisect_right(starts, address) - 1
        if i < 0:
            return None
        found = ordered[i]
        return found if address < found.address + max(found.size, 2) or found.size == 0 else None

    def of_one_name(self, name: str) -> list[str]:
        """Symbols that have that name in their source and are told apart by address, none of them global."""
        return [] if name in self.symbols else sorted(n for n in self.symbols if n.startswith(f"{name}@"))

    @cached_property
    def readable(self) -> Mapping[str, str]:
        """Symbols of C++: linker name -> name as in the source, with arguments. Empty where no c++filt is there."""
        from sim.failure.demangle import demangled

        return demangled(self.symbols)

    def shown(self, name: str) -> str:
        """A symbol as people read it: `dsp::scale(float)` of `_ZN3dsp5scaleEf`, others as they are."""
        return self.readable.get(name, name)

    def shown_call(self, name: str) -> str:
        """A function as people read it, with parentheses: `main()`, `dsp::scale(float)`."""
        shown = self.shown(name)
        return shown if "(" in shown else f"{shown}()"

    def read(self, address: int, length: int) -> bytes:
        """Bytes of the image as loaded. Raises IndexError where the image has none."""
        for segment in self.segments:
            at = address - segment.load_address
            if at >= 0 and at + length <= len(segment.data):
                return segment.data[at : at + length]
        raise IndexError(f"{length} bytes at {address:#010x} are not in the image")

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")


def load_elf(path: Path) -> Elf:
    """Read and check an ELF; kept in memory while the file does not change. Raises UsageError."""
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return _load(path.absolute(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _load(path: Path, _mtime: int, _size: int) -> Elf:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        elf = ELFFile(io.BytesIO(data))
        if elf["e_machine"] != "EM_ARM" or elf.elfclass != 32 or not elf.little_endian:
            raise UsageError(f"{path}: not a 32-bit little-endian Arm image", hint="build it for a Cortex-M")
        if elf["e_type"] != "ET_EXEC":
            raise UsageError(f"{path}: an ELF, but not linked ({elf['e_type']})", hint="give the linked executable")
        segments = tuple(
            Segment(s["p_vaddr"], s["p_paddr"], s.data(), s["p_memsz"])
            for s in elf.iter_segments()
            if s["p_type"] == "PT_LOAD" and s["p_memsz"]
        )
        symbols = _symbols(elf)
        entry = int(elf["e_entry"]) & ~1
        label = elf.get_section_by_name(".boardless.relinked")
        relinked = "" if label is None else label.data().decode("utf-8", "replace")
        said = _attributes(elf)
        hard_float = bool(elf["e_flags"] & _HARD_FLOAT) or said.get("TAG_ABI_VFP_ARGS") == 1
        built = BuiltFor.of(said, int(elf["e_entry"]), hard_float)
        if said.get("TAG_CPU_ARCH_PROFILE") in (ord("A"), ord("R")):
            profile = chr(said["TAG_CPU_ARCH_PROFILE"])
            raise UsageError(f"{path}: built for a Cortex-{profile}, not a Cortex-M", hint="-mcpu=cortex-m4, say")
    except (ELFError, struct.error, ValueError, KeyError, IndexError, UnicodeDecodeError, OverflowError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path}: not an ELF, or a damaged one: {error}") from None
    if not any(s.data for s in segments):
        raise UsageError(f"{path}: an ELF with nothing to load")
    return Elf(path, hashlib.sha256(data).hexdigest(), entry, segments, symbols, built, relinked)


def _attributes(elf: Any) -> dict[str, Any]:
    """Build attributes of the file (Addenda to the ABI for the Arm Architecture, 3.3.5 and 3.3.6)."""
    section = elf.get_section_by_name(".ARM.attributes")
    if section is None or not hasattr(section, "iter_subsections"):
        return {}
    return {
        attribute.tag: attribute.value
        for vendor in section.iter_subsections()
        for part in vendor.iter_subsubsections()
        for attribute in part.iter_attributes()
    }


def _symbols(elf: Any) -> dict[str, Symbol]:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return {}
    names = elf.get_section(table["sh_link"]).data()
    found: dict[str, list[tuple[Symbol, bool]]] = {}
    for name_at, value, size, info, _other, section in _SYMBOL.iter_unpack(table.data()):
        kind = info & 15
        if section == 0 or kind not in (0, _OBJECT, _FUNCTION):
            continue
        end = names.index(b"\0", name_at)
        name = names[name_at:end].decode("utf-8", "replace")
        if not name or name.startswith("$"):
            continue
        function = kind == _FUNCTION
        symbol = Symbol(name, value & ~1 if function else value, size, function)
        found.setdefault(name, []).append((symbol, info >> 4 == _LOCAL))
    return {s.name: s for name, same in found.items() for s in _told_apart(name, same)}


def _told_apart(name: str, found: list[tuple[Symbol, bool]]) -> list[Symbol]:
    """Symbols of one name, and whether each is local: static in several files (TFLM's `Eval`), or one hides another.

    The name is that of the global one, as it is to the linker; the others are named by where they are, `name@address`.
    """
    found = [f for f in found if f[0].function or f[0].size or not f[1]] or found  # labels are local to assembler
    places = {symbol.address: (symbol, local) for symbol, local in sorted(found, key=lambda f: (not f[1], f[0].size))}
    if len(places) == 1:
        functions = [symbol for symbol, _ in found if symbol.function]
        return (functions or [next(iter(places.values()))[0]])[:1]
    ours = [symbol for symbol, local in places.values() if not local]
    return [*ours[:1], *(replace(s, name=f"{name}@{s.address:x}") for s, _ in places.values() if s not in ours[:1])]
