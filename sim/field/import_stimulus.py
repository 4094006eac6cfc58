"""Sound and pictures -> codes of a sensor."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from sim.field.imported import Imported, part_of, rate_of


def add_stimulus(found: Imported, log: Path, sensor: str, rate: float | None) -> None:
    from sim.sensors.frames import Frames
    from sim.sensors.recording import Recording
    from sim.sensors.track import Track

    sound = log.suffix.lower() == ".wav"
    slot = sensor or ("microphone" if sound else "camera")
    part = part_of(found.board, slot)
    stimulus = Recording.load(log) if sound else Frames.load(log, rate or float(part.rates[0]))
    given = getattr(stimulus, "rate", None) if sound else float(part.rates[0])
    true_rate = rate_of(part, rate if rate is not None else given, None, str(log))
    ranges = part.full_ranges(())
    track = Track(stimulus, part, true_rate, ranges, Fraction(0))
    data, _ = track.codes(0, track.samples or 0)
    codes = np.frombuffer(data, np.dtype(part.dtype).newbyteorder("<")).reshape(-1, len(part.channels))
    found.add(slot, codes.astype(np.int64), true_rate, ranges)
    found.remarks.append(f"{log.name}: through the part {part.name} at {float(true_rate):g} Hz")
