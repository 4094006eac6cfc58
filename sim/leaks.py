"""Whether the samples of a device's sensors are in what leaves it.

Everything that leaves is read in every way that comes to mind: text as decimal and hexadecimal numbers, hex dumps and
base64 as bytes; bytes as integers of 8, 16 and 32 bits and as floats. Each row of numbers is compared with each
channel of each sensor: a *leak* is `run` numbers in a row that follow as many samples in a row, exactly, or scaled,
shifted and rounded. So samples in other units, in int8 or with fewer digits are found; encrypted, compressed or
summed up ones are not, nor are fewer than `run` in a row. Numbers that rise or fall evenly (a counter, a clock, a
ramp before the sensor) and rows of fewer than 8 different values carry nothing and are left out.

Compared is what firmware read last: about a megabyte of each sensor, of that at most 32768 samples.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sim.machine import Machine

Row = npt.NDArray[np.float64]
_NUMBER = re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :,]?){16,}")
_DIGITS = re.compile(r"(?:[0-9a-fA-F]{2}){16,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
RECORDER = "recorder"  # `Leak.where`: it has not sent anything yet
_DIFFERENT = 8  # values in a run
_SAMPLES = 32768
_STEP = 4  # numbers between the windows of them that are looked at
_WINDOWS = 16384  # numbers; of longer rows fewer windows
_KINDS = ("i1", "u1", "<i2", ">i2", "<i4", "<f4")
_ALIKE = 0.99  # correlation; less is not looked at closely
_EVEN = 0.995  # correlation with a ramp
_WIDE = 16  # channels; more are pixels of a frame, and compared row by row


@dataclass(frozen=True)
class Leak:
    """Samples in something that left the device."""

    where: str  # "console", "output 0", "decisions", "recorder"
    reading: str  # how they were read there: "decimal numbers", "<i2"
    sensor: str
    channel: str
    values: tuple[float, ...]  # the first of them, as they left
    samples: tuple[int, ...]  # the codes that they follow

    def __str__(self) -> str:
        if self.where == RECORDER:
            return f"{self.where}: in this image, and {self.reading} {self.sensor}"
        return (
            f"{self.where}, read as {self.reading}: {', '.join(f'{v:g}' for v in self.values[:6])}, … are samples of "
            f"{self.sensor} {self.channel}: {', '.join(str(s) for s in self.samples[:6])}, …"
        )


@dataclass(frozen=True)
class _Stream:
    """What firmware read of one sensor, cut into windows; those of all channels below each other."""

    sensor: str
    channels: tuple[str, ...]
    samples: Row  # [windows, run]
    normal: Row  # the same, each of mean 0 and length 1
    each: int  # windows of a channel


def leaks(machine: Machine, run: int = 24) -> list[Leak]:
    """All leaks so far, at most one for each thing that left and each sensor. Empty: none was found.

    A recorder in the image (docs/field.md) is one before it has sent anything: a fault is enough to make it.
    """
    window = run - _STEP + 1  # every `run` numbers in a row have one that begins where we look
    streams = list(_streams(machine, window))
    found: dict[tuple[str, str], Leak] = {}
    for where, reading, row in _rows(machine):
        for stream in streams:
            if (where, stream.sensor) in found:
                continue
            # Between the numbers of one channel may stand those of the others, and a clock.
            for stride in range(1, len(stream.channels) + 4 if len(stream.channels) > 1 else 4):
                hit = next((h for i in range(stride) if (h := _follows(row[i::stride], stream, window))), None)
                if hit:
                    channel, sent, taken = hit
                    found[where, stream.sensor] = Leak(where, reading, stream.sensor, channel, sent, taken)
                    break
    return list(found.values()) + list(_recorders(machine))


def _recorders(machine: Machine) -> Iterator[Leak]:
    if "blr_init" not in machine.runner.elf.symbols:
        return
    for slot in machine.board.parts:
        if machine.sensor(slot).channel.opened:
            yield Leak(RECORDER, "a fault or a request sends the last samples of", slot, "", (), ())


def _streams(machine: Machine, run: int) -> Iterator[_Stream]:
    for slot in machine.board.parts:
        channel = machine.sensor(slot).channel
        if not channel.opened:
            continue
        codes = channel.output.recent()
        names: tuple[str, ...] = channel.part.channels
        if len(names) > _WIDE:
            codes, names = codes.reshape(-1, 1), ("pixels",)
        codes = codes[-_SAMPLES:].astype(np.float64)
        if len(codes) >= run:
            windows = np.concatenate([_windows(column, run) for column in codes.T])
            yield _Stream(slot, names, windows, _normal(windows), len(codes) - run + 1)


def _rows(machine: Machine) -> Iterator[tuple[str, str, Row]]:
    """(where, reading, numbers)."""
    text = machine.console.text
    yield from _of_text("console", text)
    if not text.isprintable() and any(ord(c) < 9 or ord(c) > 126 for c in text):
        yield from _of_bytes("console", "", bytes(machine.console.raw))
    for slot in sorted({slot for slot, _ in machine.port.outputs}):
        yield from _of_bytes(f"output {slot}", "", b"".join(d for s, d in machine.port.outputs if s == slot))
    decisions = machine.decisions
    yield from _of_text("decisions", "\n".join(d.label for d in decisions))
    yield "decisions", "scores", np.array([d.score for d in decisions], dtype=np.float64)
    yield "decisions", "classes", np.array([d.index for d in decisions], dtype=np.float64)
    yield "figures", "values", np.array(list(machine.port.info.values()), dtype=np.float64)


def _of_text(where: str, text: str) -> Iterator[tuple[str, str, Row]]:
    numbers = np.array([float(int(t, 16)) if "x" in t else float(t) for t in _NUMBER.findall(text)], dtype=np.float64)
    yield where, "numbers", np.where(np.abs(numbers) < 1e15, numbers, 0.0)  # a long dump is no number
    dump = b"".join(bytes.fromhex(re.sub(r"[ :,]", "", m)) for m in _HEX.findall(text))
    yield from _of_bytes(where, "hex, ", dump)
    # A number in front of each line's digits (an address, an index) is none of the bytes.
    yield from _of_bytes(where, "hex, ", b"".join(bytes.fromhex(m) for m in _DIGITS.findall(text)))
    packed = b""
    for found in _BASE64.findall(text):
        try:
            packed += base64.b64decode(found[: len(found) // 4 * 4])
        except binascii.Error:
            continue
    yield from _of_bytes(where, "base64, ", packed)


def _of_bytes(where: str, how: str, data: bytes) -> Iterator[tuple[str, str, Row]]:
    for kind in _KINDS:
        size = np.dtype(kind).itemsize
        for skip in range(size):
            usable = data[skip : skip + (len(data) - skip) // size * size]
            row = np.frombuffer(usable, kind)
            if row.dtype.kind == "f":  # most bytes are no floats
                row = np.where(np.abs(row) < 1e9, row, np.float32(0))
            yield where, f"{how}{kind}", row.astype(np.float64)


def _windows(row: Row, run: int) -> Row:
    found: Row = np.lib.stride_tricks.sliding_window_view(row, run)
    return found


def _normal(windows: Row) -> Row:
    """Mean 0 and length 1; rows that carry nothing become 0."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    size = np.linalg.norm(centred, axis=1, keepdims=True)
    out: Row = np.divide(centred, size, out=np.zeros_like(centred), where=size > 0)
    ramp = np.arange(windows.shape[1]) - (windows.shape[1] - 1) / 2
    even = np.abs(out @ (ramp / np.linalg.norm(ramp))) > _EVEN
    different = 1 + (np.diff(np.sort(windows, axis=1), axis=1) > 0).sum(axis=1)
    out[even | (different < _DIFFERENT)] = 0
    return out


