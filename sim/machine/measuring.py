"""What a measurement of a region gives."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.clock import cycle_model
from sim.engines.protocol import RegionRun
from sim.timing import TimingProfile


@dataclass(frozen=True)
class Spread:
    """Least, median and most of several runs."""

    min: int
    median: int
    max: int

    @staticmethod
    def of(values: list[int]) -> Spread:
        return Spread(min(values), int(statistics.median_low(values)), max(values))


def spread_of_cycles(runs: Sequence[RegionRun]) -> Spread | None:
    """Cycles of runs of a region; None where the engine counted none."""
    if not all(run.end_cycles for run in runs):
        return None
    return Spread.of([run.end_cycles - run.start_cycles for run in runs])


def described_cycles(cycles: Spread | None, timing: TimingProfile | None) -> dict[str, Any] | None:
    """Cycles as they stand in a JSON result: with their model, and whether it was held against hardware."""
    if cycles is None or timing is None:
        return None
    return {**vars(cycles), "model": cycle_model(timing), "validated": timing.validated}


@dataclass(frozen=True)
class Measurement:
    """Runs of a region, from its entry to its return.

    `cycles` are those of the board's timing model, which `model` names; None where its core has none. `validated`:
    the model was held against hardware, within the error that `boardless boards --sources` tells.
    """

    region: str
    runs: int
    instructions: Spread
    cycles: Spread | None
    model: str
    validated: bool
    engine: str
    firmware_sha256: str
    info: Mapping[str, int]
