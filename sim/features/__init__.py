"""Features as the device computes them, in the same integers: for training, and for tests against the device."""

from __future__ import annotations

from sim.features.spectrum import log2_q8, log_bands, power_spectrum

__all__ = ["log2_q8", "log_bands", "power_spectrum"]
