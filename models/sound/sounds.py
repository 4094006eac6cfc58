"""Sounds that are made, not recorded: alarm, breaking glass, knocking, an engine, and noise behind them.

A clip has 1.2 s at 16 kHz. Every parameter is drawn per clip from ranges that are pinned here; the noise is coloured,
may hum at 50 Hz, and always there. The signal-to-noise ratio is of the powers of the sound while it lasts (its loudest
0.2 s) and of the noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16000
CLIP = 19200  # samples
LABELS = ("background", "alarm", "glass", "knock", "engine")
SNR = (0.0, 30.0)  # dB, where none is given
LEVEL = (-60.0, -30.0)  # dB of full scale: RMS of the noise


def clip(seed: int, number: int, label: str, snr: float | None = None) -> NDArray[np.int16]:
    """Clip `number` of a seed: int16 [CLIP], share of full scale * 32768."""
    rng = np.random.default_rng([20261122, seed, number, LABELS.index(label)])
    noise = _noise(rng)
    noise *= 10 ** (rng.uniform(*LEVEL) / 20) / np.sqrt(np.mean(noise**2))
    ratio = rng.uniform(*SNR) if snr is None else snr
    sound = noise
    if label != "background":
        made = _heard(rng, {"alarm": _alarm, "glass": _glass, "knock": _knock, "engine": _engine}[label](rng))
        parts = (made[: CLIP // 3200 * 3200].reshape(-1, 3200) ** 2).mean(axis=1)
        sound = noise + made * np.sqrt(np.mean(noise**2) / parts.max()) * 10 ** (ratio / 20)
    peak = np.abs(sound).max()
    if peak > 0.95:  # a microphone too near: less of everything
        sound = sound * (0.95 / peak)
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of a random colour with a few broad bumps, swelling; sometimes hum."""
    f = np.fft.rfftfreq(CLIP, 1 / RATE)
    shape = (np.maximum(f, 60) / 1000) ** -rng.uniform(0.0, 1.0)
    for _ in range(3):
        shape *= 1 + rng.uniform(0, 2) * np.exp(-(((np.log2(np.maximum(f, 1)) - rng.uniform(7, 12.5)) / 0.5) ** 2))
    bins = (rng.normal(size=len(f)) + 1j * rng.normal(size=len(f))) * shape
    bins[0] = 0
    noise = np.fft.irfft(bins, CLIP)
    noise /= np.sqrt(np.mean(noise**2))
    t = np.arange(CLIP) / RATE
    noise *= 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.3, 3) * t + rng.uniform(0, 6)) * rng.uniform()
    if rng.uniform() < 0.4:
        for k in (1, 2, 3, 6):
            noise = noise + rng.uniform(0, 0.5) / k * np.sin(2 * np.pi * 50 * k * t + rng.uniform(0, 6))
    return noise


def _heard(rng: np.random.Generator, dry: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same in a room: an equaliser of any slope, and an echo that decays in 0.05 to 0.5 s."""
    length = int(rng.uniform(0.05, 0.5) * RATE)
    echo = rng.normal(size=length) * np.exp(-np.arange(length) / (length / 5)) * rng.uniform(0.02, 0.15)
    echo[0] = 1.0
    size = 1 << 16
    f = np.fft.rfftfreq(size, 1 / RATE)
    tilt = (np.maximum(f, 50) / 1000) ** rng.uniform(-0.4, 0.4)
    out: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(echo, size) * tilt, size)[:CLIP]
    return out


def _alarm(rng: np.random.Generator) -> NDArray[np.float64]:
    """Beeps, two tones in turn, or a tone that sweeps; with harmonics."""
    t = np.arange(CLIP) / RATE
    kind, tone, period = rng.integers(3), rng.uniform(800, 3400), rng.uniform(0.15, 0.6)
    phase = (t / period + rng.uniform()) % 1
    if kind == 0:
        pitch, on = np.full(CLIP, tone), phase < rng.uniform(0.4, 0.7)
    elif kind == 1:
        pitch, on = np.where(phase < 0.5, tone, tone * rng.uniform(0.7, 0.9)), np.full(CLIP, True)
    else:
        pitch, on = tone * (1 + rng.uniform(0.15, 0.4) * (phase - 0.5)), np.full(CLIP, True)
    turns = np.cumsum(pitch) / RATE
    odd = rng.uniform(0, 0.6)
    wave = np.sin(2 * np.pi * turns)
    for k in (2, 3, 5):
        if (pitch * k < RATE / 2).all():
            wave = wave + odd / k * np.sin(2 * np.pi * k * turns + rng.uniform(0, 6))
    smooth = np.convolve(on.astype(float), np.ones(48) / 48, "same")
    return wave * smooth


def _glass(rng: np.random.Generator) -> NDArray[np.float64]:
    """A blow, then splinters: many high modes that decay, each struck at its own time."""
    out = np.zeros(CLIP)
    start = int(rng.uniform(0.1, 0.5) * RATE)
    blow = rng.normal(size=1600) * np.exp(-np.arange(1600) / rng.uniform(80, 400))
    out[start : start + 1600] += 0.7 * np.diff(blow, prepend=0)
    for _ in range(int(rng.integers(25, 70))):
        at = start + int(rng.exponential(0.12) * RATE)
        decay, pitch = rng.uniform(0.01, 0.09), rng.uniform(2200, 7600)
        t = np.arange(int(min(decay * 6, 0.4) * RATE)) / RATE
        ring = np.exp(-t / decay) * np.sin(2 * np.pi * pitch * t + rng.uniform(0, 6)) * rng.uniform(0.1, 0.6)
        end = min(CLIP, at + len(ring))
        if end > at:
            out[at:end] += ring[: end - at]
    return out


def _knock(rng: np.random.Generator) -> NDArray[np.float64]:
    """Two to five blows on wood: a few low modes and a click."""
    out = np.zeros(CLIP)
    modes = [(rng.uniform(90, 700), rng.uniform(0.008, 0.04), rng.uniform(0.3, 1)) for _ in range(4)]
    at, gap = rng.uniform(0.05, 0.35), rng.uniform(0.13, 0.3)
    t = np.arange(3200) / RATE
    for _ in range(int(rng.integers(2, 6))):
        first = int(at * RATE)
        blow = sum(a * np.exp(-t / d) * np.sin(2 * np.pi * p * rng.uniform(0.97, 1.03) * t) for p, d, a in modes)
        blow = blow + 0.4 * rng.normal(size=len(t)) * np.exp(-t / 0.002)
        end = min(CLIP, first + len(blow))
        if end > first:
            out[first:end] += blow[: end - first] * rng.uniform(0.6, 1.0)
        at += gap * rng.uniform(0.85, 1.15)
    return out


def _engine(rng: np.random.Generator) -> NDArray[np.float64]:
    """Harmonics of the firing rate that wobble, and exhaust noise in step with it."""
    t = np.arange(CLIP) / RATE
    rate = rng.uniform(22, 70) * (1 + rng.uniform(-0.25, 0.25) * t + 0.02 * np.sin(2 * np.pi * rng.uniform(2, 6) * t))
    turns = np.cumsum(rate) / RATE
    out = np.zeros(CLIP)
    for k in range(1, 25):
        out += rng.uniform(0.3, 1) / k**0.7 * np.sin(2 * np.pi * k * turns + rng.uniform(0, 6))
    pulses = np.maximum(0, np.sin(2 * np.pi * turns)) ** 3
    return out + rng.uniform(0.3, 1.2) * pulses * np.convolve(rng.normal(size=CLIP), np.ones(4) / 2, "same")
