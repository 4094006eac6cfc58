"""The parts' own noise: as large as their files say, the same for the same seed, only where it is asked for."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from sim.errors import StimulusWarning, UsageError
from sim.sensors.channel import SensorChannel
from sim.sensors.frames import Frames
from sim.sensors.parts import NAMES, part
from sim.sensors.parts.base import LinearPart
from sim.sensors.recording import Recording
from sim.sensors.stimulus import Constant, Stimulus
from sim.sensors.track import noise_of

LINEAR = [name for name in NAMES if isinstance(part(name), LinearPart)]


def codes(name: str, stimulus: Stimulus, seed: int | None, reads: tuple[int, ...] = (2000,)) -> npt.NDArray[np.int64]:
    found = SensorChannel(part(name))
    found.open(found.part.rates[0], 0, narrow(name))
    found.play(stimulus, 0, seed)
    for samples in reads:
        found.read(samples, 0)
    return found.output.recent()


def narrow(name: str) -> tuple[float, ...]:
    """The smallest ranges: there the noise is more than rounding."""
    p = part(name)
    assert isinstance(p, LinearPart)
    return tuple(min(q.sensitivity) for q in p.quantities)


def still(name: str) -> Constant:
    p = part(name)
    return Constant([0.0] * len(p.channels), p.channels, p.units, duration=2000 / float(p.rates[0]) + 1)


@pytest.mark.parametrize("name", LINEAR)
def test_as_large_as_the_part_says(name: str) -> None:
    p = part(name)
    wanted = np.array(noise_of(p)(float(p.rates[0])))
    step = np.array(p.scales(narrow(name)))
    got = codes(name, still(name), seed=3) * step
    rounding = step / math.sqrt(12)
    assert got.std(axis=0) == pytest.approx(np.sqrt(wanted**2 + rounding**2), rel=0.1)
    assert np.all(np.abs(got.mean(axis=0)) < 4 * np.maximum(wanted, rounding) / math.sqrt(2000))


def test_iis3dwb_by_hand() -> None:
    """75 ug/sqrt(Hz) up to 13.3 kHz: 8.66 mg."""
    (sigma, *_) = noise_of(part("iis3dwb"))(26667.0)
    assert sigma / 9.80665 == pytest.approx(0.00866, rel=0.001)


def test_a_seed_is_a_value_and_none_is_no_noise() -> None:
    quiet, first, again, other = (codes("lsm9ds1", still("lsm9ds1"), seed) for seed in (None, 1, 1, 2))
    assert not quiet.any()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_it_does_not_depend_on_how_it_is_read() -> None:
    whole = codes("lsm9ds1", still("lsm9ds1"), 5)
    pieces = codes("lsm9ds1", still("lsm9ds1"), 5, (1, 999, 3, 997))
    assert np.array_equal(whole, pieces)
    endless = Constant([0.0] * 6, part("lsm9ds1").channels, part("lsm9ds1").units)
    assert np.array_equal(codes("lsm9ds1", endless, 5), codes("lsm9ds1", endless, 5, (3, 1997)))


def test_a_part_without_a_figure_says_so_before_anything_plays() -> None:
    camera = SensorChannel(part("hm01b0"))
    with pytest.raises(UsageError, match="no noise figure"):
        camera.play(Frames(np.zeros((2, 2))), 0, noise_seed=1)
    assert camera.statistics().stimulus == ""


def sound(values: npt.ArrayLike, rate: float) -> Recording:
    return Recording(values, ["sound"], "Pa", rate=rate, name="clip")


@pytest.mark.parametrize(
    ("stimulus", "said"),
    [
        (sound([1.0, 40.0, -50.0], 16000), r"2 of 3 samples of sound are beyond the range of mp34dt05 .*largest -50"),
        (sound(np.zeros(480), 48000), "48000 Hz, the part runs at 16000 Hz: what is above half of that aliases"),
        (sound([0.1], 32000), "shorter than one sample at 16000 Hz"),
    ],
)
def test_what_does_not_fit_is_said_before_the_run(stimulus: Recording, said: str) -> None:
    """When it is played to a part that is open, and otherwise when the firmware opens it."""
    opened, later = SensorChannel(part("mp34dt05")), SensorChannel(part("mp34dt05"))
    opened.open(16000, 0)
    with pytest.warns(StimulusWarning, match=said):
        opened.play(stimulus, 0)
    later.play(stimulus, 0)
    with pytest.warns(StimulusWarning, match=said):
        later.open(16000, 0)


def test_a_slower_recording_is_remarked_on_and_no_warning() -> None:
    channel = SensorChannel(part("mp34dt05"))
    channel.open(16000, 0)
    channel.play(sound(np.zeros(40), 4000), 0)
    assert "4000 Hz, the part runs at 16000 Hz: more than every second sample" in channel.warnings[0]
