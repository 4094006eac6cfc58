"""What a read of a sensor gives, and how far the sensor has got."""

from __future__ import annotations

from dataclasses import dataclass

from sim.durations import PS


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one read gives."""

    codes: bytes  # count samples, each all channels of the part, little-endian
    count: int
    ready_ps: int  # board time when the last of them exists; never before the time of the read
    overrun: int  # samples lost since the last read: the FIFO was full, or the part was silent
    first_index: int  # of the first of them, counted from the opening of the part
    rest: int  # how many of them are the part's rest value: no stimulus played then
    saturated: int  # values among them cut off at the range
    over: bool  # a stimulus was played, and it ended before the first of these
    end_index: int = 0  # one more than the index of the last of them
    missing: int = 0  # of those lost: the part was silent
    waiting: int = 0  # samples that were there unread when the firmware came, at most as many as the FIFO holds

    @property
    def ready_time(self) -> float:
        """`ready_ps` in seconds."""
        return self.ready_ps / PS


@dataclass(frozen=True)
class Statistics:
    """How far a part has got; `str()` of it is the line for reports."""

    name: str
    stimulus: str  # name, or ""
    consumed: int  # samples of the stimulus that firmware has read
    total: int | None  # samples of the stimulus at the part's rate; None: it does not end, or no rate yet
    saturated: int  # values cut off at the range, of the stimulus, that firmware has read
    overrun: int  # samples lost since the part was opened
    rest: int  # samples read that no stimulus was played for, since the part was opened
    silent: int = 0  # samples missing since the part was opened, as it had dropped out

    def __str__(self) -> str:
        of = f"{self.consumed} of {self.total} samples" if self.total is not None else f"{self.consumed} samples"
        said = f"{self.name}: {of} of {self.stimulus}" if self.stimulus else f"{self.name}: no stimulus"
        silent = f", {self.silent} missing" if self.silent else ""
        return f"{said}, {self.saturated} values saturated, {self.overrun} samples lost{silent}, {self.rest} at rest"
