"""A car on a road: a synthetic model, not a measurement.

Front and rear axle are quarter cars (body on spring and damper, wheel on its tyre) over a road of ISO 8608 roughness,
the rear one a wheelbase later; the inertial sensor sits between them, mounted up to 3 degrees askew. Potholes, speed
bumps, cobblestones and braking are added with random sizes. All parameters are drawn per drive; ranges are pinned here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP = 1e-3  # s, of the simulation
RATE = 100.0  # Hz, of what is returned
SECONDS = 5.0
RUN_IN = 1.0  # s before that, until the car swings as it would
G = 9.80665
LABELS = ("smooth", "rough", "cobblestones", "pothole", "speed_bump", "hard_braking")
ROUGHNESS = {  # m^3 at 0.1 cycles/m; A is up to 32e-6, C 128e-6 to 512e-6, D up to 2048e-6
    "smooth": (4e-6, 40e-6),
    "rough": (250e-6, 1000e-6),
    "cobblestones": (60e-6, 200e-6),
}
SPEED = {"cobblestones": (15, 40), "rough": (25, 70), "pothole": (20, 60), "speed_bump": (10, 30)}  # km/h
ANY_SPEED = (30, 90)


@dataclass(frozen=True)
class Drive:
    """`samples` float64 [500, 6] in m/s^2 and deg/s at 100 Hz; an event lies from `begin` to `end` seconds."""

    label: str
    samples: NDArray[np.float64]
    begin: float
    end: float


def drives(seed: int, labels: list[str], first: int = 0) -> list[Drive]:
    """One drive a label; number i of a seed with that label is the same whatever stands around it."""
    made = [_drawn(seed, first + i, label) for i, label in enumerate(labels)]
    body = _simulated(made)
    return [_measured(d, *(b[i] for b in body)) for i, d in enumerate(made)]


def _drawn(seed: int, number: int, label: str) -> dict:
    rng = np.random.default_rng([20261122, seed, number, LABELS.index(label)])
    v = rng.uniform(*SPEED.get(label, ANY_SPEED)) / 3.6
    steps = int((SECONDS + RUN_IN) / STEP)
    low, high = ROUGHNESS.get(label, ROUGHNESS["smooth"])
    gd = np.exp(rng.uniform(np.log(low), np.log(high)))
    white = rng.normal(size=steps)
    # First-order filter of white noise: the spectrum of ISO 8608, flat below 0.01 cycles/m.
    fall = np.exp(-2 * np.pi * 0.01 * v * STEP)
    drive = 2 * np.pi * 0.1 * np.sqrt(gd * v) * white * np.sqrt(STEP / 2)
    road = _filtered(drive, fall)
    x = np.arange(steps) * STEP * v
    begin, end = 0.0, SECONDS
    at = rng.uniform(1.2, SECONDS - 1.6)
    place = (at + RUN_IN) * v
    if label == "cobblestones":
        wave = rng.uniform(0.11, 0.17)
        phase = np.cumsum(rng.normal(0, 0.6, steps) * np.sqrt(STEP * v / wave))
        road = road + rng.uniform(0.004, 0.009) * np.sin(2 * np.pi * x / wave + phase)
    elif label == "pothole":
        length, depth = rng.uniform(0.3, 0.8), rng.uniform(0.03, 0.08)
        road = road - depth * _hump(x - place, length, 0.12)
        begin, end = at, at + (2.6 + length) / v
    elif label == "speed_bump":
        length, height = rng.uniform(0.4, 3.0), rng.uniform(0.05, 0.09)
        road = road + height * _hump(x - place, length, length / 2)
        begin, end = at, at + (2.6 + length) / v
    t = np.arange(int(SECONDS * RATE)) / RATE
    slow = 0.3 * rng.normal() * np.sin(2 * np.pi * rng.uniform(0.05, 0.2) * t + rng.uniform(0, 6))
    turning = 6 * rng.normal() * np.sin(2 * np.pi * rng.uniform(0.05, 0.15) * t + rng.uniform(0, 6))
    if label == "hard_braking":
        lasting, strength = rng.uniform(1.2, 2.5), rng.uniform(5.0, 9.0)
        ramp = np.clip((t - at) / 0.25, 0, 1) * np.clip((at + lasting - t) / 0.2, 0, 1)
        slow = slow - strength * ramp
        begin, end = at, at + lasting
    car = (rng.uniform(300, 450), rng.uniform(18e3, 28e3), rng.uniform(1200, 2000), rng.uniform(180e3, 220e3))
    return {"rng": rng, "label": label, "v": v, "road": road, "car": car, "slow": slow, "turning": turning,
            "begin": begin, "end": end, "one_side": label == "pothole"}  # fmt: skip


def _filtered(drive: NDArray[np.float64], fall: float) -> NDArray[np.float64]:
    """y[i] = fall * y[i - 1] + drive[i], by blocks so that powers of `fall` stay in range."""
    out, last = np.empty_like(drive), 0.0
    for first in range(0, len(drive), 1000):
        block = drive[first : first + 1000]
        powers = fall ** np.arange(1, len(block) + 1)
        out[first : first + 1000] = powers * (last + np.cumsum(block / powers))
        last = out[first + len(block) - 1]
    return out


def _hump(x: NDArray[np.float64], length: float, edge: float) -> NDArray[np.float64]:
    """1 from 0 to `length`, with edges of half a cosine; the tyre feels no corner."""
    up = np.clip(x / edge, 0, 1)
    down = np.clip((length - x) / edge, 0, 1)
    return (0.5 - 0.5 * np.cos(np.pi * up)) * (0.5 - 0.5 * np.cos(np.pi * down))


def _simulated(made: list[dict]) -> tuple[NDArray[np.float64], ...]:
    """Velocities of the body over front and rear axle [n, samples], and its acceleration between them."""
    front = np.array([d["road"] for d in made])
    late = [int(2.6 / d["v"] / STEP) for d in made]
    rear = np.array([np.concatenate([np.full(s, r[0]), r[: len(r) - s]]) for s, r in zip(late, front, strict=True)])
    road = np.concatenate([front, rear])
    mass, spring, damper, tyre = (np.tile([d["car"][i] for d in made], 2) for i in range(4))
    wheel = 40.0
    zs, zu = road[:, 0].copy(), road[:, 0].copy()
    vs, vu = np.zeros(len(road)), np.zeros(len(road))
    skip, every = int(RUN_IN / STEP), int(1 / RATE / STEP)
    speeds, pushes = [], []
    for i in range(road.shape[1]):
        force = spring * (zu - zs) + damper * (vu - vs)
        push = force / mass
        vs = vs + STEP * push
        vu = vu + STEP * (tyre * (road[:, i] - zu) - force) / wheel
        zs, zu = zs + STEP * vs, zu + STEP * vu
        if i >= skip and (i - skip) % every == 0:
            speeds.append(vs)
            pushes.append(push)
    speed, push = np.array(speeds).T, np.array(pushes).T
    n = len(made)
    return speed[:n], speed[n:], (push[:n] + push[n:]) / 2


def _measured(d: dict, front: NDArray[np.float64], rear: NDArray[np.float64], up: NDArray[np.float64]) -> Drive:
    rng: np.random.Generator = d["rng"]
    pitch = np.degrees((front - rear) / 2.6)
    roll = np.degrees(front / 1.5) * (rng.choice([-0.5, 0.5]) if d["one_side"] else rng.normal() * 0.15)
    lateral = d["v"] * np.radians(d["turning"])
    acceleration = np.stack([d["slow"], lateral, up + G], axis=1)
    rates = np.stack([roll, -pitch, d["turning"]], axis=1)
    a, b = np.radians(rng.uniform(-3, 3, 2))
    askew = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]) @ np.array(
        [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    )
    noise = rng.normal(size=(len(up), 6)) * np.array([0.03] * 3 + [0.1] * 3)
    samples = np.concatenate([acceleration @ askew.T, rates @ askew.T], axis=1) + noise
    return Drive(d["label"], samples, d["begin"], d["end"])


def truth(drive: Drive, end: float, window: float = 1.0) -> str | None:
    """What a window that ends at `end` seconds shows; None where that is a question of taste.

    An event is shown if it began 0.1 s to 0.75 s ago (braking: if it lasts, for 0.3 s at least), and is not if it
    ended before the window's beginning, or has not begun.
    """
    if drive.label not in ("pothole", "speed_bump", "hard_braking"):
        return drive.label
    if end <= drive.begin or end - window >= drive.end + 0.6:
        return "smooth"
    if drive.label == "hard_braking":
        return drive.label if drive.begin + 0.3 <= end <= drive.end else None
    return drive.label if drive.begin + 0.1 + (drive.end - drive.begin) / 2 <= end <= drive.begin + 0.8 else None
