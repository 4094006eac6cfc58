"""A bearing that vibrates: a synthetic model, not a measurement.

What is in it: harmonics of the shaft, white noise, noise that falls with the frequency, two resonances of the
structure that noise excites (of any strength: no two machines sound alike); and, in a bearing with a fault, an impact
each time a ball passes it (outer race, or inner race with the load's modulation), with slip, which rings at a
resonance. Parameters are pinned here; sizes as in McFadden and Smith's model of a defect, geometry of a 6205.

Size of a fault: r = RMS of the impact train / RMS of the white noise below 4096 Hz. All of it in m/s^2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 26667.0  # Hz
SPAN = 4 * 6144  # samples in which one machine runs in one state: four windows
WHITE = 1.0  # m/s^2 RMS of the white noise below BAND, before the gain
BAND = 4096.0  # Hz
SPEED = (1400.0, 1800.0)  # rpm
RESONANCE = (2200.0, 2600.0)  # Hz
DAMPING = (0.03, 0.06)  # of critical
GAIN = (0.75, 1.25)
SLIP = 0.01  # of the distance of two impacts, RMS
# Impacts a turn, 6205: 9 balls of 7.94 mm on a circle of 39.04 mm
OUTER = 9 / 2 * (1 - 7.94 / 39.04)
INNER = 9 / 2 * (1 + 7.94 / 39.04)


def healthy(seed: int, spans: int = 1) -> NDArray[np.float32]:
    """Acceleration [spans, SPAN, 3]; span i of a seed is the same whatever `spans` is."""
    return np.stack([span(seed, i, 0.0) for i in range(spans)])


def faulty(seed: int, r: float, spans: int = 1) -> NDArray[np.float32]:
    """As `healthy`, with a fault of size `r`: even spans in the outer race, odd ones in the inner."""
    return np.stack([span(seed, i, r) for i in range(spans)])


def span(seed: int, number: int, r: float) -> NDArray[np.float32]:
    """One state of one machine: float32 [SPAN, 3], x along the shaft, y tangential, z radial."""
    rng = np.random.default_rng([20261122, seed, number])
    turn = rng.uniform(*SPEED) / 60  # Hz
    time = np.arange(SPAN) / RATE
    radial = _noise(rng) + _shaft(rng, turn, time)
    other = _noise(rng)
    if r > 0:
        hits = _impacts(rng, turn, inner=number % 2 == 1)
        radial = radial + hits * (r * WHITE / np.sqrt(np.mean(hits**2)))
    axes = np.stack([0.3 * radial + 0.4 * other, 0.5 * radial + 0.4 * np.roll(other, 977), radial], axis=1)
    return (rng.uniform(*GAIN) * axes).astype(np.float32)


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    """White noise, falling noise, and two resonances of the structure, in one inverse FFT."""
    f = np.fft.rfftfreq(SPAN, 1 / RATE)
    density = np.ones_like(f)
    density += rng.uniform(0.5, 2.0) * (200 / np.maximum(f, 20)) ** rng.uniform(1.0, 1.6)
    for low, high, strength in ((700, 1500, 2.0), (2900, 3700, 1.2)):
        centre, width = rng.uniform(low, high), rng.uniform(120, 300)
        density += rng.uniform(0, strength) / (1 + ((f - centre) / width) ** 2)
    bins = rng.normal(size=len(f)) + 1j * rng.normal(size=len(f))
    # |bin|^2 has a mean of 2; RMS of all bins up to half the rate, of which BAND is the share below it.
    scale = WHITE * np.sqrt(RATE / 2 / BAND) * np.sqrt(SPAN / 2)
    bins[0] = 0
    out: NDArray[np.float64] = np.fft.irfft(bins * np.sqrt(density) * scale, SPAN)
    return out


def _shaft(rng: np.random.Generator, turn: float, time: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.zeros_like(time)
    for k in range(1, 6):
        out += rng.uniform(0.2, 1.0) / k * np.sin(2 * np.pi * (k * turn * time + rng.uniform()))
    return out


def _impacts(rng: np.random.Generator, turn: float, inner: bool) -> NDArray[np.float64]:
    rate = turn * (INNER if inner else OUTER)
    steps = rng.normal(1, SLIP, int(SPAN / RATE * rate) + 3) / rate
    at = np.cumsum(steps) - rng.uniform() / rate
    at = at[(at > 0) & (at < (SPAN - 2) / RATE)]
    strength = rng.uniform(0.8, 1.2, len(at))
    if inner:  # the fault turns through the zone of the load
        strength *= np.maximum(0.1, np.cos(2 * np.pi * (turn * at + rng.uniform())))
    place = at * RATE
    low = place.astype(np.int64)
    train = np.zeros(SPAN)
    np.add.at(train, low, strength * (1 - (place - low)))
    np.add.at(train, low + 1, strength * (place - low))
    f0, damping = rng.uniform(*RESONANCE), rng.uniform(*DAMPING)
    t = np.arange(1024) / RATE
    ring = np.exp(-2 * np.pi * f0 * damping * t) * np.sin(2 * np.pi * f0 * t)
    size = SPAN + len(ring)
    out: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(train, size) * np.fft.rfft(ring, size), size)[:SPAN]
    return out


class Vibration:
    """A machine as a stimulus (see `sim.sensors.stimulus`): one state after the other, each of four windows.

    `states`: (seed, number, size of the fault) of each; None: healthy ones of `seed` without end.
    """

    channels = ("ax", "ay", "az")
    units = ("m/s^2",) * 3

    def __init__(self, states: list[tuple[int, int, float]] | None = None, *, seed: int = 0, name: str = "bearing"):
        self.name, self.rate = name, RATE
        self._states, self._seed = states, seed
        self.duration = None if states is None else len(states) * SPAN / RATE
        self._made: tuple[int, NDArray[np.float32]] = (-1, np.zeros((0, 3), np.float32))

    def sample(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """See Stimulus; a time between two samples of the model gets the nearest one."""
        index = np.rint(times * RATE).astype(np.int64) - 1
        parts = []
        for i in range(int(index[0]) // SPAN, int(index[-1]) // SPAN + 1):
            if self._made[0] != i:
                seed, number, r = self._states[i] if self._states is not None else (self._seed, i, 0.0)
                self._made = (i, span(seed, number, r))
            parts.append(self._made[1][index[index // SPAN == i] - i * SPAN])
        return np.concatenate(parts).astype(np.float64)
