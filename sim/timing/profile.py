"""TimingProfile: the parameters by which cycles of one board are counted, each with where it is from."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sim.timing.parameters import CORE_DEFAULTS, CORES

OFF, CORE, MEMORY = 0, 1, 2
_PAGE = struct.Struct("<13I4I4I7I")  # struct timing_page in sim/engines/qemu/probe/timing.h, up to its counters
_SHAPE = ("size", "line", "sector", "ways")


@dataclass(frozen=True)
class Parameter:
    """One figure. `kind`: documented (a manual says so), fitted (to a public measurement), or guessed."""

    value: int
    kind: str
    source: str


@dataclass(frozen=True)
class TimingProfile:
    """How cycles are counted on one board. Cycles of wait and of refill, sizes in bytes."""

    core: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)  # by key of the file: "flash.wait_states"
    validated: bool = False  # held against hardware, within the error that `against` says
    against: str = ""

    @staticmethod
    def of_core(core: str) -> TimingProfile | None:
        """Core alone, memory that never waits; None for a core that has no table."""
        if core not in CORES:
            return None
        return TimingProfile(core, {k: Parameter(*d) for k, d in CORE_DEFAULTS[core].items()})

    def value(self, key: str, default: int = 0) -> int:
        """The parameter's figure, `default` where there is none."""
        found = self.parameters.get(key)
        return default if found is None else found.value

    @property
    def level(self) -> int:
        """CORE, or MEMORY where the file says how long flash makes the core wait."""
        return MEMORY if "flash.wait_states" in self.parameters else CORE

    @property
    def name(self) -> str:
        """For reports: what was modelled."""
        what = "core and memory" if self.level == MEMORY else "core, memory without wait states"
        return f"{self.core}: {what}"

    @property
    def worst(self) -> str:
        """The weakest kind among the parameters."""
        kinds = {p.kind for p in self.parameters.values()}
        return next((kind for kind in ("guessed", "fitted", "documented") if kind in kinds), "guessed")

    def core_only(self) -> TimingProfile:
        """The same core with memory that never waits."""
        kept = {k: p for k, p in self.parameters.items() if k.startswith("core.")}
        return replace(self, parameters=kept, validated=False, against="")

    def changed(self, values: Mapping[str, int]) -> TimingProfile:
        """With other figures, for trying how much they matter; never validated."""
        changes = {k: Parameter(v, "guessed", "tried") for k, v in values.items()}
        return replace(self, parameters={**self.parameters, **changes}, validated=False, against="")

    def pack(self, flash_at: int, flash_size: int) -> bytes:
        """The parameters as the probe reads them; flash as the engine has it."""
        wait = self.value("flash.wait_states") + self.value("flash.miss")
        unified = "cache.size" in self.parameters
        shapes = [
            [self.value(f"{'cache' if unified else name}.{key}") for key in _SHAPE] for name in ("icache", "dcache")
        ]
        return _PAGE.pack(
            self.level,
            CORES[self.core],
            self.value("core.refill"),
            self.value("core.refill_register", self.value("core.refill")),
            self.value("core.refill_wide"),
            self.value("core.divide"),
            self.value("core.exception"),
            flash_at,
            flash_size,
            wait,
            wait,
            unified,
            self.value("flash.prefetch"),
            *shapes[0],
            *shapes[1],
            *[0] * 7,
        )
