"""Firmware: app + model + board -> ELF, and what is known of it: sizes, symbols, arena."""

from __future__ import annotations

from sim.elf import Symbol
from sim.firmware.build import build
from sim.firmware.image import Firmware

__all__ = ["Firmware", "Symbol", "build"]
