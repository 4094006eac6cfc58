"""`machine.memory`: what an image takes of flash and RAM, and what a run used of arena, stack and heap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim.boards import Memory
from sim.elf import Elf
from sim.engines.protocol import Layout, Session
from sim.errors import UsageError, near
from sim.measure.linkmap import Part, read_map
from sim.measure.stack import Paint, places

if TYPE_CHECKING:
    from sim.firmware.sizes import Sizes

_WRITE, _ALLOC = 1, 2  # sh_flags
_KINDS = ("flash", "data", "ram", "reserved")
_SHARED = "heap and stack may grow towards each other: a peak only where every store is looked at, check_stack"


@dataclass(frozen=True)
class Section:
    """A section of the image that takes memory. `kind`: flash, data (flash and RAM), ram or reserved."""

    name: str
    address: int
    size: int
    kind: str


@dataclass(frozen=True)
class StackUse:
    """Bytes of the stack of main and interrupts. `peak`: the most so far, to the word; None: not known, `why` says why.

    `main`: what main had of it; `interrupts`: what handlers, nested ones too, had at most below where they came in,
    with the exception frame, so that main and they together need at most the sum. None: `why` says why not.
    """

    reserved: int | None
    peak: int | None
    main: int | None = None
    interrupts: int | None = None
    why: str = ""

    @property
    def left(self) -> int | None:
        """What was never used."""
        return None if self.reserved is None or self.peak is None else self.reserved - self.peak


@dataclass(frozen=True)
class HeapUse:
    """Bytes of the heap. `peak`: up to the highest word that was written."""

    reserved: int
    peak: int


@dataclass(frozen=True)
class ArenaUse:
    """Bytes of TFLM's arena; None: not known."""

    reserved: int | None
    used: int | None
    smallest: int | None


