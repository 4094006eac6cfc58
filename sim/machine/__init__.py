"""Machine: one running virtual board. `Machine` is what tests hold; `runner` is the loop under it."""

from __future__ import annotations

from sim.machine.console import Console
from sim.machine.machine import Machine
from sim.machine.measuring import Measurement, Spread, described_cycles, spread_of_cycles
from sim.machine.runner import ENDINGS, NotSeen
from sim.machine.sensor import Sensor

__all__ = [
    "ENDINGS",
    "Console",
    "Machine",
    "Measurement",
    "NotSeen",
    "Sensor",
    "Spread",
    "described_cycles",
    "spread_of_cycles",
]
