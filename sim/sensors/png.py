"""Reading PNG pictures: 8 bits, grey, grey with alpha, RGB or RGBA, not interlaced."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError

_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_MAX_PIXELS = 1 << 26


def read_png(path: Path) -> npt.NDArray[np.uint8]:
    """Brightness [h, w] (ITU-R BT.601 weights for colour; alpha is left out). Raises UsageError."""
    data = path.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise UsageError(f"{path}: not a PNG picture")
    at, header, packed = 8, b"", b""
    while at + 8 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        told = data[at + 8 + length : at + 12 + length]
        if len(told) == 4 and int.from_bytes(told, "big") != zlib.crc32(kind + body):
            raise UsageError(f"{path}: damaged: the checksum of a part is another")
        if kind == b"IHDR":
            header = body
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    if len(header) != 13:
        raise UsageError(f"{path}: a PNG picture without a header")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if depth != 8 or colour not in _CHANNELS or interlace or not 0 < width * height <= _MAX_PIXELS:
        raise UsageError(
            f"{path}: {width} x {height}, {depth} bits, colour type {colour}{', interlaced' if interlace else ''}",
            hint="save it with 8 bits, grey or RGB, not interlaced",
        )
    step = _CHANNELS[colour]
    try:
        raw = zlib.decompressobj().decompress(packed, height * (1 + width * step))
    except zlib.error as error:
        raise UsageError(f"{path}: damaged: {error}") from None
    if len(raw) < height * (1 + width * step):
        raise UsageError(f"{path}: cut short")
    rows = np.frombuffer(raw, np.uint8).reshape(height, 1 + width * step)
    image = _unfiltered(rows, step, path).reshape(height, width, step).astype(np.float64)
    if step < 3:
        only: npt.NDArray[np.uint8] = image[:, :, 0].astype(np.uint8)
        return only
    grey = np.rint(image[:, :, :3] @ np.array([0.299, 0.587, 0.114]))
    found: npt.NDArray[np.uint8] = grey.astype(np.uint8)
    return found


def _unfiltered(rows: npt.NDArray[np.uint8], step: int, path: Path) -> npt.NDArray[np.uint8]:
    """PNG specification, section 9: each row is stored as differences from its neighbours."""
    out = np.zeros((len(rows), rows.shape[1] - 1), np.uint8)
    above = bytes(out.shape[1])
    for y, row in enumerate(rows):
        kind, line = int(row[0]), bytearray(row[1:].tobytes())
        if kind > 4:
            raise UsageError(f"{path}: damaged: filter {kind} in row {y}")
        for x in range(len(line) if kind else 0):
            left = line[x - step] if x >= step else 0
            up = above[x]
            corner = above[x - step] if x >= step else 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            else:
                estimate = left + up - corner
                distances = [abs(estimate - left), abs(estimate - up), abs(estimate - corner)]
                guess = (left, up, corner)[distances.index(min(distances))]
            line[x] = (line[x] + guess) & 0xFF
        above = bytes(line)
        out[y] = np.frombuffer(above, np.uint8)
    return out
