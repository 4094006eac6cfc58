"""Flash and static RAM of an image, by definition."""

from __future__ import annotations

from dataclasses import dataclass

from sim.elf import Elf

_WRITE, _ALLOC = 1, 2  # sh_flags
# Reserved, not used by data.
_RESERVED = (".stack", ".heap", ".arena", ".recorder", "._user_heap_stack")


@dataclass(frozen=True)
class Sizes:
    """In bytes. `flash`: all that is loaded; `ram_static`: .data and .bss without arena, stack and heap."""

    flash: int
    ram_static: int


def sizes_of(elf: Elf) -> Sizes:
    """Of any image; what is writable and not reserved by name counts as static RAM."""
    from elftools.elf.elffile import ELFFile

    with elf.path.open("rb") as file:
        static = sum(
            int(s["sh_size"])
            for s in ELFFile(file).iter_sections()
            if s["sh_flags"] & _ALLOC and s["sh_flags"] & _WRITE and not s.name.startswith(_RESERVED)
        )
    return Sizes(sum(len(s.data) for s in elf.segments), static)
