"""What a timing profile is made of: every parameter, its range, and what it is when a board's file leaves it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KINDS = ("documented", "fitted", "guessed")
# Cores the model has a table for, and the number by which the probe knows it. No public timing: no table, no cycles.
CORES: Mapping[str, int] = {"cortex-m3": 3, "cortex-m4": 4, "cortex-m7": 7, "cortex-m33": 33}


@dataclass(frozen=True)
class Range:
    """What a parameter may be. `power`: a power of two (or 0 where `low` is 0)."""

    unit: str
    low: int
    high: int
    power: bool = False

    def holds(self, value: int) -> bool:
        """Whether the value can be."""
        return self.low <= value <= self.high and not (self.power and value & (value - 1))

    def allowed(self) -> str:
        """In words, for an error."""
        return f"allowed: {self.low} to {self.high} {self.unit}{', a power of two' if self.power else ''}"


_CACHE = {
    "size": Range("bytes", 4, 1 << 20),
    "line": Range("bytes", 4, 256, power=True),
    "sector": Range("bytes, read from flash on a miss", 4, 256, power=True),
    "ways": Range("ways (0: fully associative)", 0, 64),
}
PARAMETERS: Mapping[str, Mapping[str, Range]] = {
    "core": {
        "refill": Range("cycles", 0, 8),
        "refill_register": Range("cycles", 0, 8),
        "refill_wide": Range("cycles", 0, 8),
        "divide": Range("cycles", 1, 20),
        "exception": Range("cycles", 0, 64),
    },
    "flash": {
        "wait_states": Range("cycles", 0, 64),
        "miss": Range("cycles, to look a cache up before flash is read", 0, 16),
        "prefetch": Range("(0 or 1)", 0, 1),
    },
    "cache": _CACHE,
    "icache": _CACHE,
    "dcache": _CACHE,
}

# Of the core itself, where a board's file says nothing: (value, kind, source).
_M4 = "Cortex-M4 TRM (DDI 0439), 3.3.1"
_M3 = "Cortex-M3 TRM (DDI 0337), 3.3.1"
_GUESS = "Arm publishes no instruction timing of this core"
Default = tuple[int, str, str]


def _defaults(refill: Default, divide: Default) -> Mapping[str, Default]:
    return {
        "core.refill": refill,
        "core.refill_register": refill,
        "core.refill_wide": (1, refill[1], refill[2]),
        "core.divide": divide,
        "core.exception": (12, "documented", "interrupt latency without wait states, Arm's data sheet of the core"),
    }


CORE_DEFAULTS: Mapping[str, Mapping[str, Default]] = {
    "cortex-m3": _defaults(
        (2, "guessed", f"{_M3}: P is 1 to 3"), (7, "guessed", f"{_M3}: 2 to 12, ends early by operands")
    ),
    "cortex-m4": _defaults(
        (2, "guessed", f"{_M4}: P is 1 to 3"), (7, "guessed", f"{_M4}: 2 to 12, ends early by operands")
    ),
    "cortex-m7": _defaults((1, "guessed", _GUESS), (7, "guessed", _GUESS)),
    "cortex-m33": _defaults((2, "guessed", _GUESS), (7, "guessed", _GUESS)),
}
