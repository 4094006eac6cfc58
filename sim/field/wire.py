"""The recorder's wire format: lines of text that a device dumps over its UART, and that survive a bad line.

    ~BL <number> <kind> <fields ...>*<CRC-32 of what stands between ~ and *, eight hex digits>

Numbers count from 0, so a missing line is noticed. Kinds: H header (format, build id, app, trigger), S sensor (slot,
rate in mHz, range, second range, channels, bytes a value), L (slot, reads that did not fit the ring whole, samples left
out of them), D data (slot, index of the first sample, codes in hex, little-endian), C decision (class, score bits in
hex, label, slot=samples ...), I inference (slot=samples ...), F fault (exception, CFSR, HFSR, MMFAR, BFAR in hex),
R registers (name=hex ...), K stack (address, bytes in hex), E end (count of lines). Other text may stand between them,
before and behind. docs/field.md describes it for those who write the device's side.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

_LINE = re.compile(r"~(BL (\d{1,9}) ([A-Z])(?: ([^*~]*))?)\*([0-9a-fA-F]{8})")
_MOST = 1_000_000  # lines
_APART = 64 << 20  # bytes between two pieces of one log


@dataclass(frozen=True)
class Piece:
    """Codes in a row, from sample `first` on."""

    slot: str
    first: int
    codes: bytes


@dataclass(frozen=True)
class LoggedDecision:
    """A decision as the device logged it."""

    label: str
    index: int
    score: float
    samples: dict[str, int]


@dataclass(frozen=True)
class LoggedSensor:
    """How the device had set up a sensor."""

    slot: str
    rate_mhz: int
    ranges: tuple[int, int]
    channels: int
    width: int  # bytes a value


@dataclass
class Dump:
    """All that a log had in it."""

    build_id: str = ""
    app: str = ""
    trigger: str = ""
    sensors: dict[str, LoggedSensor] = field(default_factory=dict)
    cut: dict[str, tuple[int, int]] = field(default_factory=dict)  # reads that did not fit the ring, samples left out
    pieces: list[Piece] = field(default_factory=list)
    decisions: list[LoggedDecision] = field(default_factory=list)
    inferences: dict[str, list[int]] = field(default_factory=dict)  # samples of a sensor that were taken before each
    fault: dict[str, int] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=dict)
    stack: list[tuple[int, bytes]] = field(default_factory=list)
    lines: int = 0
    torn: int = 0  # begin like a line of ours, and are not one
    lost: int = 0  # by their numbers
    ended: bool = False


def line(number: int, kind: str, *fields: object) -> str:
    """One line, as the recorder writes it."""
    text = " ".join(["BL", str(number), kind, *(str(f) for f in fields)])
    return f"~{text}*{zlib.crc32(text.encode()):08x}"


def parse_all(text: str) -> list[Dump]:
    """The dumps in a log, in its order; never fails: what cannot be read is counted.

    One begins with each H line, and where numbers come again with something else in them: its H line was lost, and
    it has sensors and build from the one before.
    """
    dumps: list[Dump] = []
    dump = Dump()
    seen: dict[int, str] = {}
    total, at = 0, text.find("~BL ")
    while at >= 0 and total < _MOST:
        match = _LINE.match(text, at)
        at = text.find("~BL ", at + 4)
        total += 1
        whole, number, kind, rest, crc = match.groups() if match else ("", "0", "", "", "0")
        if match is None or zlib.crc32(whole.encode("utf-8", "replace")) != int(crc, 16):
            dump.torn += 1
            continue
        if kind == "H" or seen.get(int(number), whole) != whole:
            dumps.append(_closed(dump, seen))
            dump = Dump() if kind == "H" else _begun_like(dump)
            seen = {}
        if int(number) in seen:  # it came twice
            continue
        try:
            _take(dump, kind, (rest or "").split())
            seen[int(number)] = whole
        except (ValueError, IndexError, struct.error, OverflowError):
            dump.torn += 1
    dumps.append(_closed(dump, seen))
    # A line that came twice may have been an H line.
    return [d for d in dumps if d.lines > 1] or [d for d in dumps if d.lines] or dumps[-1:]


def parse(text: str) -> Dump:
    """The last dump in a log; see `parse_all`."""
    return parse_all(text)[-1]


def _closed(dump: Dump, seen: dict[int, str]) -> Dump:
    dump.lines = len(seen)
    dump.lost = max(seen) + 1 - len(seen) if seen else 0
    return dump


def _begun_like(dump: Dump) -> Dump:
    return Dump(dump.build_id, dump.app, dump.trigger, dict(dump.sensors))


def _take(dump: Dump, kind: str, f: list[str]) -> None:
    if kind == "H":
        if f[0] != "1":
            raise ValueError(f"format {f[0]}")
        dump.build_id, dump.app, dump.trigger = f[1].lower(), f[2], " ".join(f[3:])
    elif kind == "S":
        made = LoggedSensor(f[0], int(f[1]), (int(f[2]), int(f[3])), int(f[4]), int(f[5]))
        if made.rate_mhz < 1 or not 1 <= made.channels <= 1 << 16 or made.width not in (1, 2):
            raise ValueError("no such sensor")
        dump.sensors[made.slot] = made
    elif kind == "L":
        reads, samples = int(f[1]), int(f[2])
        if reads < 1 or samples < 1:
            raise ValueError("nothing was left out")
        dump.cut[f[0]] = (reads, samples)
    elif kind == "D":
        first = int(f[1])
        if first < 0:
            raise ValueError("before the first sample")
        dump.pieces.append(Piece(f[0], first, bytes.fromhex(f[2])))
    elif kind == "C":
        score = struct.unpack("<f", struct.pack("<I", int(f[1], 16)))[0]
        if score != score or abs(score) == float("inf"):
            raise ValueError("no score")
        counts = {k: int(v) for k, _, v in (s.partition("=") for s in f[3:])}
        dump.decisions.append(LoggedDecision(f[2], int(f[0]), score, counts))
    elif kind == "I":
        for slot, _, count in (pair.partition("=") for pair in f):
            dump.inferences.setdefault(slot, []).append(int(count))
    elif kind == "F":
        names = ("exception", "cfsr", "hfsr", "mmfar", "bfar")
        dump.fault = {n: _word(v) for n, v in zip(names, f, strict=True)}
    elif kind == "R":
        dump.registers.update({k: _word(v) for k, _, v in (s.partition("=") for s in f)})
    elif kind == "K":
        dump.stack.append((_word(f[0]), bytes.fromhex(f[1])))
    elif kind == "E":
        dump.ended = True
    else:
        raise ValueError(kind)


def _word(text: str) -> int:
    value = int(text, 16)
    if not 0 <= value < 1 << 32:
        raise ValueError(text)
    return value


def joined_pieces(pieces: Iterable[Piece], slot: str, size: int) -> tuple[int, bytes, list[tuple[int, int]]]:
    """(index of the first sample, codes with gaps filled by the value before, gaps as (first, count)).

    Indices in the result count from the first sample that is there. What comes twice counts once.
    """
    rows = sorted(
        ((p.first, p.codes[: len(p.codes) // size * size]) for p in pieces if p.slot == slot), key=lambda r: r[0]
    )
    rows = [(first, codes) for first, codes in rows if codes]
    if not rows:
        return 0, b"", []
    start = at = rows[0][0]
    out, gaps = bytearray(), []
    for first, codes in rows:
        end = first + len(codes) // size
        if end <= at:
            continue
        if (first - at) * size > _APART:
            raise ValueError(f"samples {at} to {first} of {slot}: a gap that long is no log")
        if first > at:
            gaps.append((at - start, first - at))
            out += (bytes(out[-size:]) or bytes(size)) * (first - at)
            at = first
        out += codes[(at - first) * size :]
        at = end
    return start, bytes(out), gaps
