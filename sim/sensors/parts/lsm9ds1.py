"""LSM9DS1: accelerometer and gyroscope of the Arduino Nano 33 BLE.

Both run at one rate, FIFO in continuous mode. Its magnetometer is not modelled.
"""

from __future__ import annotations

from fractions import Fraction

from sim.sensors.parts.base import LinearPart, Noise, Quantity
from sim.source import Source

_SHEET = "ST LSM9DS1, DocID025715 Rev 2"
_DRIVER = "STMicroelectronics/lsm9ds1-pid@07635d62d30d1ff8412603403e77c4154676bfd3"

PART = LinearPart(
    name="lsm9ds1",
    title="ST LSM9DS1",
    slot="imu",
    quantities=(
        Quantity(
            "acceleration",
            ("ax", "ay", "az"),
            "m/s^2",
            "g",
            "mg",
            {2.0: 0.061, 4.0: 0.122, 8.0: 0.244, 16.0: 0.732},
            Noise(density=0.09),
        ),
        Quantity(
            "angular rate",
            ("gx", "gy", "gz"),
            "deg/s",
            "deg/s",
            "mdeg/s",
            {245.0: 8.75, 500.0: 17.5, 2000.0: 70.0},
            Noise(density=7.0),
        ),
    ),
    rates=tuple(Fraction(r) for r in ("14.9", "59.5", "119", "238", "476", "952")),
    pollable=True,
    fifo_depth=32,
    current_ma=4.6,
    sources={
        "sensitivity": Source("datasheet", f"{_SHEET}, table 3 (LA_So, G_So); so has {_DRIVER}: lsm9ds1_reg.c"),
        "rates": Source("datasheet", f"{_SHEET}, table 9, accelerometer and gyroscope at one rate"),
        "fifo_depth": Source("datasheet", f"{_SHEET}, section 3.5: 32 samples, continuous mode overwrites the oldest"),
        "current_ma": Source(
            "unverified", f"gyroscope 4.0 mA and accelerometer with magnetometer 0.6 mA: {_SHEET}, table 4, not opened"
        ),
        "noise": Source(
            "chosen", "its data sheet names none; 90 ug/sqrt(Hz), 7 mdps/sqrt(Hz) as ST's others of its time"
        ),
        "limits": Source("chosen", "codes end at the named range, where the datasheet's figures end"),
    },
)
