"""Stimuli that were played one after the other, as samples of a part: which of them each sample is of."""

from __future__ import annotations

from sim.sensors.track import Track


class Playlist:
    """Samples are counted from the opening of the part. Where nothing plays they are the part's rest value."""

    def __init__(self, rest: bytes) -> None:
        """`rest`: codes of a sample at rest."""
        self._rest = rest
        self._tracks: list[tuple[int, Track]] = []  # (index of its first sample, track), rising
        self.consumed = 0  # samples of the last stimulus that were read
        self.saturated = 0  # values among them that were beyond the range
        self.at_rest = 0  # samples read that no stimulus was played for

    @property
    def last(self) -> tuple[int, Track] | None:
        """What was played last, and the index of its first sample."""
        return self._tracks[-1] if self._tracks else None

    @property
    def end(self) -> int | None:
        """One more than the index of its last sample; None: nothing plays, or without end."""
        if not self._tracks or self._tracks[-1][1].samples is None:
            return None
        start, track = self._tracks[-1]
        return start + (track.samples or 0)

    def clear(self, last: tuple[int, Track] | None = None) -> None:
        """Nothing plays, or only that: the part was opened anew. What was read of the last stimulus is kept."""
        self._tracks = [] if last is None else [last]
        self.at_rest = 0

    def start(self, index: int, track: Track, oldest: int) -> None:
        """From `index` on it is `track`. Nobody will ask for samples before `oldest` any more."""
        kept = [(s, t) for s, t in self._tracks if s < index]
        while len(kept) > 1 and kept[1][0] <= oldest:
            kept.pop(0)
        self._tracks = [*kept, (index, track)]
        self.consumed = self.saturated = 0

    def codes(self, first: int, end: int) -> tuple[bytes, int, int, bool]:
        """Of samples first..end: (codes, values beyond the range, samples at rest, all is over before the first)."""
        start, track = self._tracks[-1] if self._tracks else (0, None)
        if track is None or start > first or (track.samples is not None and end > start + track.samples):
            return self._assemble(first, end)
        codes, saturated = track.codes(first - start, end - start)
        self.consumed += end - first
        self.saturated += saturated
        return codes, saturated, 0, False

    def _assemble(self, first: int, end: int) -> tuple[bytes, int, int, bool]:
        """`codes` of samples that are not all of one stimulus."""
        out: list[bytes] = []
        at, saturated, rest = first, 0, 0
        for i, (start, track) in enumerate(self._tracks):
            last = i == len(self._tracks) - 1
            stop = end if last else min(end, self._tracks[i + 1][0])
            if track.samples is not None:
                stop = min(stop, start + track.samples)
            begin = max(at, start)
            if begin >= stop:
                continue
            out.append(self._rest * (begin - at))
            rest += begin - at
            codes, beyond = track.codes(begin - start, stop - start)
            out.append(codes)
            saturated += beyond
            if last:
                self.consumed += stop - begin
                self.saturated += beyond
            at = stop
        out.append(self._rest * (end - at))
        rest += end - at
        self.at_rest += rest
        over = self.end is not None and first >= self.end
        return b"".join(out), saturated, rest, over
