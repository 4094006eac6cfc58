"""Generators: each does to a stimulus what it says, in its units, the same with the same seed, and they compose."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.errors import UsageError
from sim.sensors import generators as g
from sim.sensors.frames import Frames
from sim.sensors.recording import Recording
from sim.sensors.stimulus import Constant, Function

AXES = ["ax", "ay", "az", "gx", "gy", "gz"]
UNITS = ["m/s^2"] * 3 + ["deg/s"] * 3


@pytest.fixture
def still() -> Recording:
    return Recording(np.tile([0, 0, 9.81, 0, 0, 10], (200, 1)), AXES, UNITS, rate=100)


@pytest.fixture
def tone() -> Recording:
    t = np.arange(1, 16001) / 16000
    return Recording(0.5 * np.sin(2 * np.pi * 440 * t), ["sound"], "fs", rate=16000, name="tone")


def power(values: np.ndarray) -> float:
    return float(np.mean(np.asarray(values) ** 2))


@pytest.mark.parametrize("snr", [-6.0, 0.0, 20.0])
def test_noise_has_the_ratio_asked_for(tone: Recording, snr: float) -> None:
    got = g.noise(tone, snr, seed=1)
    assert 10 * math.log10(power(tone.values) / power(got.values - tone.values)) == pytest.approx(snr, abs=0.2)
    assert np.array_equal(got.values, g.noise(tone, snr, seed=1).values)
    assert not np.array_equal(got.values, g.noise(tone, snr, seed=2).values)


def test_noise_does_not_count_the_mean(still: Recording) -> None:
    assert np.allclose(g.noise(still, 0, seed=1).values, still.values, atol=1e-12)


def test_gain_offset_drift(still: Recording) -> None:
    assert g.gain(still, 2).values[0, 2] == pytest.approx(19.62)
    assert g.offset(still, ax=0.3, gz=-1).values[5].tolist() == pytest.approx([0.3, 0, 9.81, 0, 0, 9])
    assert g.drift(still, gx=0.5).values[[0, 199], 3].tolist() == pytest.approx([0.005, 1.0])


def test_tilt_turns_gravity_and_rates(still: Recording) -> None:
    # Nose up by 30 degrees: x looks up (seen from the sensor, part of what it feels on z comes on x).
    got = g.tilt(still, pitch=30).values[0]
    assert np.hypot(got[0], got[2]) == pytest.approx(9.81)
    assert abs(got[0]) == pytest.approx(9.81 * math.sin(math.radians(30)))
    assert abs(got[3]) == pytest.approx(5.0)
    back = g.tilt(g.tilt(still, yaw=40), yaw=-40)
    assert np.allclose(back.values, still.values)
    with pytest.raises(UsageError, match="nothing to tilt"):
        g.tilt(Recording([1.0], ["sound"], "fs", rate=1), roll=1)


def test_mix_resamples_repeats_and_scales(tone: Recording) -> None:
    hiss = Recording(np.random.default_rng(0).normal(size=800), ["sound"], "fs", rate=8000)
    got = g.mix(tone, hiss, snr=10)
    added = got.values - tone.values
    assert 10 * math.log10(np.var(tone.values) / np.var(added)) == pytest.approx(10)
    assert np.allclose(added[:1600], added[1600:3200])
    loud = g.mix(tone, tone)
    assert np.allclose(loud.values, 2 * tone.values)
    in_g = Recording([[1.0]] * 10, ["ax"], "g", rate=10)
    assert g.mix(Recording([[0.0]] * 10, ["ax"], "m/s^2", rate=10), in_g).values[0, 0] == pytest.approx(9.80665)
    with pytest.raises(UsageError, match="has ax"):
        g.mix(tone, in_g)
    with pytest.raises(UsageError, match="silent"):
        g.mix(tone, g.gain(hiss, 0), snr=3)


def test_mix_takes_each_quantity_for_itself() -> None:
    """Degrees a second are larger numbers than m/s^2, and gravity does not move: neither says how loud a shake is."""
    dice = np.random.default_rng(3)
    walk = Recording(dice.normal(size=(500, 6)) * [1, 1, 1, 90, 90, 90] + [0, 0, 9.81, 0, 0, 0], AXES, UNITS, rate=100)
    engine = Recording(dice.normal(size=(500, 6)), AXES, UNITS, rate=100)
    added = g.mix(walk, engine, snr=12).values - walk.values
    for axes in (slice(0, 3), slice(3, 6)):
        loud, faint = np.var(walk.values[:, axes], axis=0).sum(), np.var(added[:, axes], axis=0).sum()
        assert 10 * math.log10(loud / faint) == pytest.approx(12)
    shaken = Recording(engine.values * [1, 1, 1, 0, 0, 0], AXES, UNITS, rate=100)
    added = g.mix(walk, shaken, snr=12).values - walk.values
    assert added[:, :3].any()
    assert not added[:, 3:].any()


def test_hum_is_at_the_mains(tone: Recording) -> None:
    got = g.hum(g.gain(tone, 0), 0.1, harmonics=(1, 0, 0.5)).values[:, 0]
    lines = np.abs(np.fft.rfft(got)) / 8000
    assert lines[50] == pytest.approx(0.1, abs=1e-6)
    assert lines[150] == pytest.approx(0.05, abs=1e-6)
    assert lines[[100, 440]].max() < 1e-6


def test_reverberation_keeps_the_direct_sound_and_decays() -> None:
    click = np.zeros(16000)
    click[100] = 1
    got = g.reverberation(Recording(click, ["sound"], "fs", rate=16000), 0.5, 0.2, seed=3).values[:, 0]
    assert got[100] == pytest.approx(1)
    assert np.abs(got[:100]).max() < 1e-9
    assert float(np.sum(got[101:] ** 2)) == pytest.approx(0.2, rel=0.01)
    assert np.abs(got[101:900]).max() > 30 * np.abs(got[7000:8100]).max()


def test_sampled_and_resampled(tone: Recording) -> None:
    ramp = Function(lambda t: t, ["ax"], "g", duration=2)
    assert g.sampled(ramp, 10).values[:, 0].tolist() == pytest.approx([i / 10 for i in range(1, 21)])
    assert g.resampled(tone, 16000) is tone
    assert len(g.resampled(tone, 8000).values) == 8000
    steps = Recording([1.0, 2.0], ["ax"], "g", rate=1, interpolation="hold")
    assert g.resampled(steps, 4).sample(np.array([1.6])).tolist() == [[1.0]], "held between its points, still"
    with pytest.raises(UsageError, match="does not end"):
        g.sampled(Constant([1], ["ax"], "g"), 10)
    assert len(g.sampled(Constant([1], ["ax"], "g"), 10, duration=3).values) == 30


def test_light_and_blur() -> None:
    dot = np.zeros((9, 9))
    dot[4, 4] = 1
    frames = Frames(dot, width=9, height=9)
    assert g.brightness(frames, 0.5, 0.1).values.max() == pytest.approx(0.6)
    right = g.motion_blur(frames, 3).values.reshape(9, 9)
    assert right[4, 3:6].tolist() == pytest.approx([1 / 3] * 3)
    down = g.motion_blur(frames, 5, 90).values.reshape(9, 9)
    assert down[2:7, 4].tolist() == pytest.approx([0.2] * 5)
    for pixels in (2, 4):
        smeared = g.motion_blur(frames, pixels).values.reshape(9, 9)[4]
        assert smeared[smeared > 0].tolist() == pytest.approx([1 / pixels] * pixels)
    aslant = g.motion_blur(frames, 5, 45).values.reshape(9, 9)
    assert aslant.sum() == pytest.approx(1)
    assert np.allclose(aslant, aslant.T)
    assert aslant[4, 4] == aslant.max() < 0.5
    assert g.noise(frames, 0, seed=1).values.shape == frames.values.shape
    with pytest.raises(UsageError, match="blur of 0"):
        g.motion_blur(frames, 0)


def test_they_compose_and_keep_name_and_rate(still: Recording) -> None:
    got = g.noise(g.tilt(g.drift(still, ax=0.1), roll=3), 30, seed=9)
    assert (got.name, got.rate, got.channels, got.units) == (still.name, still.rate, still.channels, still.units)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda r: g.offset(r, axx=1), "no channel 'axx'"),
        (lambda r: g.gain(r, math.nan), "by = nan"),
        (lambda r: g.reverberation(r, 0, 0.1, 1), "echo"),
        (lambda r: g.sampled(r, 0), "0 Hz"),
    ],
)
def test_nonsense_is_told(still: Recording, call, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        call(still)


def test_uneven_points_have_no_rate() -> None:
    uneven = Recording([[0.0], [1.0], [5.0]], ["ax"], "g", times=[0.1, 0.2, 0.9])
    with pytest.raises(UsageError, match="not even"):
        g.drift(uneven, ax=1)
