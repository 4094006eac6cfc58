"""The recorder as an option of a build: how much RAM it takes, found by running the app, and whether there is as much.

`recorder = "5 s"`: the last five seconds of all sensors that the app reads; `"all"`: as much as the board's free RAM
holds; `"5 s below 0.6"`: dumped, too, when a decision's score is below that. docs/field.md says what it is for.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sim.durations import PS, picoseconds
from sim.errors import BuildError, FirmwareFailure, UsageError
from sim.port.answer import Answer
from sim.port.mailbox import OK, Op, Request
from sim.tflm.digest import remember

if TYPE_CHECKING:
    from sim.boards import Board
    from sim.elf import Elf
    from sim.engines.protocol import Engine, Layout

ALL = "all"
SMALLEST = 1024  # bytes of the ring with which the app is run to see what it reads
_HEAD = 8  # bytes of a record, see boardless_recorder_ring.c
_BESIDE = 2 * _HEAD + 8 + 24  # a read may be followed by an inference and a decision with its label
_WITHIN = 10**12  # ps of board time in which an app opens its sensors
_READS, _ENOUGH = 8, 64  # of each sensor, and of one: the first ones may be smaller (to settle, say)
_VERSION = 2  # of the note: another one when what is looked at changes
_OPTION = re.compile(r"\s*(.+?)\s*(?:\bbelow\s+([0-9.]+))?\s*")


@dataclass(frozen=True)
class RecorderOption:
    """`span_ps` of samples to keep, None: as many as there is RAM for; `below`: score of a decision that is dumped."""

    span_ps: int | None
    below: float = 0.0

    @staticmethod
    def parse(text: str) -> RecorderOption | None:
        """What the setting says; None for "": no recorder. Raises UsageError."""
        found = _OPTION.fullmatch(text)
        if not text or found is None:
            return None
        hint = 'write it as "5 s", "all", or "5 s below 0.6"'
        try:
            below = float(found[2] or 0)
            span = None if found[1] == ALL else picoseconds(found[1])
        except (UsageError, ValueError):
            raise UsageError(f"recorder = {text!r} is no duration", hint=hint) from None
        if span == 0 or not 0 <= below <= 1000:
            raise UsageError(f"recorder = {text!r}: nothing would be kept, or no such score", hint=hint)
        return RecorderOption(span, below)


@dataclass(frozen=True)
class Source:
    """A sensor as the app reads it: its rate in mHz, bytes of a sample, samples of the largest read that was seen."""

    slot: str
    rate_mhz: int
    size: int
    read: int

    def needed(self, span_ps: int) -> int:
        """Bytes of the ring for that long: whole reads, with what may follow each, and one that is not whole."""
        reads = math.ceil(span_ps * self.rate_mhz / (1000 * PS * self.read)) + 1
        return reads * (self.read * self.size + _HEAD + _BESIDE)


def sources_of(elf: Path, board: Board, layout: Layout, engine: Engine, note: Path) -> list[Source]:
    """What an app reads, seen by running it on samples of nothing. `note`: where it is kept for the next time.

    A larger read that comes later still is cut to the ring, and the dump says so. Raises FirmwareFailure.
    """
    key = {"version": _VERSION, "elf": hashlib.sha256(elf.read_bytes()).hexdigest()}
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["key"] == key:
            return [Source(**source) for source in known["sources"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = _seen(elf, board, layout, engine)
    remember(note, {"key": key, "sources": [vars(s) for s in found]})
    return found


def _seen(elf: Path, board: Board, layout: Layout, engine: Engine) -> list[Source]:
    from sim.machine import Machine

    opened: dict[str, tuple[int, int]] = {}
    reads: dict[str, int] = {}
    counts: Counter[str] = Counter()

    def has_been_seen() -> bool:
        if machine.port.exit_code is not None:
            return True
        every = bool(opened) and set(opened) == set(reads)
        return every and (min(counts.values()) >= _READS or max(counts.values()) >= _ENOUGH)

    def look(request: Request, _now: int, answer: Answer) -> Answer:
        if request.op in (Op.OPEN, Op.BUS_OPEN) and answer.status == OK:
            handle, _, size, rate = answer.results
            opened[machine.port.handle(handle).name] = (rate, size)
        if request.op in (Op.READ, Op.BUS_TAKE):
            slot = machine.port.handle(request.arg[0]).name
            samples = request.arg[2] if request.op is Op.READ else request.arg[1]
            reads[slot] = max(reads.get(slot, 0), samples)
            counts[slot] += 1
            if request.op is Op.READ:
                return Answer(results=(samples, 0, 0, 0))  # memory as it is will do
        return answer

    with Machine.started(elf, board, engine, layout=layout) as machine:
        machine.port.onlookers.append(look)
        machine.port.inputs = lambda _slot, _capacity: None  # an app that is given its inputs has had all of them
        try:
            machine.runner.advance(_WITHIN, has_been_seen)
        except FirmwareFailure:
            # An app may well fail on what is no motion and no sound, once it has read.
            if machine.failure is not None and not (opened and set(opened) == set(reads)):
                raise
    return [Source(slot, rate, size, max(1, reads.get(slot, 1))) for slot, (rate, size) in sorted(opened.items())]


def free_ram(image: Elf, heap: int) -> int:
    """Bytes that nothing in the image uses, besides the `heap` bytes that the app wants at least."""
    return image.symbols["__heap_end"].address - image.symbols["__heap_start"].address - heap


def ring_bytes(option: RecorderOption, sources: Sequence[Source], free: int, board: Board) -> int:
    """Bytes of the ring. Raises BuildError, with how many are missing, where it does not fit."""
    free = free // 8 * 8
    if option.span_ps is None:
        needed, least = free, sum(s.needed(0) for s in sources)
        what = "recorder of one read"
    else:
        needed = least = -(-sum(s.needed(option.span_ps) for s in sources) // 8) * 8
        what = f"recorder of {option.span_ps / PS:g} s"
    if least <= free:
        return needed
    told = ", ".join(f"{s.slot} with {s.rate_mhz * s.size // 1000} bytes a second" for s in sources)
    fits = span_of(sources, free)
    raise BuildError(
        f"a {what} ({told}) needs {least} bytes of RAM, {board.name} has {free} free with this app: "
        f"{least - free} too many",
        hint=f"{fits:.1f} s fit" if fits >= 0.1 else "another board, or an app with less in RAM",
    )


def span_of(sources: Sequence[Source], ring: int) -> float:
    """Seconds that a ring holds."""
    low, high = 0.0, 1e6
    for _ in range(60):
        middle = (low + high) / 2
        fits = sum(s.needed(round(middle * PS)) for s in sources) <= ring
        low, high = (middle, high) if fits else (low, middle)
    return low


def described(sources: Sequence[Source], ring: int) -> str:
    """For people."""
    return f"{ring:,} bytes: the last {span_of(sources, ring):.1f} s of {', '.join(s.slot for s in sources)}"
