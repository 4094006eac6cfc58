"""Si7021: temperature, on I2C (its humidity is not modelled).

A driver asks it for each measurement and converts; modelled is what it hands on, in hundredths of a degree. Its own
step at 14 bits is a little more than one of them, 0.0107 degrees.
"""

from __future__ import annotations

from fractions import Fraction

from sim.sensors.parts.base import LinearPart, Noise, Quantity
from sim.source import Source

_LINUX = "torvalds/linux@b0c9fedbeac081735b9329641d76cb1810c4e2d1: drivers/iio/humidity/si7020.c"
_SHEET = "Silicon Labs Si7021-A20"

PART = LinearPart(
    name="si7021",
    title="Silicon Labs Si7021",
    slot="temperature",
    quantities=(Quantity("temperature", ("temperature",), "degC", "degC", "degC", {125.0: 0.01}, Noise(floor=0.01)),),
    rates=(Fraction(1), Fraction(10), Fraction(50)),
    pollable=True,
    fifo_depth=1,
    sources={
        "rates": Source("chosen", f"it measures when asked; 50 Hz leave room for 10.8 ms, {_SHEET}, table 2 (14 bits)"),
        "sensitivity": Source("chosen", f"hundredths of a degree, after the formula of {_LINUX}"),
        "fifo_depth": Source("driver", f"{_LINUX}: each read is one measurement"),
        "noise": Source("chosen", "one code, rms: its last bit moves"),
        "limits": Source("chosen", "-125 to 125 degrees C: wider than the part below zero, as ranges are even"),
    },
)
