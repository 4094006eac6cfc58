"""MP34DT05: microphone of the Arduino Nano 33 BLE Sense, with the PDM decimation of the nRF52840 behind it.

What firmware gets is 16-bit sound at 16 kHz, through two buffers of 256 samples: that is what is modelled.
"""

from __future__ import annotations

import math
from fractions import Fraction

from sim.sensors.parts.base import LinearPart, Noise, Quantity
from sim.source import Source

_CORE = "arduino/ArduinoCore-mbed@78ea5cd63ad975843c2924421d3a4e07b7218cbc: libraries/PDM/src/nrf52/PDM.cpp"
# A sine of 1 Pa (rms; 94 dB SPL) is 26 dB below a sine that fills the range; so full scale is, as a peak:
FULL_SCALE_PA = math.sqrt(2.0) * 10 ** (26 / 20)

PART = LinearPart(
    name="mp34dt05",
    title="ST MP34DT05",
    slot="microphone",
    quantities=(
        Quantity(
            "sound pressure",
            ("sound",),
            "Pa",
            "Pa",
            "Pa",
            {FULL_SCALE_PA: FULL_SCALE_PA / 32768},
            # 64 dB below 1 Pa, over the 20 kHz in which that is measured
            Noise(density=10 ** (-64 / 20) / math.sqrt(20_000)),
        ),
    ),
    rates=(Fraction(16000), Fraction(41667)),
    pollable=False,
    fifo_depth=512,
    driver_buffer=True,
    current_ma=0.65,
    also={"fs": FULL_SCALE_PA},
    sources={
        "sensitivity": Source(
            "datasheet",
            "-26 dBFS: Arduino ABX00031, arduino/docs-content@12cdce902fc5295baca1d0815620be5329282209: "
            "content/hardware/03.nano/boards/nano-33-ble-sense/datasheet/datasheet.md; "
            "at 94 dB SPL: ST user manual of the STEBCN2V1, page 19",
        ),
        "noise": Source(
            "datasheet",
            "64 dB (A) below 94 dB SPL: ST user manual of the STEBCN2V1, page 19; taken as white up to 20 kHz",
        ),
        "rates": Source("driver", _CORE),
        "fifo_depth": Source(
            "driver",
            "arduino/ArduinoCore-mbed@d11ce67189c929809e6a15b411e4c0978294c70c: "
            "libraries/PDM/src/utility/PDMDoubleBuffer.h: two buffers of 512 bytes",
        ),
        "overrun": Source("chosen", "the oldest sample is lost (the Arduino core stops the microphone instead)"),
        "current_ma": Source(
            "unverified", "0.65 mA is quoted from the data sheet in ST's forum (mp34dt05-a-current-consumption)"
        ),
        "gain": Source("chosen", "0 dB between the microphone and the code"),
    },
)
