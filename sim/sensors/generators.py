"""What happens to a stimulus on its way to the sensor: noise, drift, tilt, echo, bad light. Each gives a new stimulus.

They compose: `noise(tilt(walk, pitch=5), snr=20, seed=1)`. They work on what has a rate, a Recording (or Frames where
that is said); `sampled(stimulus, rate)` makes one of anything. Where chance is in it, a seed is asked for: the same
seed gives the same values, whatever runs before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from sim.errors import UsageError, near
from sim.sensors.frames import Frames
from sim.sensors.recording import Recording
from sim.sensors.stimulus import Stimulus, Values
from sim.sensors.units import factor, quantity

Anything = TypeVar("Anything", Recording, Frames)
_AXES = (("ax", "ay", "az"), ("gx", "gy", "gz"))


def sampled(stimulus: Stimulus, rate: float, duration: float | None = None) -> Recording:
    """Any stimulus as a recording at `rate` Hz; `duration` seconds of it where it does not end."""
    length = stimulus.duration if duration is None else duration
    if length is None:
        raise UsageError(f"{stimulus.name} does not end", hint="say how much of it: sampled(..., duration=2.0)")
    if not 0 < rate < 1e9 or not 0 < length * rate < 1e9:
        raise UsageError(f"{stimulus.name}: {length} s at {rate} Hz", hint="both above 0")
    times = np.arange(1, int(length * rate + 1e-6) + 1) / rate
    values = stimulus.sample(times)
    return Recording(values, stimulus.channels, stimulus.units, rate=rate, name=stimulus.name)


def noise(stimulus: Anything, snr: float, seed: int) -> Anything:
    """White noise in every channel, `snr` dB below the power of what moves in it (its mean does not count)."""
    _finite(stimulus.name, snr=snr)
    values = stimulus.values
    axis = 0 if isinstance(stimulus, Recording) else None  # a picture's pixels are one signal
    power = np.var(values, axis=axis)
    size = np.sqrt(power) * 10 ** (-snr / 20)
    return _with(stimulus, values + np.random.default_rng(seed).normal(size=values.shape) * size)


def gain(stimulus: Anything, by: float) -> Anything:
    """Every value times `by`."""
    _finite(stimulus.name, by=by)
    return _with(stimulus, stimulus.values * by)


def offset(recording: Recording, **by: float) -> Recording:
    """A constant added to channels, in their unit: `offset(walk, ax=0.3)`."""
    values = recording.values.copy()
    for name, value in by.items():
        _finite(recording.name, **{name: value})
        values[:, _channel(recording, name)] += value
    return _with(recording, values)


def drift(recording: Recording, **per_second: float) -> Recording:
    """Channels that run away from where they were, in their unit a second: `drift(walk, gx=0.02)`."""
    values = recording.values.copy()
    times = np.arange(1, len(values) + 1) / _rate(recording)
    for name, value in per_second.items():
        _finite(recording.name, **{name: value})
        values[:, _channel(recording, name)] += value * times
    return _with(recording, values)


def tilt(recording: Recording, roll: float = 0.0, pitch: float = 0.0, yaw: float = 0.0) -> Recording:
    """The sensor mounted askew, turned by these degrees about x, then y, then z: ax ay az and gx gy gz turn with it."""
    _finite(recording.name, roll=roll, pitch=pitch, yaw=yaw)
    a, b, c = (math.radians(v) for v in (roll, pitch, yaw))
    about_x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    about_y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    turn = about_z @ about_y @ about_x
    triples = [t for t in _AXES if set(t) <= set(recording.channels)]
    if not triples:
        raise UsageError(f"{recording.name}: nothing to tilt", hint="it needs ax, ay, az or gx, gy, gz")
    values = recording.values.copy()
    for triple in triples:
        columns = [recording.channels.index(name) for name in triple]
        if len({recording.units[i] for i in columns}) > 1:
            raise UsageError(f"{recording.name}: {', '.join(triple)} are in different units")
        # The world turns the other way, seen from the sensor.
        values[:, columns] = recording.values[:, columns] @ turn
    return _with(recording, values)


def mix(recording: Recording, other: Recording, snr: float | None = None) -> Recording:
    """Both at once, as long as the first; the second is resampled, and repeated where it is shorter.

    `snr`: the second is made that many dB fainter than the first: of each quantity (the axes of an accelerometer, of
    a gyroscope) the power of what moves, as in `noise`; None: as they are.
    """
    if set(other.channels) != set(recording.channels):
        raise UsageError(
            f"{other.name} has {', '.join(other.channels)}, {recording.name} has {', '.join(recording.channels)}",
            hint="other.select(...) or other.renamed(...) makes them fit",
        )
    fitting = resampled(other, _rate(recording)).select(*recording.channels)
    scale = np.array([factor(u, v) for u, v in zip(fitting.units, recording.units, strict=True)])
    added = np.resize(fitting.values * scale, recording.values.shape)
    if snr is not None:
        _finite(recording.name, snr=snr)
        moves = np.var(added, axis=0)
        if not moves.any():
            raise UsageError(f"{other.name} is silent", hint="no signal-to-noise ratio can be made of it")
        for columns in _quantities(recording):
            loud, faint = np.var(recording.values[:, columns], axis=0).sum(), moves[columns].sum()
            if faint:  # a gyroscope of zeros beside an accelerometer adds nothing
                added[:, columns] *= math.sqrt(loud / faint) * 10 ** (-snr / 20)
    return _with(recording, recording.values + added)


def resampled(recording: Recording, rate: float) -> Recording:
    """The same at another rate, by straight lines (or held values, as the recording says)."""
    if recording.rate == rate:
        return recording
    found = sampled(recording, rate)
    return Recording(
        found.values,
        found.channels,
        found.units,
        rate=rate,
        name=recording.name,
        source=recording.source,
        interpolation=recording.interpolation,
    )


def hum(
    recording: Recording, size: float, frequency: float = 50.0, harmonics: Sequence[float] = (1, 0, 0.3)
) -> Recording:
    """Mains hum in every channel: a sine of `size` (the channel's unit, peak) and shares of its harmonics."""
    _finite(recording.name, size=size, frequency=frequency)
    times = np.arange(1, len(recording.values) + 1) / _rate(recording)
    wave = sum(share * np.sin(2 * np.pi * frequency * (k + 1) * times) for k, share in enumerate(harmonics))
    return _with(recording, recording.values + size * np.asarray(wave)[:, None])


def reverberation(recording: Recording, seconds: float, share: float, seed: int) -> Recording:
    """An echo whose power falls by 60 dB in `seconds`; `share` of the direct sound's power is in it."""
    _finite(recording.name, seconds=seconds, share=share)
    length = int(seconds * _rate(recording))
    if length < 1 or share < 0:
        raise UsageError(f"{recording.name}: an echo of {seconds} s and {share} of the power", hint="both above 0")
    echo = np.random.default_rng(seed).normal(size=length) * 10 ** (-3 * np.arange(length) / length)
    echo *= math.sqrt(share / float(np.sum(echo**2)))
    response = np.concatenate([[1.0], echo])
    count = len(recording.values)
    size = 1 << (count + length).bit_length()
    heard = np.fft.irfft(
        np.fft.rfft(recording.values, size, axis=0) * np.fft.rfft(response, size)[:, None], size, axis=0
    )  # fmt: skip
    return _with(recording, heard[:count])


def brightness(frames: Frames, gain: float = 1.0, offset: float = 0.0) -> Frames:
    """More or less light: value * gain + offset, in shares of full scale. The camera cuts off what is beyond."""
    _finite(frames.name, gain=gain, offset=offset)
    return frames.changed(frames.values * gain + offset)


def motion_blur(frames: Frames, pixels: int, angle: float = 0.0) -> Frames:
    """Each picture smeared over that many pixels, along `angle` degrees (0: to the right, 90: down).

    Places between pixels are shared by the four around them; an even number reaches one pixel further back.
    """
    _finite(frames.name, angle=angle)
    if pixels < 1 or pixels > max(frames.width, frames.height):
        raise UsageError(f"{frames.name}: a blur of {pixels} pixels", hint="1 (none) up to the frame's size")
    images = frames.values.reshape(-1, frames.height, frames.width)
    total = np.zeros_like(images)
    for step in range(pixels):
        along = step - pixels // 2
        for dy, down in _between(along * math.sin(math.radians(angle))):
            for dx, right in _between(along * math.cos(math.radians(angle))):
                total += down * right * images[:, _clipped(dy, frames.height)][:, :, _clipped(dx, frames.width)]
    return frames.changed((total / pixels).reshape(len(images), -1))


def _between(place: float) -> list[tuple[int, float]]:
    """The whole numbers around a place, and their shares of it; one where it is whole."""
    place = round(place, 9)  # the cosine of 90 degrees is not quite 0
    low = math.floor(place)
    return [(at, share) for at, share in ((low, 1 - (place - low)), (low + 1, place - low)) if share]


def _clipped(by: int, count: int) -> Values:
    found: Values = np.clip(np.arange(count) - by, 0, count - 1)
    return found


def _with(stimulus: Anything, values: Values) -> Anything:
    if isinstance(stimulus, Frames):
        return stimulus.changed(values)
    return Recording(
        values,
        stimulus.channels,
        stimulus.units,
        rate=stimulus.rate,
        times=stimulus.times,
        name=stimulus.name,
        source=stimulus.source,
        interpolation=stimulus.interpolation,
    )


def _quantities(recording: Recording) -> list[list[int]]:
    """Columns that measure the same quantity: powers of m/s^2 and of deg/s cannot be added."""
    found: dict[str, list[int]] = {}
    for i, unit in enumerate(recording.units):
        found.setdefault(quantity(unit), []).append(i)
    return list(found.values())


def _rate(recording: Recording) -> float:
    if recording.rate is None:
        raise UsageError(f"{recording.name}: its points are not even", hint="sampled(recording, rate) first")
    return recording.rate


def _channel(recording: Recording, name: str) -> int:
    if name not in recording.channels:
        raise UsageError(f"{recording.name}: no channel {name!r}", hint=near(name, recording.channels))
    return recording.channels.index(name)


def _finite(what: str, **values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise UsageError(f"{what}: {name} = {value}", hint="a finite number")
