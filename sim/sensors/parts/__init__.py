"""The sensor parts there are: one file each, with a `PART` in it.

More come with installed packages, by the entry point `boardless.parts`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sim.errors import UsageError, near

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from sim.sensors.parts.base import Part

# part -> what it is, one line. The file is loaded when the part is asked for (it needs numpy).
NAMES = {
    "hm01b0": "grey camera, Himax, 160 x 120",
    "hts221": "temperature, ST",
    "iis3dwb": "three-axis vibration, ST",
    "ina219": "current through a shunt, TI",
    "ina240": "current through a shunt, an amplifier on an ADC, TI",
    "lsm6dso": "accelerometer and gyroscope, ST",
    "lsm9ds1": "accelerometer and gyroscope (its magnetometer is not modelled), ST",
    "mp34dt05": "digital microphone, ST, as the Arduino core reads it",
    "si7021": "temperature, Silicon Labs",
}


def _others() -> dict[str, EntryPoint]:
    # importlib.metadata costs 20 ms to import; a board with shipped parts needs none of it.
    from importlib.metadata import entry_points

    return {e.name: e for e in entry_points(group="boardless.parts")}


def known(name: str) -> bool:
    """Whether there is a part of that name."""
    return name in NAMES or name in _others()


def part_names() -> tuple[str, ...]:
    """All parts by name, sorted: shipped ones and those of installed packages."""
    return tuple(sorted({*NAMES, *_others()}))


def part(name: str) -> Part:
    """The part of that name. Raises UsageError, with near names, for an unknown one."""
    if name in NAMES:
        found: Part = import_module(f"sim.sensors.parts.{name}").PART
        return found
    others = _others()
    if name in others:
        loaded: Part = others[name].load()
        return loaded
    raise UsageError(f"unknown sensor part {name!r}", hint=near(name, part_names()))
