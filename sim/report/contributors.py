"""What a figure is made of, largest first: symbols for flash and RAM, measured functions, energy by cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sim.report.record import Share, Space

if TYPE_CHECKING:
    from sim.elf import Elf
    from sim.engines.protocol import Layout
    from sim.firmware import Firmware

KEEP = 12  # contributors of a figure that go into a record
_WRITE, _ALLOC = 1, 2  # sh_flags
_RESERVED = (".stack", ".heap", ".arena", "._user_heap_stack")


def largest(shares: Iterable[Share], count: int = KEEP) -> tuple[Share, ...]:
    """The largest ones, none of 0, in an order that does not depend on chance."""
    return tuple(sorted((s for s in shares if s.value > 0), key=lambda s: (-s.value, s.name))[:count])


def flash(firmware: Firmware) -> tuple[Share, ...]:
    """Symbols of all sections that are loaded; sections where a symbol table does not cover them."""
    return _largest_symbols(firmware.parsed, loaded=True)


def ram_static(firmware: Firmware) -> tuple[Share, ...]:
    """Symbols of what is writable and not reserved (arena, stack, heap)."""
    return _largest_symbols(firmware.parsed, loaded=False)


def memory(firmware: Firmware, layout: Layout | None) -> tuple[Space, ...]:
    """Flash and RAM of the board, section by section in the order of their addresses."""
    if layout is None:
        return ()
    sections = _sections(firmware.elf, firmware.sha256)
    in_flash = [Share(s.name, s.size) for s in sections if s.loaded]
    in_ram = [Share(s.name, s.size) for s in sections if s.writable]
    spaces = (Space("flash", layout.flash.size, _merged(in_flash)), Space("RAM", layout.ram.size, _merged(in_ram)))
    return tuple(space for space in spaces if space.parts)


class _Section:
    """A section that takes memory of the board."""

    def __init__(self, name: str, address: int, size: int, flags: int, kind: str) -> None:
        self.name, self.address, self.size = name, address, size
        self.writable = bool(flags & _WRITE)
        self.loaded = kind != "SHT_NOBITS"
        self.reserved = name.startswith(_RESERVED)

    def contains(self, address: int) -> bool:
        return self.address <= address < self.address + self.size


@lru_cache(maxsize=16)
def _sections(elf: Path, _sha256: str) -> Sequence[_Section]:
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        found = [
            _Section(s.name, int(s["sh_addr"]), int(s["sh_size"]), int(s["sh_flags"]), str(s["sh_type"]))
            for s in ELFFile(file).iter_sections()
            if s["sh_flags"] & _ALLOC and s["sh_size"]
        ]
    return sorted(found, key=lambda s: s.address)


_KNOWN: dict[tuple[str, bool], tuple[Share, ...]] = {}


def _largest_symbols(elf: Elf, *, loaded: bool) -> tuple[Share, ...]:
    """Once an image: all tests of it have the same."""
    key = (elf.sha256, loaded)
    if key not in _KNOWN:
        _KNOWN[key] = _readable(largest(_symbols(elf, loaded=loaded)))
    return _KNOWN[key]


def _symbols(elf: Elf, *, loaded: bool) -> list[Share]:
    sections = [s for s in _sections(elf.path, elf.sha256) if (s.loaded if loaded else s.writable and not s.reserved)]
    covered = dict.fromkeys(range(len(sections)), 0)
    shares: list[Share] = []
    seen: set[int] = set()
    for symbol in sorted(elf.symbols.values(), key=lambda s: (s.address, -s.size, s.name)):
        if not symbol.size or symbol.address in seen:
            continue  # an alias
        at = next((i for i, s in enumerate(sections) if s.contains(symbol.address)), None)
        if at is None:
            continue
        seen.add(symbol.address)
        covered[at] += symbol.size
        shares.append(Share(symbol.name, symbol.size))
    for i, section in enumerate(sections):
        rest = section.size - covered[i]
        if rest > 0:
            shares.append(Share(f"{section.name} without a symbol", rest))
    return shares


def _readable(shares: tuple[Share, ...]) -> tuple[Share, ...]:
    from sim.failure.demangle import demangled

    names = demangled(s.name for s in shares)
    return tuple(Share(names.get(s.name, s.name), s.value) for s in shares)


def _merged(shares: Sequence[Share], few: int = 7) -> tuple[Share, ...]:
    """Small sections become one, so that a map of memory can be read."""
    kept = set(largest(shares, few))
    rest = sum(s.value for s in shares if s not in kept)
    out = [s for s in shares if s in kept]
    return tuple(out) + ((Share("other sections", rest),) if rest else ())
