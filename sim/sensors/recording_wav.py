"""Recordings of sound in WAV: the chunks of a RIFF file, as Microsoft's "Multimedia Data Standards Update" has them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_STREAMED = 0xFFFFFFFF  # a writer that could not know the length: to the end of the file
_HINT = "save it as PCM of 8, 16, 24 or 32 bits or as 32-bit float, mono or stereo"


def read(path: Path) -> dict[str, Any]:
    """Sound as -1..1 of full scale; one channel `sound`, or `left` and `right`. Raises UsageError naming the file."""
    whole = path.read_bytes()
    if len(whole) < 12 or whole[:4] != b"RIFF" or whole[8:12] != b"WAVE":
        raise UsageError(f"{path}: not a WAV file", hint=_HINT)
    chunks = dict(_chunks(whole, path))
    head, data = chunks.get(b"fmt "), chunks.get(b"data")
    if head is None or len(head) < 16 or data is None:
        raise UsageError(f"{path}: not a WAV file that is whole: it has no {'sound' if head else 'format'}", hint=_HINT)
    kind, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", head[:16])
    if kind == _EXTENSIBLE and len(head) >= 26:  # what most tools write where samples are not of 16 bits
        (kind,) = struct.unpack("<H", head[24:26])
    known = (kind == _PCM and bits in (8, 16, 24, 32)) or (kind == _FLOAT and bits == 32)
    if not known or channels not in (1, 2) or frame != channels * bits // 8:
        what = {_PCM: "PCM", _FLOAT: "float"}.get(kind, f"format {kind}")
        raise UsageError(f"{path}: {what} of {bits} bits, {channels} channels", hint=_HINT)
    data = data[: len(data) // frame * frame]
    values = np.frombuffer(data, "<f4").astype(np.float64) if kind == _FLOAT else _integers(data, bits)
    return {
        "values": values.reshape(-1, channels),
        "rate": float(rate),
        "channels": ["sound"] if channels == 1 else ["left", "right"],
        "units": "fs",
    }


def _chunks(whole: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each. Raises UsageError for a file that is cut short."""
    at = 12
    while at + 8 <= len(whole):
        name, size = whole[at : at + 4], int.from_bytes(whole[at + 4 : at + 8], "little")
        there = len(whole) - at - 8
        if size > there and size != _STREAMED:
            raise UsageError(f"{path}: cut short: {there} of {size} bytes of {name.decode('ascii', 'replace')!r}",
                             hint="fetch it again; to use what there is, save that as a WAV of its own")  # fmt: skip
        yield name, whole[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _integers(data: bytes, bits: int) -> npt.NDArray[np.float64]:
    if bits == 8:  # the only ones without a sign
        return (np.frombuffer(data, np.uint8) - 128.0) / 128
    if bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)  # the highest 24 of 32 bits
        return wide.reshape(-1).view("<i4") / 2.0**31
    return np.frombuffer(data, f"<i{bits // 8}") / 2.0 ** (bits - 1)
