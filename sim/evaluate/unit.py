"""A unit of work: recordings for one boot; and what came of each. Both travel between processes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim import __version__
from sim.boards import FILE, Board
from sim.engines.protocol import Layout
from sim.evaluate.labelled import Playable
from sim.settings import Settings

_FORMAT = "1"  # changes when results of older journals must not be used
# Of recordings in a unit, and of their seconds. A boot costs as much as some seconds of board time, so units are large;
# at the end they are small, so that no process is idle while another has minutes to play.
_MOST, _LEAST = 12, 5
_LONGEST, _SHORTEST = 120.0, 40.0
_LEFT = 6  # a unit is at most that part of what is left


@dataclass(frozen=True)
class Place:
    """Where recordings are played: an image on a board on an engine. It is the same for a whole evaluation."""

    elf: Path  # as this machine has it; another finds it by its hash
    elf_sha256: str
    settings: Settings
    board: Board
    layout: Layout
    engine_version: str
    slot: str  # of the sensor
    tail_ps: int  # board time for the last decision, after a recording's end
    restart: bool  # one boot for many recordings: the firmware starts again between them

    @property
    def key(self) -> str:
        """SHA-256 (hex) of all that results depend on, the recordings aside."""
        parts = [
            _FORMAT,
            __version__,
            self.elf_sha256,
            self.layout.engine,
            self.layout.machine,
            self.engine_version,
            self.settings.engine,
            self.board.name,
            (self.board.folder / FILE).read_text(encoding="utf-8"),
            repr(self.board.timing),
            self.slot,
            str(self.tail_ps),
            str(self.restart),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Unit:
    """Recordings that are played in one boot, in this order. `names` are for messages."""

    key: str
    names: tuple[str, ...]
    stimuli: tuple[Playable, ...]


def groups(seconds: Sequence[float]) -> list[list[int]]:
    """Recordings of these lengths, by number, as they are played in one boot each: in order, however many play them."""
    out: list[list[int]] = []
    begin, left = 0, sum(seconds)
    while begin < len(seconds):
        size = _size(seconds[begin : begin + _MOST], len(seconds) - begin, left)
        out.append(list(range(begin, begin + size)))
        left -= sum(seconds[begin : begin + size])
        begin += size
    return out


def settled(seconds: Sequence[float], count: int) -> int:
    """How many recordings are in the next group of `groups`, of `count` that are left. `seconds`: of the first of them.

    0: that depends on what the others last.
    """
    size = _size(seconds, count, sum(seconds))
    if size != _size(seconds, count, math.inf):
        return 0
    return size if size == _most(count) or size < len(seconds) else 0


def _most(count: int) -> int:
    return min(_MOST, max(_LEAST, -(-count // _LEFT)))


def _size(seconds: Sequence[float], count: int, left: float) -> int:
    """Recordings in the next group, of `count` that together last `left`; `seconds`: of the first of them."""
    longest = min(_LONGEST, max(_SHORTEST, left / _LEFT))
    size, lasts = 1, seconds[0]
    while size < min(len(seconds), _most(count)) and lasts + seconds[size] <= longest:
        lasts += seconds[size]
        size += 1
    return size


def unit_key(place_key: str, digests: Sequence[str]) -> str:
    """Key of a unit by content."""
    return hashlib.sha256("\0".join([place_key, *digests]).encode()).hexdigest()


@dataclass(frozen=True)
class Seen:
    """A decision about a recording. Whole nanoseconds, so that a journal gives back what was put in."""

    label: str
    index: int
    score: float
    at_ns: int  # since the recording began
    latency_ns: int | None  # since the newest sample that the firmware had; None: nobody knows when that was
    samples: int  # of the recording, taken up to then


@dataclass(frozen=True)
class Played:
    """What the board made of one recording."""

    decisions: tuple[Seen, ...]
    samples: int  # of the recording, at the part's rate
    lost: int
    saturated: int  # values beyond the part's range
    failure: str = ""  # why the firmware failed; empty: it did not

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Played:
        """Raises KeyError and TypeError for anything else."""
        decisions = tuple(Seen(**d) for d in data["decisions"])
        return Played(decisions, data["samples"], data["lost"], data["saturated"], data["failure"])


def line_of(key: str, played: Sequence[Played]) -> str:
    """A unit's results as a line of a journal."""
    return json.dumps({"unit": key, "played": [p.as_json() for p in played]}, separators=(",", ":")) + "\n"
