"""LSM6DSO: accelerometer and gyroscope, for boards that have none of their own.

It is on the shield X-NUCLEO-IKS01A3. Both run at one rate, FIFO in continuous mode.
"""

from __future__ import annotations

from fractions import Fraction

from sim.sensors.parts.base import LinearPart, Noise, Quantity
from sim.source import Source

_DRIVER = "STMicroelectronics/lsm6dso-pid@163f39aad71b63533b8d1b5d28c95967a74a2553"

PART = LinearPart(
    name="lsm6dso",
    title="ST LSM6DSO",
    slot="imu",
    quantities=(
        Quantity(
            "acceleration",
            ("ax", "ay", "az"),
            "m/s^2",
            "g",
            "mg",
            {2.0: 0.061, 4.0: 0.122, 8.0: 0.244, 16.0: 0.488},
            Noise(density=0.07),
        ),
        Quantity(
            "angular rate",
            ("gx", "gy", "gz"),
            "deg/s",
            "deg/s",
            "mdeg/s",
            {125.0: 4.375, 250.0: 8.75, 500.0: 17.5, 1000.0: 35.0, 2000.0: 70.0},
            Noise(density=3.8),
        ),
    ),
    rates=tuple(Fraction(r) for r in ("12.5", "26", "52", "104", "208", "417", "833", "1667", "3333", "6667")),
    pollable=True,
    fifo_depth=256,
    current_ma=0.55,
    sources={
        "sensitivity": Source("driver", f"{_DRIVER}: lsm6dso_reg.c, lsm6dso_from_fs*_to_*"),
        "rates": Source("driver", f"{_DRIVER}: lsm6dso_reg.c, names LSM6DSO_XL_ODR_12Hz5 to _6667Hz"),
        "fifo_depth": Source(
            "driver",
            "torvalds/linux@007f2ebbac2ac7f0f6d80ca5afd3f51c5a083838: "
            "drivers/iio/imu/st_lsm6dsx/st_lsm6dsx_core.c: 512 words; a sample takes two, one a quantity",
        ),
        "current_ma": Source(
            "datasheet", "ST LSM6DSO, DS12140, first page: accelerometer and gyroscope, high-performance mode"
        ),
        "noise": Source(
            "unverified", "70 ug/sqrt(Hz), 3.8 mdps/sqrt(Hz), high-performance mode: from memory, not opened"
        ),
        "limits": Source("chosen", "codes end at the named range, where the datasheet's figures end"),
    },
)
