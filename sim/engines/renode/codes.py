"""A part's codes as the values that Renode's model of the part makes the same codes of.

Codes per unit as the models of Renode 1.15.3 have them. LSM9DS1_IMU cuts off what is behind the point, and a code
beyond 16 bits ends the process: every value lies in the middle of its code. SI70xx cuts off likewise, and keeps one
value.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.engines.protocol import Fed
from sim.errors import CannotPlay, UsageError

BILLION = 10**9
# part -> codes per unit of each quantity, by the range that the firmware has set
IMUS: Mapping[str, tuple[Mapping[float, int], Mapping[float, int]]] = {
    "lsm9ds1": (
        {2.0: 16384, 4.0: 8192, 8.0: 4096, 16.0: 2048},  # a g
        {245.0: 120, 500.0: 60, 2000.0: 15},  # a degree a second
    ),
}
SOUND = ("mp34dt05",)
ANALOGUE = ("ina240",)  # codes around the middle of an ADC of 12 bits
_MIDDLE = 2048
THERMOMETERS = ("si7021",)  # in hundredths of a degree
_COLDEST, _HOTTEST = -40 * BILLION, 85 * BILLION  # SI70xx refuses what is beyond


def model_values(fed: Fed) -> bytes:
    """What `worker/feeding.py` takes of these codes. Raises CannotPlay for a part that Renode has no model of.

    Raises UsageError for more samples at once than its model keeps.
    """
    if fed.part in SOUND:
        return fed.codes
    if fed.part in ANALOGUE:
        raw = np.frombuffer(fed.codes, "<i2").astype(np.int64) + _MIDDLE
        return bytes(np.clip(raw, 0, 2 * _MIDDLE - 1).astype("<u2"))
    if fed.part in THERMOMETERS:
        return _temperature(fed)
    if fed.part not in IMUS:
        raise CannotPlay(f"Renode has no model of the part {fed.part!r} that can be fed")
    codes = np.frombuffer(fed.codes, "<i2").astype(np.int64).reshape(-1, 6)
    per_unit = [scales[r] for scales, r in zip(IMUS[fed.part], fed.ranges, strict=True) for _ in range(3)]
    middle = 2 * np.abs(codes) + (codes != 0)  # in half codes, away from zero
    values = middle * BILLION // (2 * np.array(per_unit)) * np.sign(codes)
    return bytes(values.astype("<i8"))


def _temperature(fed: Fed) -> bytes:
    """One temperature, at which SI70xx has a code that a driver makes the same hundredths of; 85 degrees at most."""
    codes = np.frombuffer(fed.codes, "<i2").astype(np.int64)
    if codes.size != 1:
        raise UsageError(
            f"{codes.size} samples of the {fed.part} at once: Renode's model of it keeps one",
            hint="in a bus build the app reads one sample at a time",
        )
    # The part's code: (degrees + 46.85) * 65536 / 175.72.
    raw = np.rint((codes + 4685) * 65536 / 17572).astype(np.int64)
    middle = (2 * raw + 1) * 17572 * (BILLION // 100) // (2 * 65536) - 4685 * (BILLION // 100)
    return bytes(np.clip(middle, _COLDEST, _HOTTEST).astype("<i8"))
