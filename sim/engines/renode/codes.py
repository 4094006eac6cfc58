"""A part's codes as the values that Renode's model of the part makes the same codes of.

Codes per unit as the models of Renode 1.15.3 have them. LSM9DS1_IMU cuts off what is behind the point, and a code
beyond 16 bits ends the process: every value lies in the middle of its code.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.engines.protocol import Fed
from sim.errors import CannotPlay

BILLION = 10**9
# part -> codes per unit of each quantity, by the range that the firmware has set
IMUS: Mapping[str, tuple[Mapping[float, int], Mapping[float, int]]] = {
    "lsm9ds1": (
        {2.0: 16384, 4.0: 8192, 8.0: 4096, 16.0: 2048},  # a g
        {245.0: 120, 500.0: 60, 2000.0: 15},  # a degree a second
    ),
}
SOUND = ("mp34dt05",)


def model_values(fed: Fed) -> bytes:
    """What `worker/feeding.py` takes of these codes. Raises CannotPlay for a part that Renode has no model of."""
    if fed.part in SOUND:
        return fed.codes
    if fed.part not in IMUS:
        raise CannotPlay(f"Renode has no model of the part {fed.part!r} that can be fed")
    codes = np.frombuffer(fed.codes, "<i2").astype(np.int64).reshape(-1, 6)
    per_unit = [scales[r] for scales, r in zip(IMUS[fed.part], fed.ranges, strict=True) for _ in range(3)]
    middle = 2 * np.abs(codes) + (codes != 0)  # in half codes, away from zero
    values = middle * BILLION // (2 * np.array(per_unit)) * np.sign(codes)
    return bytes(values.astype("<i8"))