class MemoryUse:
    """Memory of one machine; figures of the run are of now. All sizes in bytes."""

    def __init__(self, elf: Elf, layout: Layout, session: Session, info: Mapping[str, int]) -> None:
        self._elf, self._layout, self._session, self._info = elf, layout, session, info
        self.places = places(elf, layout)
        self._stack = self._painted(self.places.stack)
        heap = self.places.heap
        # Where the stack may grow into the heap they are one area, painted once.
        self._heap = None if heap is None or heap == self.places.stack else self._painted(heap)
        self.arena_smallest: int | None = None  # who built the image knows it

    def _painted(self, area: Memory | None) -> tuple[Memory, Paint] | None:
        return None if area is None else (area, Paint(area, self._session.write))

    def go_on(self, session: Session, *, painted: bool) -> None:
        """The board has started again; where RAM was lost, so was what is painted there: peaks are unknown then."""
        self._session = session
        if not painted:
            self._stack = self._heap = None

    # ---- the run ----

    @property
    def stack(self) -> StackUse:
        """The stack that main runs on, and interrupts with it."""
        if self._stack is None:
            return StackUse(None, None, why="where the stack is, or what is left of its paint, is not known")
        area, paint = self._stack
        lowest = paint.lowest_used(self._session.read(area.origin, area.size))
        written = self._session.stack_written()
        if self._heap is None and self.places.heap is not None:
            if written is None:
                return StackUse(area.size, None, why=_SHARED)
            peak = area.end - (written.lowest & ~3)
        else:
            peak = 0 if lowest is None else area.end - lowest
        if written is None:
            return StackUse(area.size, peak, why="apart only where every store is looked at: check_stack")
        return StackUse(area.size, peak, area.end - (written.main & ~3), -(-written.interrupts // 4) * 4)

    @property
    def stack_by_stores(self) -> int | None:
        """The peak as told by every store (`check_stack`), to the word; None where stores were not looked at."""
        written, area = self._session.stack_written(), self.places.stack
        return None if written is None or area is None else area.end - (written.lowest & ~3)

    @property
    def heap(self) -> HeapUse | None:
        """None: the image has no heap, or none whose place is known."""
        if self._heap is None:
            return None
        area, paint = self._heap
        highest = paint.highest_used(self._session.read(area.origin, area.size))
        return HeapUse(area.size, 0 if highest is None else highest - area.origin)

    @property
    def arena(self) -> ArenaUse:
        """TFLM's tensor arena."""
        symbols = self._elf.symbols
        start, end = symbols.get("__arena_start"), symbols.get("__arena_end")
        reserved = end.address - start.address if start and end else None
        return ArenaUse(reserved, self._info.get("arena_used"), self.arena_smallest)

    # ---- the image ----

    @property
    def flash(self) -> int:
        """All bytes that are loaded."""
        return self._sizes.flash

    @property
    def ram_static(self) -> int:
        """.data and .bss, without arena, stack and heap."""
        return self._sizes.ram_static

    @cached_property
    def _sizes(self) -> Sizes:
        from sim.firmware.sizes import sizes_of

        return sizes_of(self._elf)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Sections that take memory, by address."""
        return sections_of(self._elf)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What each object has, from the linker's map beside the image; empty without one."""
        return tuple(read_map(self._elf.path.with_suffix(".map"), {s.name for s in self.sections}))

    def libraries(self, *kinds: str) -> dict[str, int]:
        """Library -> bytes in sections of these kinds (default: flash and data), the largest first."""
        wanted = {s.name for s in self.sections if s.kind in _known(kinds)}
        sums: Counter[str] = Counter()
        for part in self.parts:
            if part.section in wanted:
                sums[part.library] += part.size
        return dict(sums.most_common())

    def symbols(self, *kinds: str) -> dict[str, int]:
        """Symbol -> bytes in sections of these kinds (default: flash and data), the largest first."""
        spans = [(s.address, s.address + s.size) for s in self.sections if s.kind in _known(kinds)]
        sizes = {
            name: s.size
            for name, s in self._elf.symbols.items()
            if s.size and any(a <= s.address < b for a, b in spans)
        }
        return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))

    @property
    def ram_left(self) -> int:
        """RAM that nothing of the image lies in."""
        ram = self._layout.ram
        used = sum(s.size for s in self.sections if ram.origin <= s.address < ram.end)
        return ram.size - used

    @property
    def flash_left(self) -> int:
        """Flash behind the image."""
        return self._layout.flash.size - self.flash

    def as_json(self) -> dict[str, Any]:
        """As `memory` in `schemas/measure.json`."""
        heap = self.heap
        return {
            "flash": self.flash,
            "flash_left": self.flash_left,
            "ram_static": self.ram_static,
            "ram_left": self.ram_left,
            "stack": {**vars(self.stack), "left": self.stack.left},
            "heap": None if heap is None else dict(vars(heap)),
            "arena": dict(vars(self.arena)),
            "sections": [dict(vars(s)) for s in self.sections],
            "libraries": {"flash": self.libraries(), "ram": self.libraries("data", "ram")},
        }


def sections_of(elf: Elf) -> tuple[Section, ...]:
    """Sections of an image that take memory, by address."""
    from elftools.elf.elffile import ELFFile

    out = []
    with elf.path.open("rb") as file:
        for s in ELFFile(file).iter_sections():
            if s["sh_flags"] & _ALLOC and s["sh_size"]:
                out.append(Section(s.name, int(s["sh_addr"]), int(s["sh_size"]), _kind(s)))
    return tuple(sorted(out, key=lambda s: s.address))


def _known(kinds: Sequence[str]) -> Sequence[str]:
    """Kinds of sections that were asked for. Raises UsageError."""
    for kind in kinds:
        if kind not in _KINDS:
            raise UsageError(f"{kind!r} is no kind of section", hint=near(kind, _KINDS))
    return kinds or ("flash", "data")


def _kind(section: Any) -> str:
    if section.name.startswith((".stack", ".heap", ".arena", "._user_heap_stack")):
        return "reserved"
    if not section["sh_flags"] & _WRITE:
        return "flash"
    return "ram" if section["sh_type"] == "SHT_NOBITS" else "data"
