"""HM01B0: grey camera of the Arducam and SparkFun kits for TinyML, at a quarter of its size in each direction."""

from __future__ import annotations

from fractions import Fraction

from sim.sensors.parts.frame import FramePart
from sim.source import Source

_DRIVER = "zephyrproject-rtos/zephyr@db8b2135a718ee864120c1e0374ccba29819a0fa: drivers/video/hm01b0.c"

PART = FramePart(
    name="hm01b0",
    title="Himax HM01B0, 160 x 120",
    width=160,
    height=120,
    rates=tuple(Fraction(r) for r in (8, 15, 30, 60)),
    fifo_depth=1,
    sources={
        "size": Source("driver", f"{_DRIVER}, RESOLUTION_160x120 (binned by two)"),
        "rates": Source("driver", f"{_DRIVER}, HM01B0_5_OR_8_FPS to HM01B0_45_OR_60_FPS: the second at this size"),
        "fifo_depth": Source("chosen", "the driver holds one frame, the newest"),
        "sensitivity": Source("chosen", "a share of full scale: exposure is automatic"),
    },
)
