"""Log spectra in integers: the arithmetic of firmware/runtime/spectrum.h, on many windows at once.

Every step is the device's: the same roundings, the same table. So what a model is trained on is what it will see.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
LONGEST = 2048  # samples a window
_BATCH = 256  # windows at once: bounds memory


@lru_cache(maxsize=1)
def _sines() -> Ints:
    """sin(2 pi k / 2048) in Q15 of k = 0..2047, from a quarter as in sine_table.h."""
    quarter = np.rint(32767 * np.sin(np.pi * np.arange(513) / 1024)).astype(np.int64)
    half = np.concatenate([quarter, quarter[-2:0:-1]])
    return np.concatenate([half, -half])


def _sine(k: Ints) -> Ints:
    found: Ints = _sines()[k & 2047]
    return found


def _times(re: Ints, im: Ints, c: Ints, s: Ints) -> tuple[Ints, Ints]:
    return (re * c + im * s + (1 << 14)) >> 15, (im * c - re * s + (1 << 14)) >> 15


def _fft(re: Ints, im: Ints) -> tuple[Ints, Ints]:
    """Complex FFT of [n, m], no scaling."""
    m = re.shape[1]
    bits = m.bit_length() - 1
    order = np.zeros(m, np.int64)
    for bit in range(bits):
        order |= ((np.arange(m) >> bit) & 1) << (bits - 1 - bit)
    re, im = re[:, order], im[:, order]
    half = 1
    while half < m:
        k = np.arange(half, dtype=np.int64) * (1024 // half)
        c, s = _sine(k + 512), _sine(k)
        re, im = re.reshape(len(re), -1, 2, half), im.reshape(len(im), -1, 2, half)
        b_re, b_im = _times(re[:, :, 1], im[:, :, 1], c, s)
        a_re, a_im = re[:, :, 0], im[:, :, 0]
        re = np.stack([a_re + b_re, a_re - b_re], axis=2).reshape(len(re), m)
        im = np.stack([a_im + b_im, a_im - b_im], axis=2).reshape(len(im), m)
        half *= 2
    return re, im


def power_spectrum(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.uint64]:
    """int16 [n, length] -> uint64 [n, length / 2 + 1]: Hann window after taking off the mean, |X|^2.

    `length` is a power of two, 8 to 2048.
    """
    count, length = windows.shape
    if length & (length - 1) or not 8 <= length <= LONGEST:
        raise ValueError(f"windows of {length} samples: a power of two, 8 to {LONGEST}")
    out = np.empty((count, length // 2 + 1), np.uint64)
    for first in range(0, count, _BATCH):
        out[first : first + _BATCH] = _power(windows[first : first + _BATCH].astype(np.int64))
    return out


def _power(x: Ints) -> npt.NDArray[np.uint64]:
    length = x.shape[1]
    sums = x.sum(axis=1, keepdims=True)
    x = x - np.sign(sums) * (np.abs(sums) // length)  # C++ divides towards zero
    i = np.arange(length, dtype=np.int64)
    s = _sine(i * 1024 // length)
    hann = (s * s + (1 << 14)) >> 15
    x = (x * hann + (1 << 14)) >> 15
    re, im = _fft(x[:, 0::2], x[:, 1::2])
    half = length // 2
    k = np.arange(half + 1, dtype=np.int64)
    a_re, a_im = re[:, k % half], im[:, k % half]
    b_re, b_im = re[:, (half - k) % half], im[:, (half - k) % half]
    angle = k * (2048 // length)
    odd_re, odd_im = _times(a_im + b_im, b_re - a_re, _sine(angle + 512), _sine(angle))
    real, imaginary = (a_re + b_re + odd_re) >> 1, (a_im - b_im + odd_im) >> 1
    power: npt.NDArray[np.uint64] = (real * real + imaginary * imaginary).astype(np.uint64)
    return power


def log2_q8(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """log2 in 256ths, rounded down as the device does; 0 for 0. Any shape."""
    x = values.astype(np.uint64)
    whole = np.full(x.shape, 63, np.int64)
    for shift in (32, 16, 8, 4, 2, 1):
        small = (x >> np.uint64(64 - shift)) == 0
        x = np.where(small, x << np.uint64(shift), x)
        whole -= np.where(small, shift, 0)
    m = x >> np.uint64(32)
    result = whole << 8
    for bit in (128, 64, 32, 16, 8, 4, 2, 1):
        square = m * m
        large = (square >> np.uint64(63)) == 1
        result |= np.where(large, bit, 0)
        m = np.where(large, square >> np.uint64(32), square >> np.uint64(31))
    return np.where(values == 0, 0, result).astype(np.int32)


def log_bands(power: npt.NDArray[np.uint64], edges: Sequence[int]) -> npt.NDArray[np.int32]:
    """[n, bins] -> [n, len(edges) - 2]: log2 in 256ths of triangular bands, as log_band() of the device."""
    sums = np.empty((len(power), len(edges) - 2), np.uint64)
    for band, (start, top, end) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        k = np.arange(start + 1, end)
        weight = np.where(k <= top, ((k - start) << 8) // (top - start), ((end - k) << 8) // (end - top))
        sums[:, band] = (power[:, start + 1 : end] * weight.astype(np.uint64)).sum(axis=1, dtype=np.uint64)
    return log2_q8(sums)
