"""What leaves a part: codes of samples in a row, of a stimulus or a recording, with the faults that were put in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sim.sensors.dropout import Piece
from sim.sensors.parts.base import Part
from sim.sensors.playlist import Playlist

_RECENT = 1 << 20  # bytes of codes that are kept of what was delivered
Codes = tuple[bytes, int, int, bool]  # codes, values beyond the range, samples at rest, all is over before the first


class PartOutput:
    """The output of one part of a board while it runs."""

    def __init__(self, part: Part) -> None:
        self.size = np.dtype(part.dtype).itemsize * len(part.channels)  # bytes of a sample
        self._rest = bytes(self.size)
        self.playlist = Playlist(self._rest)
        self.feed: Callable[[int, int], bytes] | None = None  # codes of samples first..end, in place of a stimulus
        self.distortions: list[Callable[[int, bytes], bytes]] = []  # faults: (first, codes) -> codes as delivered
        self.tap: Callable[[int, bytes], None] | None = None  # who wants to see what is delivered: (first, codes)
        self._part = part
        self._recent: deque[bytes] = deque()
        self._recent_bytes = 0

    def codes(self, first: int, end: int) -> Codes:
        """Samples first..end as they leave the part."""
        if self.feed is not None:
            codes, saturated, rest, over = self.feed(first, end), 0, 0, False
        else:
            codes, saturated, rest, over = self.playlist.codes(first, end)
        for distort in self.distortions:
            codes = distort(first, codes)
        if self.tap is not None:
            self.tap(first, codes)
        return codes, saturated, rest, over

    def piece(self, piece: Piece) -> Codes:
        """The same of a part that drops out now and then."""
        if piece.held is None:
            return self.codes(piece.first, piece.end)
        count = piece.end - piece.first
        if piece.held < 0:
            return self._rest * count, 0, count, False
        counted = self.playlist
        kept = counted.consumed, counted.saturated, counted.at_rest
        data = self.codes(piece.held, piece.held + 1)[0]
        counted.consumed, counted.saturated, counted.at_rest = kept
        counted.consumed += count
        return data * count, 0, 0, False

    def peek(self, first: int, end: int) -> bytes:
        """Samples to come, as they would leave it now; nothing counts as delivered."""
        counted = self.playlist
        kept = counted.consumed, counted.saturated, counted.at_rest
        tap, self.tap = self.tap, None
        codes = self.codes(first, end)[0]
        self.tap = tap
        counted.consumed, counted.saturated, counted.at_rest = kept
        return codes

    def keep(self, codes: bytes) -> None:
        """Firmware has read that."""
        self._recent.append(codes)
        self._recent_bytes += len(codes)
        while self._recent_bytes > _RECENT and len(self._recent) > 1:
            self._recent_bytes -= len(self._recent.popleft())

    def recent(self) -> npt.NDArray[np.int64]:
        """Codes [n, channels] of the last samples that firmware has read: about a megabyte of them."""
        codes = np.frombuffer(b"".join(self._recent), np.dtype(self._part.dtype).newbyteorder("<"))
        return codes.reshape(-1, len(self._part.channels)).astype(np.int64)
