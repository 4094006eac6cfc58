"""The codes that one sensor delivers while a run is captured."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from sim.field.recorded import Opening

if TYPE_CHECKING:
    from sim.sensors.channel import SensorChannel


class CapturedCodes:
    """The codes of one sensor from one opening on, by index."""

    def __init__(self, channel: SensorChannel, board_ps: int) -> None:
        self.channel, self.time_ps = channel, board_ps
        self.rate, self.ranges = channel.rate, channel.ranges
        self.pieces: list[tuple[int, bytes]] = []
        self.last = b""  # what the last read got

    def opening(self) -> Opening:
        """All pieces in a row; what nobody delivered has the value before it."""
        size = self.channel.bytes_per_sample
        out, missing, at = bytearray(), [], 0
        for first, codes in self.pieces:
            if first < at:  # a sample that is held is asked for again
                continue
            if first > at:
                missing.append((at, first - at))
                out += (bytes(out[-size:]) or bytes(size)) * (first - at)
            out += codes
            at = first + len(codes) // size
        return Opening(Fraction(self.rate), tuple(self.ranges), self.time_ps, bytes(out), tuple(missing))
