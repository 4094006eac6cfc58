"""Durations as people write them: `"2 s"`, `"150 ms"`, or a number of seconds. Board time is whole picoseconds."""

from __future__ import annotations

import math
import re

from sim.errors import UsageError

PS = 10**12  # picoseconds in a second
_UNITS = {"ns": 1e3, "us": 1e6, "µs": 1e6, "ms": 1e9, "s": 1e12, "min": 60e12, "h": 3600e12}
_TEXT = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?)\s*([a-zµ]+)\s*")


def picoseconds(duration: float | str) -> int:
    """Whole picoseconds of a duration; a bare number is seconds. Raises UsageError."""
    if isinstance(duration, str):
        found = _TEXT.fullmatch(duration)
        if not found or found[2] not in _UNITS:
            raise UsageError(f"{duration!r} is no duration", hint='write it as "2 s", "150 ms", "1 min"')
        value, unit = float(found[1]), _UNITS[found[2]]
    else:
        try:
            number = math.nan if isinstance(duration, bool) else duration
            value, unit = math.nan if getattr(number, "ndim", 0) else float(number), _UNITS["s"]
        except (TypeError, ValueError, OverflowError):
            raise UsageError(f"{duration!r} is no duration", hint='"2 s", "150 ms", or a number of seconds') from None
    if not math.isfinite(value * unit) or value < 0:
        raise UsageError(f"{duration!r} is no duration", hint="it is a finite number of seconds, not below 0")
    return round(value * unit)


def shown(ps: int) -> str:
    """Seconds with microseconds, as in logs: `1.250000 s`."""
    return f"{ps / PS:.6f} s"
