"""`[power]` of a board.toml: the currents of the microcontroller, each with where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sim.board_file import Table
from sim.source import SOURCE_KINDS, Source

# key -> lowest and highest that can be, unit. From the leanest sleep of any part to a Cortex-M7 at full speed.
LIMITS: Mapping[str, tuple[float, float, str]] = {
    "volts": (0.8, 6.0, "V"),
    "active_ma": (0.05, 1000.0, "mA"),
    "sleep_ma": (0.00001, 500.0, "mA"),
}
KEYS = (*LIMITS, "sleep_mode")
SOURCED = tuple(f"power.{key}" for key in LIMITS)


@dataclass(frozen=True)
class Power:
    """Supply and currents of a board's microcontroller. Peripherals and radio are not in it."""

    volts: float  # supply at which the currents hold
    active_ma: float  # core at the board's clock, code in flash, caches as the board has them
    sleep_ma: float  # while the core waits
    sleep_mode: str  # which sleep that is, in words
    sources: Mapping[str, Source]  # "power.active_ma": ...

    @property
    def unverified(self) -> tuple[str, ...]:
        """Keys that nobody looked up."""
        return tuple(key for key, source in self.sources.items() if source.kind == "unverified")

    @property
    def described(self) -> str:
        """All that an energy depends on, on one line: what has to be equal for two to be compared."""
        return f"{self.volts:g} V, {self.active_ma:g} mA active, {self.sleep_ma:g} mA in {self.sleep_mode}"


def read_power(table: Table, sources: Table) -> Power | None:
    """The table `[power]`; None where there is none. Raises UsageError."""
    if "power" not in table:
        return None
    inner = table.table("power", KEYS)
    found: dict[str, Source] = {}
    for key in SOURCED:
        said = next((k for k in (key, "power") if k in sources), None)
        if said is None:
            found[key] = Source("unverified", "no source given")
            continue
        entry = sources.table(said, ["kind", "text"])
        found[key] = Source(entry.one_of("kind", SOURCE_KINDS), entry.text("text"))
    values = {key: inner.number(key, *LIMITS[key]) for key in LIMITS}
    if values["sleep_ma"] > values["active_ma"]:
        raise inner.error("sleep_ma", f"{values['sleep_ma']:g} mA is more than active_ma", "sleep takes less, in mA")
    return Power(sleep_mode=inner.text("sleep_mode"), sources=found, **values)
