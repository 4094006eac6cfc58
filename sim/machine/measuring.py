"""What a measurement of a region gives."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Least, median and most of several runs."""

    min: int
    median: int
    max: int

    @staticmethod
    def of(values: list[int]) -> Spread:
        return Spread(min(values), int(statistics.median_low(values)), max(values))


@dataclass(frozen=True)
class Measurement:
    """Runs of a region, from its entry to its return.

    `cycles` is what board time runs on; `model` says how they were got from the counted instructions.
    """

    region: str
    runs: int
    instructions: Spread
    cycles: Spread
    model: str
    engine: str
    firmware_sha256: str
    info: Mapping[str, int]
