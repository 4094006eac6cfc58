"""`machine.watch`: who reads or writes a place in memory, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from sim.boards import Memory
from sim.durations import PS, shown
from sim.engines.protocol import ACCESSES, Access, WatchedMemory
from sim.errors import UsageError, near
from sim.failure.debuginfo import debug_info
from sim.given import place, whole
from sim.machine.functions import symbol_meant
from sim.machine.runner import Runner

_ON = {"write": (False, True), "read": (True, False), "access": (True, True)}
_PLACES = 8  # that can be watched at a time
MOST = 50_000  # events of one watch


@dataclass(frozen=True)
class MemoryEvent:
    """One access. `value`: what is in memory behind it; `address` and `size` are those of the access, in bytes."""

    time_ps: int
    instructions: int
    pc: int
    address: int
    size: int
    write: bool
    value: int
    function: str  # that did it; empty where the image has no function
    line: str  # "file.c:12"; empty where the image does not say

    @property
    def time(self) -> float:
        """Board time in seconds."""
        return self.time_ps / PS

    def __str__(self) -> str:
        what = "writes" if self.write else "reads"
        at = f" at {self.line}" if self.line else ""
        who = self.function or f"{self.pc:#010x}"
        return f"[{shown(self.time_ps)}] {who} {what} {self.value:#x} ({self.size} bytes at {self.address:#010x}){at}"


class Watching:
    """Accesses to one place, until `remove()` or the end of a `with`. `lost`: how many were more than are kept."""

    def __init__(self, watches: Watches, place: WatchedMemory, shown_as: str) -> None:
        self._watches, self.place, self.shown_as = watches, place, shown_as
        self.noted: list[MemoryEvent] = []
        self.lost = 0
        self.lost_before = 0  # of these, how many before the engine began to count anew
        self._seen = 0

    @property
    def events(self) -> list[MemoryEvent]:
        """All accesses so far, in order."""
        self._watches.take()
        return self.noted

    def wait(self, within: float | str = "1 s") -> MemoryEvent:
        """Run until the next access that nobody waited for; the machine stops soon behind it.

        Raises NotSeen, and UsageError where all that are kept were waited for.
        """
        if self._seen == self.place.most:
            raise UsageError(f"watch of {self.shown_as}: no more than {self.place.most} accesses are kept",
                             hint=f"watch(..., most=...), up to {MOST}")  # fmt: skip
        self._watches.stop_at(self)
        what = f"an access to {self.shown_as}" if self.place.reads else f"a write to {self.shown_as}"
        self._watches.runner.run_until(lambda: len(self.events) > self._seen, within, what)
        self._seen += 1
        return self.noted[self._seen - 1]

    def remove(self) -> None:
        """Nothing more is noted. Safe to call twice."""
        self._watches.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.remove()


class Watches:
    """All that is watched on one machine."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._watched: list[Watching] = []

    def add(self, where: str | int, on: str, length: int | None, most: int) -> Watching:
        """See `Machine.watch`."""
        runner = self.runner
        if ACCESSES not in runner.engine.capabilities:
            raise UsageError(f"engine {runner.engine.name} does not tell of accesses to memory", hint="QEMU does")
        if not isinstance(on, str) or on not in _ON:
            raise UsageError(f"watch(on={on!r})", hint=near(str(on), _ON))
        most = whole(most, f"watch(most={most!r})", 1, MOST)
        if len(self._watched) == _PLACES:
            raise UsageError(f"{_PLACES} places are watched already: no more can be", hint="remove() ends one")
        memory = self._memory(where, length)
        name = where if isinstance(where, str) else f"{where:#010x}"
        added = Watching(self, WatchedMemory(memory, *_ON[on], False, most), name)
        self._set([*self._watched, added])
        return added

    def _memory(self, where: str | int, length: int | None) -> Memory:
        elf = self.runner.elf
        where = place(where, f"watch({where!r})")
        if length is not None:
            length = whole(length, f"watch({where!r}, length={length!r})", 1)
        if isinstance(where, str):
            symbol = symbol_meant(elf, where)
            if symbol.function:
                raise UsageError(f"{where!r} is a function: only data can be watched",
                                 hint="intercept() tells of calls")  # fmt: skip
            if length is None and symbol.size == 0:
                raise UsageError(f"{where!r} has no size in {elf.path.name}", hint="watch(name, length=...)")
            memory = Memory(symbol.address, symbol.size if length is None else length)
        else:
            memory = Memory(where, 4 if length is None else length)
        try:
            self.runner.memory.check_ram(memory.origin, memory.size)
        except IndexError as error:
            raise UsageError(f"watch({where!r}): {error}", hint="only RAM can be watched") from None
        return memory

    def _set(self, watched: Sequence[Watching]) -> None:
        from sim.machine.calling import standing

        self.take()
        if self.runner.failure is None:
            standing(self.runner)
            self.runner.steered.watch_memory([replace(w.place, most=w.place.most - len(w.noted)) for w in watched])
            for w in watched:
                w.lost_before = w.lost
        self._watched = list(watched)
        self.runner.take_accesses = self.take if self._watched else None

    def go_on(self) -> None:
        """The board has started again."""
        for w in self._watched:
            w.lost_before = w.lost
        if self._watched:
            self._set(self._watched)

    def stop_at(self, watching: Watching) -> None:
        """From now on the machine stops behind each access of this one."""
        if watching not in self._watched:
            raise UsageError(f"{watching.shown_as} is not watched any more")
        p = watching.place
        if not p.stop:
            watching.place = replace(p, stop=True)
            self._set(self._watched)

    def remove(self, watching: Watching) -> None:
        """End one."""
        if watching in self._watched:
            self._set([w for w in self._watched if w is not watching])

    def take(self) -> None:
        """Fetch what was noted; at every stop, while board time is as it was at the accesses."""
        noted, lost = self.runner.steered.accesses()
        for access in noted:
            self._watched[access.place].noted.append(self._event(access))
        for watching, count in zip(self._watched, lost, strict=False):
            watching.lost = watching.lost_before + count

    def _event(self, access: Access) -> MemoryEvent:
        elf = self.runner.elf
        function = elf.function_at(access.pc)
        info = debug_info(elf.path, elf.sha256)
        return MemoryEvent(
            time_ps=self.runner.at(access.cycles, access.instructions),
            instructions=access.instructions,
            pc=access.pc,
            address=access.address,
            size=access.size,
            write=access.write,
            value=access.value,
            function=elf.shown(function.name) if function is not None else "",
            line=info.line(access.pc) if info is not None else "",
        )
