"""Cells that a product runs on, and how long they last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sim.errors import UsageError, near
from sim.report.quantity import parse
from sim.source import Source

YEAR = 365.25 * 86400  # s


@dataclass(frozen=True)
class Cell:
    """A cell or battery. `capacity_mah` is what it gives down to `cutoff_volts`."""

    name: str
    capacity_mah: float
    volts: float  # nominal
    cutoff_volts: float
    self_discharge: float  # share of the capacity that is lost in a year, 0.01
    source: Source

    def life(self, amperes: float, *, usable: float = 1.0) -> float:
        """Seconds until it is empty at that mean current.

        Its own loss goes on beside the load. `usable`: the share of the capacity above the voltage at which the
        product stops, where that is above `cutoff_volts`. Raises UsageError.
        """
        if not 0 < usable <= 1:
            raise UsageError(f"usable = {usable}", hint="above 0, at most 1")
        if amperes < 0:
            raise UsageError(f"a mean current of {amperes} A")
        charge = self.capacity_mah * 3.6 * usable  # coulombs
        own = self.capacity_mah * 3.6 * self.self_discharge / YEAR  # A
        return charge / (amperes + own) if amperes + own > 0 else float("inf")

    @property
    def described(self) -> str:
        """On one line."""
        lost = f"{self.self_discharge * 100:g} % a year by itself"
        return f"{self.name}: {self.capacity_mah:g} mAh to {self.cutoff_volts:g} V, {lost}"


_WIKIPEDIA = (
    "en.wikipedia.org/wiki/CR2032_battery: 225 mAh, nominal 3.0 V, cut-off 2.0 V; 1 % a year is usual for Li-MnO2"
)
CELLS: Mapping[str, Cell] = {
    cell.name: cell
    for cell in (
        Cell("CR2032", 225, 3.0, 2.0, 0.01, Source("unverified", _WIKIPEDIA)),
        Cell("CR2450", 600, 3.0, 2.0, 0.01, Source("unverified", "usual for the size; no data sheet opened")),
        Cell("2xAAA", 1000, 3.0, 1.8, 0.03, Source("unverified", "alkaline, usual for the size; none opened")),
        Cell("2xAA", 2500, 3.0, 1.8, 0.03, Source("unverified", "alkaline, usual for the size; none opened")),
        Cell("LiPo500", 500, 3.7, 3.0, 0.25, Source("unverified", "500 mAh, 2 % a month; none opened")),
    )
}
_OWN = re.compile(r"\s*([0-9.]+)\s*mAh\s*,\s*([0-9.]+)\s*V\s*(?:,\s*([0-9.]+\s*%)\s*/\s*year)?\s*")


def find_cell(text: str) -> Cell:
    """A cell by name, or as "1200 mAh, 3.7 V, 5 %/year". Raises UsageError."""
    if text in CELLS:
        return CELLS[text]
    found = _OWN.fullmatch(text)
    if not found:
        raise UsageError(f"unknown cell {text!r}", hint=f'{near(text, CELLS)} or "1200 mAh, 3.7 V, 5 %/year"')
    capacity, volts = float(found[1]), float(found[2])
    loss = parse(found[3], "ratio", "self-discharge") if found[3] else 0.0
    if not capacity or not volts or loss >= 1:
        raise UsageError(f"cell {text!r} cannot be", hint="a capacity and a voltage above 0, a loss below 100 %")
    return Cell("cell", capacity, volts, volts, loss, Source("chosen", f"given as {text!r}"))
