"""Hypothesis: stimuli for property tests, so that a failing one is found without a log from the field.

    from hypothesis import given
    from sim.field.strategies import stimulus

    @given(stimulus(["ax", "ay", "az"], "m/s^2", rate=104, limit=40))
    def test_never_faults(motion): ...

A stimulus is made of pieces, each channel constant or a ramp in it, so that Hypothesis shrinks it to few, plain ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import SetupError, UsageError
from sim.sensors.recording import Recording

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_PIECES = 8


def stimulus(
    channels: Sequence[str],
    units: Sequence[str] | str,
    *,
    rate: float,
    limit: float,
    least: int = 1,
    most: int = 400,
) -> SearchStrategy[Recording]:
    """Recordings of `least` to `most` points at `rate` (Hz), values within ± `limit` in their units.

    Raises SetupError without Hypothesis, UsageError for limits that leave nothing.
    """
    try:
        from hypothesis import strategies as st
    except ImportError:
        raise SetupError("Hypothesis is not installed", hint="pip install 'boardless[field]'") from None
    if not (0 < least <= most and limit >= 0 and rate > 0):
        raise UsageError(f"stimuli of {least} to {most} points, ± {limit} at {rate} Hz", hint="nothing fits that")
    names = list(channels)

    @st.composite
    def drawn(draw: DrawFn) -> Recording:
        # Whole steps of the limit: what Hypothesis shrinks to is round.
        level = st.integers(-100, 100).map(lambda n: n * limit / 100)
        length = draw(st.integers(least, most))
        pieces = draw(st.integers(1, min(_PIECES, length)))
        ends = sorted({*(draw(st.integers(1, length)) for _ in range(pieces - 1)), length})
        rows, at = np.zeros((length, len(names))), 0
        for end in ends:
            first = [draw(level) for _ in names]
            last = [draw(level) for _ in names] if draw(st.booleans()) else first
            rows[at:end] = np.linspace(first, last, end - at)
            at = end
        return Recording(rows, names, units, rate=rate, name="drawn")

    return drawn()
