"""INA219: current of a supply line, through a shunt of 0.1 ohm."""

from __future__ import annotations

from fractions import Fraction

from sim.sensors.parts.base import LinearPart, Noise, Quantity
from sim.source import Source

_LINUX = "torvalds/linux@9669d37610fdf13baa743b0240d33cbe62d91b5f: drivers/iio/adc/ina2xx-adc.c"
# One over the conversion time in us, to the millihertz.
_RATES = tuple(Fraction(round(1e9 / us), 1000) for us in (68100, 34050, 17020, 8510, 4260, 2130, 1060, 532))
_RANGES = (400, 800, 1600, 3200)  # mA: firmware names a range by a whole number

PART = LinearPart(
    name="ina219",
    title="TI INA219 with a shunt of 0.1 ohm",
    slot="current",
    quantities=(Quantity("current", ("current",), "A", "mA", "mA", dict.fromkeys(_RANGES, 0.1), Noise(floor=0.1)),),
    rates=_RATES,
    pollable=True,
    fifo_depth=1,
    sources={
        "sensitivity": Source("driver", f"{_LINUX}: 10 uV a code of the shunt's voltage; the shunt is chosen"),
        "rates": Source("driver", f"{_LINUX}: ina219_conv_time_tab_average"),
        "fifo_depth": Source(
            "driver",
            "zephyrproject-rtos/zephyr@350d6ed5767b5a0f2d245d98a484430567640d33: "
            "drivers/sensor/ti/ina219/ina219.c: one result register",
        ),
        "noise": Source("chosen", "one code, rms: the last bit of an averaged conversion moves"),
        "limits": Source("chosen", "codes end at the range of the shunt's amplifier: 40, 80, 160, 320 mV"),
    },
)
