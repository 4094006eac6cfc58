"""INA240A1: current through a shunt of 0.025 ohm, as a voltage on a microcontroller's ADC of 12 bits at 3.3 V.

No current is the middle of the supply; modelled is what the ADC's driver hands on, codes around it.
"""

from __future__ import annotations

from fractions import Fraction

from sim.sensors.parts.base import LinearPart, Noise, Quantity
from sim.source import Source

_SHEET = "TI INA240, SBOS662C"
_CODE_MA = 3300 / 4096 / 20 / 0.025  # mV a code / gain / ohm

PART = LinearPart(
    name="ina240",
    title="TI INA240A1 with a shunt of 0.025 ohm, on an ADC of 12 bits",
    slot="current",
    quantities=(Quantity("current", ("current",), "A", "mA", "mA", {3200: _CODE_MA}, Noise(floor=_CODE_MA)),),
    rates=(Fraction(100), Fraction(1000)),
    pollable=True,
    fifo_depth=1,
    sources={
        "sensitivity": Source("datasheet", f"{_SHEET}, page 1: 20 V/V; shunt, 12 bits and 3.3 V are chosen"),
        "rates": Source("chosen", "converted when its driver starts it; up to 1 kHz, the amplifier has 400 kHz"),
        "fifo_depth": Source("chosen", "one data register, without DMA"),
        "noise": Source("chosen", "one code, rms: the last bit of a conversion moves"),
        "limits": Source("chosen", "codes end at 3.2 A, a little before the amplifier's output ends"),
    },
)
