"""Machine: one running virtual board. `Machine` is what tests hold; `runner` is the loop under it."""

from __future__ import annotations

from sim.machine.call_result import CallResult
from sim.machine.console import Console
from sim.machine.failing import NotSeen
from sim.machine.intercepting import InterceptedCall
from sim.machine.machine import Machine
from sim.machine.measuring import Measurement, Spread, described_cycles, spread_of_cycles
from sim.machine.sensor import Sensor
from sim.machine.start import ENDINGS
from sim.machine.tracing import Backtrace, TraceFrame
from sim.machine.watching import MemoryEvent

__all__ = [
    "ENDINGS",
    "Backtrace",
    "CallResult",
    "Console",
    "InterceptedCall",
    "Machine",
    "Measurement",
    "MemoryEvent",
    "NotSeen",
    "Sensor",
    "Spread",
    "TraceFrame",
    "described_cycles",
    "spread_of_cycles",
]
