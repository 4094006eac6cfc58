"""Which pixel nearest-neighbour resizing takes, in single precision as the kernels reckon it."""

from __future__ import annotations

import math
import struct


def _single(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def nearest(position: int, size: int, out: int, align_corners: bool, half_pixel: bool) -> int:
    """Index in an input of `size` pixels for output pixel `position` of `out`."""
    aligned = align_corners and out > 1
    scale = _single((size - 1) / (out - 1) if aligned else size / out)
    at = _single(_single(position + (0.5 if half_pixel else 0.0)) * scale)
    return max(0, min(math.floor(at + 0.5) if align_corners else math.floor(at), size - 1))


def nearest_differs(size: int, out: int, align_corners: bool) -> bool:
    """Whether half-pixel centres take any other pixel than the plain rule."""
    return any(
        nearest(p, size, out, align_corners, True) != nearest(p, size, out, align_corners, False) for p in range(out)
    )