def _follows(row: Row, stream: _Stream, run: int) -> tuple[str, tuple[float, ...], tuple[int, ...]] | None:
    """Channel, the first `run` numbers that follow its samples, and those; None where there are none."""
    if len(row) < run:
        return None
    windows = _windows(row, run)[:: _STEP * (1 + len(row) // _WINDOWS)]
    normal = _normal(windows)
    useful = np.flatnonzero(normal.any(axis=1))
    for first in range(0, len(useful), 256):
        chunk = useful[first : first + 256]
        i, j = np.nonzero(np.abs(normal[chunk] @ stream.normal.T) > _ALIKE)
        hits = np.flatnonzero(_rounded(windows[chunk[i]], stream.samples[j])) if len(i) else i
        if len(hits):
            k = hits[0]
            channel = stream.channels[int(j[k]) // stream.each]
            return channel, tuple(windows[chunk[i[k]]].tolist()), tuple(int(v) for v in stream.samples[j[k]])
    return None


def _rounded(sent: Row, taken: Row) -> npt.NDArray[np.bool_]:
    """Which rows of `sent` are those of `taken`, scaled, shifted and rounded (or cut) to the step they come in."""
    a, b = sent - sent.mean(axis=1, keepdims=True), taken - taken.mean(axis=1, keepdims=True)
    slope = (a * b).sum(axis=1) / (a * a).sum(axis=1)
    steps = np.diff(np.sort(sent, axis=1), axis=1)
    step = np.where(steps > 1e-9 * np.abs(sent).max(axis=1, keepdims=True), steps, np.inf).min(axis=1)
    worst = np.abs(b - slope[:, None] * a).max(axis=1)
    found: npt.NDArray[np.bool_] = worst <= 0.75 * np.abs(slope) * step + 0.75
    return found
