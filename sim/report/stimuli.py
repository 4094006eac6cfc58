"""What was played to the sensors, thinned out: a plot needs a few hundred points, a record must stay small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import UsageError
from sim.report.record import Trace

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.sensors.stimulus import Stimulus

POINTS = 400  # a trace
_KEEP = 8  # traces a sensor: the last ones


def traces(machine: Machine) -> tuple[Trace, ...]:
    """All that was played, as far as the run got, at most 400 points each."""
    out: list[Trace] = []
    for slot in machine.board.parts:
        played = machine.sensor(slot).channel.played
        for i, (begin_ps, stimulus) in list(enumerate(played))[-_KEEP:]:
            end_ps = played[i + 1][0] if i + 1 < len(played) else machine.time_ps
            trace = _trace(slot, stimulus, begin_ps / 1e12, end_ps / 1e12)
            if trace is not None:
                out.append(trace)
    return tuple(out)


def _trace(slot: str, stimulus: Stimulus, begin: float, end: float) -> Trace | None:
    import numpy as np

    length = end - begin
    if stimulus.duration is not None:
        length = min(length, stimulus.duration)
    if length <= 0:
        return None
    times = np.linspace(length / POINTS, length, POINTS)
    try:
        values = stimulus.sample(times)
    except UsageError:
        return None  # a stimulus of the user's own that cannot be asked for other times than the part's
    return Trace(
        sensor=slot,
        name=stimulus.name,
        start=begin,
        duration=stimulus.duration,
        channels=tuple(stimulus.channels),
        units=tuple(stimulus.units),
        times=tuple(round(float(t), 6) for t in times + begin),
        values=tuple(tuple(float(f"{v:.5g}") for v in column) for column in values.T),
    )
