"""A part in board time: which samples, when, what is lost, what is said."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sim.errors import UsageError
from sim.machine.sensor import Sensor
from sim.sensors.channel import PS, SensorChannel, cycles_to_ps, to_ps
from sim.sensors.delivery import Delivery
from sim.sensors.parts import part
from sim.sensors.recording import Recording
from sim.sensors.stimulus import Constant, Function

AXES = ["ax", "ay", "az"]


def ramp(points: int, rate: float = 16000.0) -> Recording:
    """Sound whose code at point i is i + 1."""
    return Recording((np.arange(points) + 1) / 32768.0, ["sound"], "fs", rate=rate, name="ramp")


def mono(delivery: Delivery) -> list[int]:
    return np.frombuffer(delivery.codes, "<i2").tolist()


def microphone(open_at: int | None = 0) -> SensorChannel:
    channel = SensorChannel(part("mp34dt05"))
    if open_at is not None:
        channel.open(16000, open_at)
    return channel


def test_a_recording_at_the_parts_rate_comes_point_by_point() -> None:
    channel = microphone()
    channel.play(ramp(1000), 0)
    got = [channel.read(100, 0) for _ in range(10)]
    assert [code for d in got for code in mono(d)] == list(range(1, 1001))
    assert [d.first_index for d in got] == list(range(0, 1000, 100))
    assert [d.ready_ps for d in got] == [to_ps(Fraction(100 * (i + 1), 16000)) for i in range(10)]
    assert [d.over for d in got] == [False] * 10
    assert channel.ended()
    assert channel.end_ps() == to_ps(Fraction(1000, 16000))
    stats = channel.statistics()
    assert (stats.consumed, stats.total, stats.saturated, stats.overrun, stats.rest) == (1000, 1000, 0, 0, 0)
    assert channel.warnings == []


def test_before_and_after_a_stimulus_the_part_rests() -> None:
    channel = microphone()
    before = channel.read(10, 0)
    assert (mono(before), before.rest, before.over) == ([0] * 10, 10, False)
    channel.play(ramp(5), before.ready_ps)
    mixed = channel.read(8, before.ready_ps)
    assert (mono(mixed), mixed.rest, mixed.over) == ([1, 2, 3, 4, 5, 0, 0, 0], 3, False)
    after = channel.read(2, mixed.ready_ps)
    assert (mono(after), after.rest, after.over) == ([0, 0], 2, True)
    stats = channel.statistics()
    assert (stats.consumed, stats.total, stats.rest) == (5, 5, 15)
    assert str(stats) == "microphone: 5 of 5 samples of ramp, 0 values saturated, 0 samples lost, 15 at rest"


def test_sample_times_are_exact_and_never_drift() -> None:
    imu = SensorChannel(part("lsm9ds1"))
    start = 123_456_789
    imu.open(Fraction("59.5"), start)
    for k in (0, 1, 118, 10**6, 10**9):
        exact = start + Fraction(k + 1) * PS * 2 / 119
        assert 0 <= imu.time_of(k) - exact < 1  # rounded up to the picosecond
        assert imu.taken(imu.time_of(k)) == k + 1
        assert imu.taken(imu.time_of(k) - 1) == k
    one = imu.read(1, start)
    assert one.ready_ps == imu.time_of(0)
    assert one.ready_time == one.ready_ps / 1e12
    assert imu.taken(start - 5) == 0


def test_a_late_read_is_answered_at_once() -> None:
    channel = microphone()
    late = channel.read(100, to_ps(Fraction(300, 16000)))
    assert late.ready_ps == to_ps(Fraction(300, 16000))
    assert late.overrun == 0


@pytest.mark.parametrize(("taken", "lost"), [(0, 0), (512, 0), (513, 1), (1000, 488), (100_000, 99_488)])
def test_a_full_fifo_loses_the_oldest(taken: int, lost: int) -> None:
    channel = microphone()
    channel.play(ramp(30_000), 0)
    got = channel.read(4, to_ps(Fraction(taken, 16000)))
    assert got.overrun == lost
    assert got.first_index == lost
    expected = [i + 1 if i < 30_000 else 0 for i in range(lost, lost + 4)]
    assert mono(got) == expected
    again = channel.read(4, to_ps(Fraction(taken, 16000)))
    assert (again.overrun, again.first_index) == (0, lost + 4)
    assert channel.statistics().overrun == lost


def test_a_long_read_that_waits_loses_nothing() -> None:
    channel = microphone()
    channel.play(ramp(5000), 0)
    got = channel.read(5000, 0)
    assert got.overrun == 0
    assert got.ready_ps == to_ps(Fraction(5000, 16000))
    assert mono(got) == list(range(1, 5001))


def test_codes_do_not_depend_on_when_it_is_played() -> None:
    """Between two samples or on one, before or after opening: the same codes from the next sample on."""
    seen = set()
    for played in (0, 1, 62_499_999, 62_500_000, 62_500_001, 123_456_789_012):
        channel = microphone()
        channel.play(ramp(50, rate=9999.0), played)
        skip = channel.taken(played)
        got = channel.read(skip + 80, 0)
        assert mono(got)[:skip] == [0] * skip
        seen.add(got.codes[2 * skip : 2 * skip + 160])
    waiting = microphone(open_at=None)
    waiting.play(ramp(50, rate=9999.0), 0)
    assert waiting.statistics().stimulus == "ramp"
    waiting.open(16000, 777_777)
    seen.add(waiting.read(80, 777_777).codes)
    assert len(seen) == 1


def test_how_it_is_read_does_not_change_what_is_read() -> None:
    sizes = np.random.default_rng(1).integers(1, 700, 40).tolist()

    def read(pieces: list[int], stimulus: Function | Recording) -> bytes:
        channel = microphone()
        channel.play(stimulus, 0)
        return b"".join(channel.read(n, 0).codes for n in pieces)

    total = sum(sizes)
    endless = Function(lambda t: 0.5 * np.sin(2 * np.pi * 440 * t), ["sound"], "fs")
    assert read(sizes, endless) == read([total], endless)
    assert read(sizes, ramp(total // 2)) == read([total], ramp(total // 2))


def test_an_endless_stimulus_is_the_same_as_a_long_one() -> None:
    def wave(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return 1.2 * np.sin(2 * np.pi * 100 * t)

    endless, ends = microphone(), microphone()
    endless.play(Function(wave, ["sound"], "fs"), 0)
    ends.play(Function(wave, ["sound"], "fs", duration=2.0), 0)
    for n in (5000, 1, 7000):
        a, b = endless.read(n, 0), ends.read(n, 0)
        assert a.codes == b.codes
        assert a.saturated == b.saturated
        assert a.saturated > 0 or n == 1
    assert endless.statistics().total is None
    assert not endless.ended()
    assert endless.end_ps() is None


def test_playing_again_replaces_and_keeps_what_waits_in_the_fifo() -> None:
    channel = microphone()
    channel.play(ramp(1000), 0)
    assert mono(channel.read(10, 0)) == list(range(1, 11))
    at = to_ps(Fraction(20, 16000))  # ten more samples have been taken
    channel.play(Constant([-0.5], ["sound"], "fs", duration=1.0, name="other"), at)
    assert mono(channel.read(20, at)) == [*range(11, 21), *[-16384] * 10]
    assert channel.statistics().stimulus == "other"
    assert channel.statistics().consumed == 10


def test_opening_again_goes_on_where_the_stimulus_is() -> None:
    imu = SensorChannel(part("lsm9ds1"))
    imu.open(119, 0, (2, 245))
    level = Recording(np.arange(1, 101)[:, None] * 0.1, ["ax"], "m/s^2", rate=10)
    imu.play(level, 0)
    imu.read(119, 0)
    imu.open(Fraction(10), PS, (2, 245))  # a second later, now on a timer at 10 Hz
    assert imu.polled
    got = np.frombuffer(imu.read(3, PS).codes, "<i2").reshape(3, 6)[:, 0]
    expected, _ = part("lsm9ds1").encode(
        np.array([[1.1, 0, 0, 0, 0, 0], [1.2, 0, 0, 0, 0, 0], [1.3, 0, 0, 0, 0, 0]]), (2, 245)
    )
    assert got.tolist() == expected[:, 0].tolist()
    assert imu.statistics().total == 90
    imu.open(119, 20 * PS)  # over by then
    assert imu.read(1, 20 * PS).rest == 1


def test_channels_go_by_name_and_the_missing_ones_rest() -> None:
    imu = SensorChannel(part("lsm9ds1"))
    imu.open(119, 0, (4, 245))
    imu.play(Constant([1, 35], ["az", "gx"], ["g", "deg/s"], duration=1, name="half"), 0)
    assert np.frombuffer(imu.read(1, 0).codes, "<i2").tolist() == [0, 0, 8197, 4000, 0, 0]
    assert imu.warnings == ["imu: half has no ax, ay, gy, gz: lsm9ds1 delivers 0 there"]


def test_too_large_for_the_range_is_said_before_the_run() -> None:
    imu = SensorChannel(part("lsm9ds1"))
    imu.open(10, 0, (2, 245))
    strong = Recording([[1.0, 0, 9], [25, 0, 9], [-30, 0, 9]], AXES, "m/s^2", rate=10, name="strong")
    imu.play(strong, 0)
    assert len(imu.warnings) == 2
    assert re.fullmatch(
        r"imu: strong: 2 of 3 samples of ax are beyond the range of lsm9ds1 \(±19\.6 m/s\^2\), "
        r"the largest -30 m/s\^2: cut off",
        imu.warnings[1],
    )
    got = imu.read(3, 0)
    assert np.frombuffer(got.codes, "<i2").reshape(3, 6)[:, 0].tolist() == [1672, 32767, -32768]
    assert got.saturated == imu.statistics().saturated == 2


@pytest.mark.parametrize(
    ("stimulus", "said"),
    [
        (Constant([1], ["ax"], "deg/s"), r"constant: channel ax: \[deg/s\] is an angular rate, not acceleration"),
        (Constant([1], ["x"], "g"), "channel 'x' is none of lsm9ds1, which has ax.m/s.2., "),
        (Constant([1], ["ax"], "Pa"), r"\[Pa\] is a sound pressure, not acceleration"),
        (Constant([1], ["ax"], "fs"), r"\[fs\] is a share of full scale, not acceleration"),
    ],
)
@pytest.mark.parametrize("opened", [True, False])
def test_what_does_not_fit_is_refused_when_it_is_played(stimulus: Constant, said: str, opened: bool) -> None:
    imu = SensorChannel(part("lsm9ds1"))
    if opened:
        imu.open(119, 0)
    with pytest.raises(UsageError, match=said):
        imu.play(stimulus, 0)


def test_stereo_needs_a_choice() -> None:
    stereo = Recording(np.zeros((10, 2)), ["left", "right"], "fs", rate=16000)
    with pytest.raises(UsageError, match=r"2 channels \(left, right\), but mp34dt05 has one") as caught:
        microphone().play(stereo, 0)
    assert 'select("left")' in str(caught.value)
    microphone().play(stereo.select("right"), 0)


@pytest.mark.parametrize(
    ("name", "rate", "fits"),
    [
        ("lsm9ds1", Fraction("14.9"), True),
        ("lsm9ds1", 10, True),
        ("lsm9ds1", 952, True),
        ("lsm9ds1", 953, False),
        ("lsm9ds1", 0, False),
        ("lsm9ds1", -1, False),
        ("mp34dt05", 16000, True),
        ("mp34dt05", 8000, False),
    ],
)
def test_rates(name: str, rate: float | Fraction, fits: bool) -> None:
    channel = SensorChannel(part(name))
    if fits:
        channel.open(rate, 0)
        assert channel.polled == (rate not in channel.part.rates)
        assert channel.read(1, 0).ready_ps == -(-PS * Fraction(rate).denominator // Fraction(rate).numerator)
    else:
        with pytest.raises(UsageError, match=f"{name} has no rate of"):
            channel.open(rate, 0)


def test_reads_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="before it is open"):
        microphone(open_at=None).read(1, 0)
    with pytest.raises(UsageError, match="read of 0 samples"):
        microphone().read(0, 0)


def test_a_stimulus_shorter_than_a_sample_is_said() -> None:
    imu = SensorChannel(part("lsm9ds1"))
    imu.open(10, 0)
    imu.play(Constant([0, 0, 1], AXES, "g", duration=0.05), 0)
    assert "shorter than one sample at 10 Hz" in imu.warnings[-1]
    assert imu.read(1, 0).rest == 1


def test_a_bad_function_is_named() -> None:
    for function, said in (
        (lambda t: np.zeros(3), "broken: gave shape"),
        (lambda t: np.where(t < 0.5, 0, np.nan), "broken: not a finite value at 0.5"),
    ):
        with pytest.raises(UsageError, match=said):
            microphone().play(Function(function, ["sound"], "fs", duration=1.0, name="broken"), 0)


def test_pending_until_all_is_read() -> None:
    channel = microphone(open_at=None)
    assert not channel.pending()
    channel.play(ramp(10), 0)
    assert channel.pending()  # nothing is open yet, and yet there is something to come
    channel.open(16000, 0)
    channel.read(9, 0)
    assert channel.pending()
    channel.read(1, 0)
    assert not channel.pending()
    channel.play(Constant([0], ["sound"], "Pa"), 0)
    assert not channel.pending()  # without end


def test_board_time() -> None:
    assert cycles_to_ps(64_000_000, 64_000_000) == PS
    assert cycles_to_ps(1, 168_000_000) == 5952
    assert cycles_to_ps(168_000_000 * 3600, 168_000_000) == 3600 * PS
    assert to_ps(0.5) == PS // 2
    assert to_ps(Fraction(1, 3)) == 333_333_333_333


def test_the_page_is_true(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """docs/sensors.md: its code runs, its CSV loads, its table of parts is what the parts say."""
    page = (Path(__file__).parents[2] / "docs/sensors.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(compile(code, "docs/sensors.md", "exec"), names)
    assert capsys.readouterr().out == re.findall(r"```text\n(imu: .*?)```", page, re.S)[0]
    (csv,) = re.findall(r"```csv\n(.*?)```", page, re.S)
    (tmp_path / "running.csv").write_text(csv, encoding="utf-8")
    loaded = Recording.load(tmp_path / "running.csv")
    assert (loaded.name, loaded.rate, loaded.values.shape) == ("running_07", 10.0, (2, 6))
    for name in ("lsm9ds1", "lsm6dso", "mp34dt05"):
        p = part(name)
        (row,) = re.findall(rf"^\| `{name}` \|.*$", page, re.M)
        cells = [c.strip() for c in row.strip("|").split("|")]
        assert cells[1] == f"`{p.slot}`"
        assert cells[2] == f"`{' '.join(p.channels)}`"
        shown = cells[3].removesuffix(" Hz").replace("16 000", "16000").replace("41 667", "41667")
        assert [Fraction(r) for r in shown.split(", ")] == list(p.rates)
        assert int(cells[6]) == p.fifo_depth


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_plays_and_reads_agrees_with_a_sample_by_sample_model(seed: int) -> None:
    """The model keeps, for each sample the part takes, the code that was to be seen then."""
    random = np.random.default_rng(seed)
    channel = microphone()
    codes: dict[int, int] = {}
    now, following, lost = 0, 0, 0
    for _ in range(60):
        now += int(random.integers(0, 60_000_000_000))
        if random.random() < 0.3:
            first = int(random.integers(1, 9000))
            points = int(random.integers(1, 1500))
            recording = Recording(np.arange(first, first + points) / 32768, ["sound"], "fs", rate=16000)
            channel.play(recording, now)
            start = max(now * 16000 // PS, following)
            codes = {i: c for i, c in codes.items() if i < start}
            codes.update({start + i: first + i for i in range(points)})
            continue
        samples = int(random.integers(1, 900))
        got = channel.read(samples, now)
        overrun = max(0, now * 16000 // PS - following - 512)
        indices = range(following + overrun, following + overrun + samples)
        following, lost = indices.stop, lost + overrun
        assert (got.overrun, got.first_index, got.count) == (overrun, indices.start, samples)
        assert mono(got) == [codes.get(i, 0) for i in indices]
        assert got.rest == sum(i not in codes for i in indices)
        assert got.ready_ps == max(now, -(-indices.stop * PS // 16000))
        now = got.ready_ps
    assert channel.statistics().overrun == lost > 0


@pytest.mark.parametrize("given", ["running_07", np.zeros((10, 6)), None, Path("running.csv")])
def test_what_is_no_stimulus_is_said(given: object) -> None:
    """As `boardless run --play running_07` takes a name, a test may try to."""
    with pytest.raises(UsageError, match=rf"microphone: a {type(given).__name__} is no stimulus\n  recording\(NAME\)"):
        Sensor(microphone(), lambda: 0).play(given)  # type: ignore[arg-type]
