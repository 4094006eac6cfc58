"""Many evaluations in one table: apps x boards x models x TFLM trees x engines."""

from __future__ import annotations

from sim.sweep.grid import Cell, grid
from sim.sweep.row import COLUMNS, Row
from sim.sweep.sweeping import Sweep, sweep

__all__ = ["COLUMNS", "Cell", "Row", "Sweep", "grid", "sweep"]
