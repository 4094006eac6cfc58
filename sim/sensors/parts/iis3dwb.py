"""IIS3DWB: three-axis vibration sensor, for machines.

It has one output rate. Its low-pass filter is not modelled: what a stimulus has above half the rate aliases.
"""

from __future__ import annotations

from fractions import Fraction

from sim.sensors.parts.base import LinearPart, Noise, Quantity
from sim.source import Source

_DRIVER = "STMicroelectronics/iis3dwb-pid@7308781b297470fbcd41fa3f36253a6ae123cf5e"

_SHEET = "ST IIS3DWBG1 (the same sensor for more heat), features on its first page"

PART = LinearPart(
    name="iis3dwb",
    title="ST IIS3DWB",
    slot="vibration",
    quantities=(
        Quantity(
            "acceleration",
            ("ax", "ay", "az"),
            "m/s^2",
            "g",
            "mg",
            {2.0: 0.061, 4.0: 0.122, 8.0: 0.244, 16.0: 0.488},
            Noise(density=0.075),
        ),
    ),
    rates=(Fraction(26667),),
    pollable=False,
    fifo_depth=512,
    current_ma=1.1,
    sources={
        "sensitivity": Source("driver", f"{_DRIVER}: iis3dwb_reg.h, iis3dwb_from_fs*g_to_mg"),
        "rates": Source("driver", f"{_DRIVER}: iis3dwb_reg.h, IIS3DWB_XL_ODR_26k7Hz is the only one"),
        "fifo_depth": Source("driver", "kriswiner/IIS3DWB, README.md: 3072 bytes, 512 samples of three axes"),
        "noise": Source("datasheet", f"{_SHEET}: 75 ug/sqrt(Hz) with three axes; taken up to half the output rate"),
        "current_ma": Source("datasheet", f"{_SHEET}: 1.1 mA with three axes"),
        "limits": Source("chosen", "codes end at the named range, where the datasheet's figures end"),
    },
)
