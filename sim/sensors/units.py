"""Units of stimuli, and how to get from one to another of the same quantity."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.errors import UsageError, near

STANDARD_GRAVITY = 9.80665  # m/s², by definition (3rd CGPM, 1901)

# unit -> (quantity, how many of the quantity's first unit it is)
_UNITS: Mapping[str, tuple[str, float]] = {
    "m/s^2": ("acceleration", 1.0),
    "g": ("acceleration", STANDARD_GRAVITY),
    "mg": ("acceleration", STANDARD_GRAVITY / 1000),
    "deg/s": ("angular rate", 1.0),
    "mdeg/s": ("angular rate", 0.001),
    "rad/s": ("angular rate", 180 / math.pi),
    "Pa": ("sound pressure", 1.0),
    "A": ("current", 1.0),
    "mA": ("current", 0.001),
    "degC": ("temperature", 1.0),
    "fs": ("share of full scale", 1.0),  # digital audio: -1..1 of what the part can deliver
}
_ALSO = {"m/s²": "m/s^2", "m/s2": "m/s^2", "dps": "deg/s", "°/s": "deg/s", "mdps": "mdeg/s", "FS": "fs", "°C": "degC"}


def canonical(unit: str) -> str:
    """The unit as written here; raises UsageError for one that is not known."""
    unit = _ALSO.get(unit, unit)
    if unit not in _UNITS:
        raise UsageError(f"unknown unit {unit!r}", hint=near(unit, [*_UNITS, *_ALSO]))
    return unit


def quantity(unit: str) -> str:
    """What the unit measures: "acceleration". Raises UsageError for an unknown unit."""
    return _UNITS[canonical(unit)][0]


def factor(unit: str, into: str) -> float:
    """What a value in `unit` is multiplied by to be one in `into`.

    Raises UsageError for units of different quantities.
    """
    what, size = _UNITS[canonical(unit)]
    wanted, wanted_size = _UNITS[canonical(into)]
    if what != wanted:
        allowed = ", ".join(name for name, (kind, _) in _UNITS.items() if kind == wanted)
        raise UsageError(
            f"[{unit}] is {'an' if what[0] in 'aeiou' else 'a'} {what}, not {wanted}",
            hint=f"units of {wanted}: {allowed}",
        )
    return 1.0 if size == wanted_size else size / wanted_size
