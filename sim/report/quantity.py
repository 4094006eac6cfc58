"""Quantities as people write them ("256 KiB", "2 mJ", "50 ms", 3_000_000) and as reports show them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sim.errors import UsageError, near

_TEXT = re.compile(r"\s*([+-]?[0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)\s*([A-Za-zµμ%]*)\s*")
_TIME = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_ENERGY = {"nJ": 1e-9, "uJ": 1e-6, "µJ": 1e-6, "mJ": 1e-3, "J": 1.0}
_CURRENT = {"nA": 1e-9, "uA": 1e-6, "µA": 1e-6, "mA": 1e-3, "A": 1.0}
_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "KiB": 1024.0, "MiB": 1048576.0}
_COUNT = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
# Base unit -> what a text may have, with the factor into it. A bare number is in the base unit.
UNITS: Mapping[str, Mapping[str, float]] = {
    "B": _BYTES,
    "cycles": {**_COUNT, "cycles": 1.0, "kcycles": 1e3, "Mcycles": 1e6},
    "instructions": {**_COUNT, "instructions": 1.0},
    "s": _TIME,
    "J": _ENERGY,
    "A": _CURRENT,
    "ratio": {"": 1.0, "%": 0.01},
    "": _COUNT,
}
_WHOLE = ("B", "cycles", "instructions")


def parse(given: object, unit: str, what: str) -> float:
    """A number, or a text with a unit of the same kind, in the base unit `unit` (a key of UNITS).

    Raises UsageError naming `what`; a unit of another kind is told with those that fit.
    """
    known = UNITS[unit]
    example = {"B": '"256 KiB"', "J": '"2 mJ"', "s": '"50 ms"', "A": '"3 mA"', "ratio": '0.9 or "90 %"'}.get(
        unit, '3_000_000 or "3 M"'
    )
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise UsageError(f"{what}: {given!r} is no quantity", hint=f"write it as {example}")
    if isinstance(given, str):
        found = _TEXT.fullmatch(given)
        if not found:
            raise UsageError(f"{what}: {given!r} is no quantity", hint=f"write it as {example}")
        said = found[2].replace("μ", "µ")  # two code points for one sign
        if said == "KB":
            raise UsageError(f"{what}: KB in {given!r} may be 1000 or 1024 bytes", hint="write KiB (1024) or kB (1000)")
        if said and said not in known:
            raise UsageError(f"{what}: unknown unit {said!r} in {given!r}", hint=near(said, [u for u in known if u]))
        if not said and unit in ("s", "J", "A"):
            raise UsageError(f"{what}: {given!r} has no unit", hint=f"write it as {example}")
        value = float(found[1].replace("_", "")) * (known[said] if said else 1.0)
    else:
        value = float(given)
    if not math.isfinite(value) or value < 0:
        raise UsageError(f"{what}: {given!r} cannot be", hint="a finite number, not below 0")
    return value


@dataclass(frozen=True)
class Tolerance:
    """How much a figure may get worse: by a share of the stored value, or by an amount in its base unit."""

    relative: float | None = None
    absolute: float | None = None

    @staticmethod
    def parse(text: str, unit: str, what: str) -> Tolerance:
        """ "2%" or "1KiB". Raises UsageError."""
        if text.strip().endswith("%"):
            return Tolerance(relative=parse(text, "ratio", what))
        return Tolerance(absolute=parse(text, unit, what))

    def allows(self, before: float, worse_by: float) -> bool:
        """Whether getting worse by that much is within it."""
        limit = abs(before) * self.relative if self.relative is not None else (self.absolute or 0.0)
        return worse_by <= limit * (1 + 1e-12)

    def __str__(self) -> str:
        return f"{self.relative * 100:g} %" if self.relative is not None else f"{self.absolute:g}"


def shown(value: float, unit: str) -> str:
    """For people: `1,234,567 cycles`, `255.9 KiB (262,055 B)`, `1.23 mJ`."""
    if unit == "B":
        whole = f"{_grouped(value)} B"
        return whole if abs(value) < 10240 else f"{value / 1024:.1f} KiB ({whole})"
    if unit in ("cycles", "instructions"):
        return f"{_grouped(value)} {unit}"
    if unit == "ratio":
        return f"{value * 100:.2f} %"
    if unit in ("s", "J", "A"):
        return _scaled(value, unit)
    number = _grouped(value) if float(value).is_integer() else f"{value:.4g}"
    return f"{number} {unit}".strip()


def _grouped(value: float) -> str:
    return f"{round(value):,}"


def _scaled(value: float, unit: str) -> str:
    size = abs(value)
    if unit == "s" and size >= 2 * 86400:
        return f"{value / 86400:.1f} days"
    if unit == "s" and size >= 7200:
        return f"{value / 3600:.1f} h"
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")):
        if size >= factor or prefix == "n":
            return f"{value / factor:.4g} {prefix}{unit}" if value else f"0 {unit}"
    raise AssertionError("every size has a prefix")


def whole(value: float, unit: str) -> float | int:
    """Counts and bytes as integers, the rest as they are: what goes into JSON."""
    return round(value) if unit in _WHOLE else value
