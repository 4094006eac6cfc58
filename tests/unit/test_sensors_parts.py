"""Parts: codes against sensitivities worked out by hand, ranges, saturation, sources."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sim.errors import UsageError
from sim.sensors.parts import NAMES, known, part, part_names
from sim.sensors.units import STANDARD_GRAVITY, canonical, factor
from sim.source import SOURCE_KINDS

G = STANDARD_GRAVITY


@pytest.mark.parametrize(
    ("name", "ranges", "values", "codes"),
    [
        # 1000 mg / 0.061, 0.122, 0.244, 0.732 mg and 100 000 mdps / 8.75, 17.5, 70 mdps, to the nearest
        ("lsm9ds1", (2, 245), [G, -G, 0, 100, -100, 0], [16393, -16393, 0, 11429, -11429, 0]),
        ("lsm9ds1", (4, 500), [G, -G, 0, 100, -100, 0], [8197, -8197, 0, 5714, -5714, 0]),
        ("lsm9ds1", (8, 2000), [G, -G, 0, 100, -100, 0], [4098, -4098, 0, 1429, -1429, 0]),
        ("lsm9ds1", (16, 0), [G, -G, 0, 100, -100, 0], [1366, -1366, 0, 1429, -1429, 0]),
        # 0.061, 0.488 mg and 4.375, 35 mdps
        ("lsm6dso", (2, 125), [G, 0, 0, 100, 0, -1], [16393, 0, 0, 22857, 0, -229]),
        ("lsm6dso", (16, 1000), [G, 0, 0, 100, 0, -1], [2049, 0, 0, 2857, 0, -29]),
    ],
)
def test_codes_of_imus(name: str, ranges: tuple[float, ...], values: list[float], codes: list[int]) -> None:
    got, beyond = part(name).encode(np.array([values]), ranges)
    assert got.dtype == np.int16
    assert got.tolist() == [codes]
    assert beyond == 0


@pytest.mark.parametrize("name", NAMES)
def test_firmware_can_name_each_range(name: str) -> None:
    """By the port's whole number, in the part's unit; a part with a single one needs no name."""
    for quantity in getattr(part(name), "quantities", ()):
        assert len(quantity.sensitivity) == 1 or all(r == int(r) > 0 for r in quantity.sensitivity)


def test_a_current_sensor_in_a_narrow_range() -> None:
    codes, beyond = part("ina219").encode(np.array([[0.5], [-0.3]]), (400,))
    assert (codes.tolist(), beyond) == ([[4000], [-3000]], 1)  # 40 mV of the shunt at 10 uV a code


def test_no_range_is_the_widest() -> None:
    imu = part("lsm9ds1")
    assert imu.full_ranges() == imu.full_ranges((0, 0)) == (16.0, 2000.0)
    assert imu.full_ranges((4,)) == (4.0, 2000.0)
    assert imu.scales((4, 245)) == pytest.approx((0.000122 * G,) * 3 + (0.00875,) * 3)


@pytest.mark.parametrize(
    ("ranges", "said"),
    [((3,), "no range of 3 g .acceleration."), ((0, 250), "no range of 250 deg/s"), ((2, 245, 1), "3 ranges")],
)
def test_a_range_it_has_not_is_refused(ranges: tuple[float, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        part("lsm9ds1").full_ranges(ranges)


def test_beyond_the_range_is_cut_off_and_counted() -> None:
    imu = part("lsm9ds1")
    # 16 g / 0.732 mg = 21857.9: the last whole code of the range; 2 g / 0.061 mg is beyond 16 bits.
    got, beyond = imu.encode(np.array([[17 * G, -17 * G, 15 * G, 2001, -2001, 1999]]))
    assert got.tolist() == [[21857, -21857, 20492, 28571, -28571, 28557]]
    assert beyond == 4
    got, beyond = imu.encode(np.array([[2.1 * G, -2.1 * G, 1.99 * G, 0, 0, 0]]), (2, 245))
    assert got.tolist() == [[32767, -32768, 32623, 0, 0, 0]]
    assert beyond == 2


def test_digital_sound_passes_bit_for_bit() -> None:
    microphone = part("mp34dt05")
    every = np.arange(-32768, 32768, dtype=np.int64)
    values = (every / 32768.0 * microphone.into(0, "fs"))[:, None]
    got, beyond = microphone.encode(values)
    assert np.array_equal(got[:, 0], every)
    assert beyond == 0
    got, beyond = microphone.encode(np.array([[1.0 * microphone.into(0, "fs")]]))
    assert got.tolist() == [[32767]]
    assert beyond == 1


def test_a_sine_of_94_db_is_26_db_below_full_scale() -> None:
    t = np.arange(16000) / 16000
    sine = math.sqrt(2) * np.sin(2 * np.pi * 1000 * t)  # 1 Pa rms
    got, _ = part("mp34dt05").encode(sine[:, None])
    rms = float(np.sqrt(np.mean((got / 32768.0) ** 2)))
    assert 20 * math.log10(rms * math.sqrt(2)) == pytest.approx(-26, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_every_part_is_complete(name: str) -> None:
    p = part(name)
    assert p.name == name
    assert p.dtype == ("uint8" if p.slot == "camera" else "int16")
    assert p.rates == tuple(sorted(p.rates))
    assert len(p.channels) == len(p.units) == len(set(p.channels)) == len(p.scales()) == len(p.limits())
    assert {"sensitivity", "rates", "fifo_depth"} <= set(p.sources)
    assert all(s.kind in SOURCE_KINDS for s in p.sources.values())
    # What a sample is rests on sources that were opened; a supply current (which marks an energy only) and the noise
    # (which is there where a test asks for it) may not.
    assert all(s.kind != "unverified" for key, s in p.sources.items() if key not in ("current_ma", "noise"))
    assert (p.slot == "camera") == ("noise" not in p.sources)
    assert (p.current_ma is None) == ("current_ma" not in p.sources)
    assert all(rate * 1000 == int(rate * 1000) for rate in p.rates)  # firmware asks for a rate in millihertz
    # A code times its size is the value again, within half a code.
    values = np.linspace(0 if p.slot == "camera" else -0.39, 0.39, 100)[:, None] * np.ones(len(p.channels))
    codes, beyond = p.convert(values)
    assert not beyond.any()
    assert np.all(np.abs(codes * np.array(p.scales()) - values) <= np.array(p.scales()) * 0.5000001)


def test_rates_are_exact() -> None:
    assert part("lsm9ds1").rates[1] == Fraction(119, 2)
    assert part("lsm6dso").fifo_depth * 2 == 512  # words


def test_unknown_parts_get_near_names() -> None:
    assert set(NAMES) <= set(part_names())
    assert known("lsm6dso")
    assert not known("lsm6ds0")
    with pytest.raises(UsageError, match="unknown sensor part 'lsm6ds0'") as caught:
        part("lsm6ds0")
    assert "'lsm6dso'" in str(caught.value)


def test_units() -> None:
    assert factor("g", "m/s^2") == 9.80665
    assert factor("mg", "g") == pytest.approx(0.001)
    assert factor("rad/s", "deg/s") * math.pi == pytest.approx(180)
    assert factor("dps", "°/s") == 1.0
    assert canonical("m/s²") == canonical("m/s2") == "m/s^2"
    with pytest.raises(UsageError, match=r"\[g\] is an acceleration, not angular rate"):
        factor("g", "deg/s")
    with pytest.raises(UsageError, match="unknown unit 'm/s'"):
        canonical("m/s")


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_the_docs_has_ranges_and_sizes(name: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "sensors.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |")).split("|")
    ranges, sizes = row[5], row[6]
    for quantity in getattr(part(name), "quantities", ()):
        scale = 1000 if quantity.code_unit == "Pa" else 1
        for r, size in quantity.sensitivity.items():
            assert len(quantity.sensitivity) == 1 or re.search(rf"\b{r:g}\b", ranges), (r, ranges)
            shown = {f"{size * scale:.4g}", f"{size * scale:.3g}"}
            assert shown & set(re.findall(r"[\d.]+", sizes)), (size, sizes)
