"""The figures that boardless itself knows: their unit, what is better, and what must be equal to compare two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sim.errors import UsageError, near
from sim.report.quantity import UNITS

HOW = ("counted", "modelled", "scaled", "measured", "estimated")


@dataclass(frozen=True)
class Kind:
    """What a figure of that name is. `unit` is a base unit (see `sim.report.quantity`)."""

    title: str
    unit: str
    higher_is_better: bool = False


KINDS: Mapping[str, Kind] = {
    "cycles": Kind("cycles of one inference, the most", "cycles"),
    "instructions": Kind("instructions of one inference, the most", "instructions"),
    "flash": Kind("flash", "B"),
    "ram_static": Kind("static RAM", "B"),
    "arena": Kind("tensor arena used", "B"),
    "arena_reserved": Kind("tensor arena reserved", "B"),
    "arena_smallest": Kind("smallest arena that runs", "B"),
    "stack": Kind("stack, peak", "B"),
    "heap": Kind("heap, peak", "B"),
    "latency": Kind("latency of a decision, the most", "s"),
    "energy": Kind("energy of one inference", "J"),
    "energy_per_decision": Kind("energy per decision, with sleep and sensors", "J"),
    "accuracy": Kind("accuracy", "ratio", higher_is_better=True),
    "battery_life": Kind("battery life", "s", higher_is_better=True),
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def kind(name: str, what: str = "") -> Kind:
    """The kind of a figure that boardless knows. Raises UsageError with near names."""
    if name not in KINDS:
        raise UsageError(f"{what}unknown figure {name!r}", hint=near(name, KINDS))
    return KINDS[name]


def own_name(name: str, unit: str) -> Kind:
    """The kind of a figure of a test's own. Raises UsageError for a name or unit that cannot be."""
    if name in KINDS:
        if unit and unit != KINDS[name].unit:
            raise UsageError(f"figure {name!r} is in {KINDS[name].unit!r}, not in {unit!r}", hint="leave out the unit")
        return KINDS[name]
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a figure's name", hint="lower-case letters, digits and _, a letter first")
    if unit not in UNITS:
        raise UsageError(f"figure {name!r}: unknown unit {unit!r}", hint=near(unit, [u for u in UNITS if u]))
    return Kind(name.replace("_", " "), unit)
