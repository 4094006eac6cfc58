"""Faults of memory: bits that flip, in RAM and in flash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.durations import picoseconds
from sim.engines.protocol import FLASH
from sim.errors import UsageError
from sim.faults.base import FaultBase, Time
from sim.faults.places import place_of

if TYPE_CHECKING:
    from sim.machine import Machine


class MemoryFaults(FaultBase):
    """See docs/faults.md; times are board time from now."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._flashed: dict[int, int] = {}  # address -> byte, where flash is not as in the image

    def flip(
        self,
        where: str | int,
        *,
        bit: int | None = None,
        seed: int | None = None,
        bits: int = 1,
        after: Time = 0.0,
        every: Time | None = None,
        times: int = 1,
        rate: float | None = None,
        lasts: Time | None = None,
        at_decision: int | None = None,
    ) -> None:
        """Flip bits: in "weights", "weights:TENSOR", "code", "stack", "arena", a symbol, or a byte by its address.

        `bit`: which one of the byte (0..7) or of the place, else `bits` are drawn with `seed`. `after`, or
        `at_decision`: when the firmware has made that many. Again `every` so often, `times` in all; or at random
        instants, `rate` a second for as long as it `lasts`. Flash is written so that the core notices.
        """
        place = place_of(self._run.elf, self._run.layout, where)
        self._check_writable(place.at(0))
        if bit is None and seed is None:
            raise UsageError(f"flip of {where!r}: which bit?", hint="bit=0..7, or seed= to have it drawn")
        if bit is not None and not 0 <= bit < place.size * 8:
            raise UsageError(f"bit {bit} of {place.name}, which has {place.size * 8}")
        if bits < 1 or times < 1:
            raise UsageError(f"{bits} bits, {times} times", hint="at least one")
        rng = np.random.default_rng(seed)

        def hit() -> None:
            for _ in range(bits):
                address, number = (place.at(bit // 8), bit % 8) if bit is not None else place.drawn(rng)
                self._flip(address, number, place.name)

        if at_decision is not None:
            self._at_decision(at_decision, hit)
            return
        for start in self._instants(after, every, times, rate, lasts, rng):
            self._run.alarms.at(start, hit)

    def _instants(
        self, after: Time, every: Time | None, times: int, rate: float | None, lasts: Time | None,
        rng: np.random.Generator,
    ) -> list[int]:  # fmt: skip
        start = self._in(after)
        if rate is None:
            step = 0 if every is None else picoseconds(every)
            if times > 1 and step < 1:
                raise UsageError(f"{times} times, but how often?", hint='every="100 ms"')
            return [start + i * step for i in range(times)]
        if lasts is None or not 0 < rate < 1e6:
            raise UsageError(f"a rate of {rate} flips a second", hint='above 0, and for how long: lasts="10 s"')
        length, at, out = picoseconds(lasts) / 1e12, 0.0, []
        while (at := at + float(rng.exponential(1 / rate))) < length:
            out.append(start + round(at * 1e12))
        return out

    def hit(self, address: int, bit: int, place: str = "") -> None:
        """Flip one bit now, at this stop. Raises UsageError outside RAM and flash."""
        self._check_writable(address)
        self._flip(address, bit, place)

    def _flip(self, address: int, bit: int, place: str) -> None:
        memory = self._run.memory
        old = self._flashed.get(address)
        if old is None:
            old = memory.readable(address, 1)[0]
        self._poke(address, old ^ 1 << bit)
        self._note("flip", time_ps=self._run.time_ps, address=address, bit=bit, place=place)

    def _poke(self, address: int, byte: int) -> None:
        """Write one byte of RAM, or of flash in the engine's own way."""
        try:
            self._run.memory.write_ram(address, bytes([byte]))
        except IndexError:
            self._run.session.write_flash(address, bytes([byte]), code=self._is_code(address))  # type: ignore[attr-defined]
            self._flashed[address] = byte

    def _is_code(self, address: int) -> bool:
        return self._run.elf.function_at(address) is not None

    def _check_writable(self, address: int) -> None:
        ram, flash = self._run.layout.ram, self._run.layout.flash
        if ram.origin <= address < ram.end:
            return
        if not flash.origin <= address < flash.end:
            raise UsageError(f"{address:#010x} is neither RAM nor flash of board {self._run.board.name}")
        if FLASH not in self._run.engine.capabilities:
            raise UsageError(
                f"engine {self._run.engine.name} cannot write flash while it runs",
                hint="an engine that can: --engine qemu; or flip RAM",
            )
