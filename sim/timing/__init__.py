"""Timing: how many cycles a board takes for what the engine executes (docs/cycles.md)."""

from sim.timing.profile import Parameter, TimingProfile
from sim.timing.read import read_timing

__all__ = ["Parameter", "TimingProfile", "read_timing"]
