"""HTS221: temperature of the Arduino Nano 33 BLE Sense (its humidity is not modelled).

The part delivers a value on a line given by two points burnt into each one; modelled is the calibrated value, in
hundredths of a degree, which is what its driver hands on.
"""

from __future__ import annotations

from fractions import Fraction

from sim.sensors.parts.base import LinearPart, Noise, Quantity
from sim.source import Source

_DRIVER = "STMicroelectronics/hts221-pid@f92d2acd31906588173cf5af142475f7cefda2f1"

PART = LinearPart(
    name="hts221",
    title="ST HTS221",
    slot="temperature",
    quantities=(Quantity("temperature", ("temperature",), "degC", "degC", "degC", {120.0: 0.01}, Noise(floor=0.03)),),
    rates=(Fraction(1), Fraction(7), Fraction(25, 2)),
    pollable=True,
    fifo_depth=1,
    current_ma=0.002,
    sources={
        "rates": Source("driver", f"{_DRIVER}: hts221_reg.h, HTS221_ODR_1Hz, _7Hz, _12Hz5"),
        "sensitivity": Source("chosen", "hundredths of a degree, after the part's own calibration"),
        "fifo_depth": Source("driver", f"{_DRIVER}: hts221_reg.h: one output register"),
        "noise": Source("unverified", "0.03 degrees rms with its default averaging over 16: from memory, not opened"),
        "current_ma": Source("datasheet", "ST HTS221, DocID026333 Rev 4, first page: 2 uA at 1 Hz"),
        "limits": Source("chosen", "-120 to 120 degrees C: wider than the part below zero, as ranges are even"),
    },
)
