"""What a run did, as a list of events, and the two hashes over it.

`event_hash` is over all events with their board time (ps): equal for the same firmware, board, engine version, input
and seed. `decision_hash` is over the decisions with the sample indices only: equal on every engine where nothing was
lost. Console text is no event of its own: it goes into the last one, so that a changed log is a difference too.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sim.durations import shown

EVENTS_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that the firmware did. `what`: ready, open, read, decision, output, info, exit, failure, end."""

    time_ps: int
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{shown(self.time_ps)}  {self.what} {self.detail}".rstrip()

    def as_json(self) -> list[Any]:
        """As it stands in a recording: [time_ps, what, detail]."""
        return [self.time_ps, self.what, self.detail]


def event_hash(events: Iterable[Event]) -> str:
    """SHA-256 (hex) over all events with board time."""
    whole = hashlib.sha256()
    for event in events:
        whole.update(json.dumps(event.as_json(), ensure_ascii=False).encode() + b"\n")
    return whole.hexdigest()


def decision_hash(decisions: Iterable[tuple[str, int, Sequence[tuple[str, int]]]]) -> str:
    """SHA-256 (hex) over (label, class, samples taken of each sensor) of each decision, in order."""
    whole = hashlib.sha256()
    for label, index, samples in decisions:
        whole.update(json.dumps([label, index, sorted(samples)], ensure_ascii=False).encode() + b"\n")
    return whole.hexdigest()


def short_hash(data: bytes) -> str:
    """Of what an event carries (codes, outputs): CRC-32, eight hex digits."""
    return f"{zlib.crc32(data):08x}"


@dataclass(frozen=True)
class Difference:
    """The first place where two runs are not the same. None: that run had ended."""

    index: int
    was: Event | None
    now: Event | None

    @property
    def time_ps(self) -> int:
        """Board time of it."""
        return min(e.time_ps for e in (self.was, self.now) if e is not None)

    def __str__(self) -> str:
        was = str(self.was) if self.was is not None else "nothing more"
        now = str(self.now) if self.now is not None else "nothing more"
        return (
            f"first difference at {shown(self.time_ps)} of board time, event {self.index}:\n  was: {was}\n  now: {now}"
        )


def first_difference(was: Sequence[Event], now: Sequence[Event]) -> Difference | None:
    """None where they are equal."""
    for i, (a, b) in enumerate(zip(was, now, strict=False)):
        if a != b:
            return Difference(i, a, b)
    if len(was) == len(now):
        return None
    i = min(len(was), len(now))
    return Difference(i, was[i] if i < len(was) else None, now[i] if i < len(now) else None)
