"""A refrigerator as a model: temperature in degrees C every 50 s. Synthetic: a thermostat, its door, its failure."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
CARD = tomllib.loads((HERE / "model.toml").read_text(encoding="utf-8"))
LABELS = (HERE / "labels.txt").read_text(encoding="utf-8").split()
STEP = 1 / CARD["rate_hz"]  # s


def course(seed: int, hours: float, door: tuple[float, float] = (), fails_at: float = np.inf) -> np.ndarray:
    """Temperatures [n]. The door is open from `door[0]` to `door[1]` hours, the compressor stops at `fails_at`."""
    rng = np.random.default_rng(seed)
    low, high = rng.uniform(3.0, 3.8), rng.uniform(4.8, 5.8)
    leak, cooling, room = rng.uniform(2e-5, 4e-5), rng.uniform(1.4e-3, 2.2e-3), rng.uniform(20, 26)
    now, cold, out = rng.uniform(low, high), True, []
    for i in range(round(hours * 3600 / STEP)):
        hour = i * STEP / 3600
        cold = now > low if cold else now > high
        is_open = len(door) == 2 and door[0] <= hour < door[1]
        now += STEP * ((leak + is_open * 4e-4) * (room - now) - (cooling if cold and hour < fails_at else 0.0))
        out.append(now + rng.normal(0, 0.03))
    return np.array(out)


def windows(course_c: np.ndarray) -> np.ndarray:
    """[w, window]: what the app gives to the model, for every sample from the first full window on."""
    found = np.lib.stride_tricks.sliding_window_view(np.rint(course_c * 100) / 100, CARD["window"])
    return (found - CARD["mean_c"]).astype(np.float32)


def examples(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows and label indices; a door counts while it is open for 5 minutes or more, a failure after 90 minutes."""
    rng = np.random.default_rng(seed)
    xs, ys = [], []
    for i in range(count):
        begin, length, fails = rng.uniform(1, 2), rng.uniform(0.15, 0.5), rng.uniform(3.5, 4.5)
        x = windows(course(seed * 100_000 + i, 7.5, (begin, begin + length), fails))
        hour = (np.arange(len(x)) + CARD["window"]) * STEP / 3600
        y = np.full(len(x), -1)
        y[(hour < begin) | ((hour > begin + length + 0.15) & (hour < fails))] = 0
        y[(hour > begin + 5 / 60) & (hour < begin + length)] = 1
        y[hour > fails + 1.5] = 2
        xs.append(x[y >= 0])
        ys.append(y[y >= 0])
    return np.concatenate(xs), np.concatenate(ys)
