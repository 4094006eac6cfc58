"""Faults on purpose: in sensors, memory, power and time of a virtual board. `Faults` is `machine.faults`."""

from __future__ import annotations

from sim.faults.faults import Faults

__all__ = ["Faults"]
