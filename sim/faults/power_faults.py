"""Faults of power and time: resets, brown-outs, a clock that is off."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.durations import picoseconds
from sim.errors import UsageError, near
from sim.faults.base import Time
from sim.faults.memory_faults import MemoryFaults

RAM_AFTER = ("kept", "lost", "random")


class PowerFaults(MemoryFaults):
    """See docs/faults.md; times are board time from now. Flash that has flipped stays so over a reset."""

    def reset(
        self, *, after: Time = 0.0, at_decision: int | None = None, ram: str = "kept", seed: int = 0,
        off: Time = 0.0,
    ) -> None:  # fmt: skip
        """The board loses power for `off` and starts again. RAM: "kept", "lost" (zero) or "random" (by `seed`)."""
        if ram not in RAM_AFTER:
            raise UsageError(f"ram={ram!r}", hint=near(ram, RAM_AFTER))
        pause = picoseconds(off)

        def cut() -> None:
            self._note("reset", time_ps=self._run.time_ps, ram=ram, seed=seed, off_ps=pause)
            self._reset(ram, seed, pause)

        if at_decision is not None:
            self._at_decision(at_decision, cut)
        else:
            self._run.alarms.at(self._in(after), cut)

    def _reset(self, ram: str, seed: int, pause_ps: int) -> None:
        size = self._run.layout.ram.size
        content: bytes | None = None
        if ram == "lost":
            content = bytes(size)
        elif ram == "random":
            content = np.random.default_rng(seed).bytes(size)
        self._machine.restart(content, pause_ps)
        # A bit of flash that has flipped stays flipped; the new start has loaded the image.
        for address, byte in sorted(self._flashed.items()):
            self._run.session.write_flash(address, bytes([byte]), code=self._is_code(address))  # type: ignore[attr-defined]

    def clock(self, *, ppm: float, after: Time = 0.0) -> None:
        """The core's clock is off by so many parts per million, from then on; sensors have clocks of their own."""
        if not -900_000 <= ppm <= 9_000_000:
            raise UsageError(f"a clock off by {ppm} ppm", hint="from -900000 to 9000000; a crystal is within 100")
        hz = round(self._run.board.clock_hz * (1 + ppm / 1e6))
        start = self._in(after)
        self._run.alarms.at(start, lambda: self._run.set_clock(hz))
        self._note("clock", time_ps=start, hz=hz)

    def lose_interrupt(self, *_: Any, **__: Any) -> None:
        """No engine so far can lose an interrupt. Raises UsageError."""
        raise UsageError(
            f"engine {self._run.engine.name} cannot lose an interrupt",
            hint="faults.late(sensor, by=...) and faults.dropout(sensor, ...) are what the firmware sees of one",
        )
