"""Recordings: files of each kind, what lies between points, and files that are not right."""

from __future__ import annotations

import json
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from sim.errors import UsageError
from sim.sensors.recording import Recording
from sim.sensors.stimulus import Constant, Function, Stimulus

CSV = """# name=walk
# a remark
# rate=10
ax[m/s^2],ay[g],gz[dps]
1,2,3
4,5,6
"""


def at(recording: Recording, *times: float) -> list[float]:
    return recording.sample(np.array(times))[:, 0].tolist()


def test_points_lines_and_steps() -> None:
    line = Recording([10.0, 20.0, 40.0], ["ax"], "g", rate=2)  # points at 0.5, 1.0, 1.5 s
    assert line.duration == 1.5
    assert at(line, 0.1, 0.5, 0.75, 1.0, 1.25, 1.5) == [10, 10, 15, 20, 30, 40]
    hold = Recording([10.0, 20.0, 40.0], ["ax"], "g", rate=2, interpolation="hold")
    assert at(hold, 0.1, 0.5, 0.75, 0.99, 1.0, 1.49, 1.5) == [10, 10, 10, 10, 20, 20, 40]


@pytest.mark.parametrize("rate", [10.0, 59.5, 16000.0, 14.9, 41667.0])
def test_at_its_own_rate_it_is_its_points(rate: float) -> None:
    values = np.random.default_rng(0).normal(size=(20000, 2))
    recording = Recording(values, ["ax", "ay"], "g", rate=rate)
    times = np.arange(1, 20001) / rate
    assert np.array_equal(recording.sample(times), values)


def test_times_of_its_own() -> None:
    even = Recording([1.0, 2.0, 3.0], ["ax"], "g", times=[5.0, 5.1, 5.2])
    assert even.times is None
    assert even.rate == pytest.approx(10)
    uneven = Recording([0.0, 10.0, 20.0, 30.0], ["ax"], "g", times=[5.0, 5.1, 5.2, 5.5])
    assert uneven.rate is None
    assert uneven.duration == pytest.approx(0.6)  # the first point one usual step after 0
    assert at(uneven, 0.05, 0.1, 0.15, 0.2, 0.45) == pytest.approx([0, 0, 5, 10, 25])


def test_csv_with_a_rate(tmp_path: Path) -> None:
    file = tmp_path / "walk.csv"
    file.write_text(CSV)
    r = Recording.load(file)
    assert (r.name, r.rate, r.channels, r.units) == ("walk", 10.0, ("ax", "ay", "gz"), ("m/s^2", "g", "deg/s"))
    assert r.values.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert r.source == "walk.csv"
    assert r.interpolation == "linear"


def test_csv_with_times(tmp_path: Path) -> None:
    file = tmp_path / "w.csv"
    file.write_text("t[ms],ax[g]\n1000,1\n1100,2\n1200,3\n")
    assert Recording.load(file).rate == pytest.approx(10)
    file.write_text("t[s],ax[g]\n0,1\n0.1,2\n0.9,3\n")
    assert Recording.load(file).rate is None
    assert Recording.load(file, rate=50).rate == 50


def test_arguments_complete_and_replace(tmp_path: Path) -> None:
    file = tmp_path / "w.csv"
    file.write_text("x,y\n1,2\n")
    r = Recording.load(file, rate=5, channels=["ax", "ay"], units="g", interpolation="hold")
    assert (r.rate, r.channels, r.units, r.interpolation) == (5.0, ("ax", "ay"), ("g", "g"), "hold")


def test_npy_with_a_sidecar(tmp_path: Path) -> None:
    file = tmp_path / "w.npy"
    np.save(file, np.arange(6, dtype=np.float32).reshape(3, 2))
    said = {"rate": 25, "channels": ["ax", "ay"], "units": ["g", "m/s^2"], "name": "n", "source": "s"}
    (tmp_path / "w.json").write_text(json.dumps(said))
    r = Recording.load(file)
    assert (r.rate, r.channels, r.units, r.name, r.source) == (25, ("ax", "ay"), ("g", "m/s^2"), "n", "s")
    assert r.values.dtype == np.float64
    assert r.values.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_npz(tmp_path: Path) -> None:
    file = tmp_path / "w.npz"
    np.savez(file, values=np.ones((4, 1)), rate=100, channels=["ax"], units="g", name="n")
    r = Recording.load(file)
    assert (r.rate, r.channels, r.units, r.name) == (100, ("ax",), ("g",), "n")
    np.savez(file, values=np.ones((3, 1)), times=[0, 1, 5], channels=["ax"], units=["g"])
    assert Recording.load(file).rate is None


def sound(path: Path, channels: int, width: int = 2, frames: bytes = b"") -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(16000)
        out.writeframes(frames)
    return path


def test_wav(tmp_path: Path) -> None:
    codes = np.array([0, 1, -1, 32767, -32768, 1234], dtype="<i2")
    r = Recording.load(sound(tmp_path / "m.wav", 1, frames=codes.tobytes()))
    assert (r.rate, r.channels, r.units) == (16000, ("sound",), ("fs",))
    assert (r.values[:, 0] * 32768).tolist() == codes.tolist()
    r = Recording.load(sound(tmp_path / "s.wav", 2, frames=codes.tobytes()))
    assert r.channels == ("left", "right")
    assert (r.select("right").values[:, 0] * 32768).tolist() == [1, 32767, 1234]


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_wav_of_other_widths(tmp_path: Path, bits: int) -> None:
    """All that a width can tell apart arrives: full scale is -1, one step is 2 ** (1 - bits)."""
    steps = [-(1 << bits - 1), -1, 0, 1, (1 << bits - 1) - 1, 5]
    raw = b"".join((v + 128 * (bits == 8)).to_bytes(bits // 8, "little", signed=bits > 8) for v in steps)
    plain = sound(tmp_path / "a.wav", 2, bits // 8, raw)
    r = Recording.load(plain)
    assert (r.values.ravel() * 2 ** (bits - 1)).tolist() == steps
    # As most tools write 24 bits: "extensible", the kind behind it, and a chunk that nobody asked for, of odd length.
    head, data = plain.read_bytes()[20:36], plain.read_bytes()[44:]
    more = b"\xfe\xff" + head[2:] + struct.pack("<HHI", 22, bits, 3) + b"\1\0" + bytes(14)
    chunks = b"LIST\3\0\0\0abc\0" + b"fmt " + struct.pack("<I", len(more)) + more
    chunks += b"data" + struct.pack("<I", len(data)) + data
    (tmp_path / "b.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    assert np.array_equal(Recording.load(tmp_path / "b.wav").values, r.values)


def test_wav_of_floats(tmp_path: Path) -> None:
    values = np.array([0.5, -1.25, 0.1], "<f4")
    head = struct.pack("<HHIIHH", 3, 1, 16000, 64000, 4, 32)
    chunks = b"fmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", 12) + values.tobytes()
    (tmp_path / "f.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    assert Recording.load(tmp_path / "f.wav").values[:, 0].tolist() == values.tolist()
    streamed = chunks.replace(b"data\x0c\0\0\0", b"data\xff\xff\xff\xff")  # the length was not known
    (tmp_path / "f.wav").write_bytes(b"RIFF" + b"\xff" * 4 + b"WAVE" + streamed)
    assert len(Recording.load(tmp_path / "f.wav").values) == 3
    values[1] = np.nan
    (tmp_path / "f.wav").write_bytes(
        b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks[:-12] + values.tobytes()
    )
    with pytest.raises(UsageError, match="nan at point 1"):
        Recording.load(tmp_path / "f.wav")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty: no line of numbers"),
        ("# rate=10\nax[g]\n", "is empty: no line of numbers"),
        ("# rate=10\nax[g]\n1\nnan\n", "line 4: ax[g]: nan is not a finite number"),
        ("# rate=10\nax[g]\n1\n-inf\n", "line 4: ax[g]: -inf is not a finite number"),
        ("# rate=10\nax[g],ay[g]\n1,\n", "line 3: ay[g]: '' is not a number"),
        ("# rate=10\nax[g]\n1;2\n", "line 3: ax[g]: '1;2' is not a number"),
        ("# rate=10\nax[g],ay[g]\n1,2\n1,2,3\n", "line 4: 3 values, but 2 columns"),
        ("# rate=10\nax[grams]\n1\n", "channel ax: unknown unit 'grams'"),
        ("# rate=10\nax[g],ay\n1,2\n", "column 'ay' has no unit"),
        ("# rate=10\nax,ay\n1,2\n", "says no units"),
        ("# rate=10\n1,2\n3,4\n", "the first line must name the columns, but has '1'"),
        ("# rate=10\nax[g],ax[g]\n1,2\n", "each channel needs a name of its own"),
        ("# rate=ten\nax[g]\n1\n", "line 1: rate: 'ten' is not a number"),
        ("# rate=0\nax[g]\n1\n", "a rate of 0.0 Hz"),
        ("# rat=10\nax[g]\n1\n", "line 1: unknown key 'rat'"),
        ("# Rate=10\nax[g]\n1\n", "line 1: unknown key 'Rate'"),
        ("# date=10\nax[g]\n1\n", "says no rate"),
        ("# rate=10\n# interpolation=cubic\nax[g]\n1\n", "unknown interpolation 'cubic'"),
        ("ax[g]\n1\n", "says no rate"),
        ("t[h],ax[g]\n1,2\n", "column t has unit [h]"),
        ("t[s]\n1\n2\n", "there is no column but t"),
        ("t[s],ax[g]\n1,1\n", "one point has no rate"),
        ("t[s],ax[g]\n0,1\n1,1\n1,1\n", "time 1.0 s at point 2 is not after 1.0 s"),
    ],
)
def test_a_bad_csv_is_refused_with_file_and_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        Recording.load(file)
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)


def test_other_bad_files(tmp_path: Path) -> None:
    def refused(name: str, data: bytes, said: str, **given: object) -> None:
        file = tmp_path / name
        file.write_bytes(data)
        with pytest.raises(UsageError) as caught:
            Recording.load(file, **given)  # type: ignore[arg-type]
        assert str(tmp_path) in str(caught.value)
        assert said in str(caught.value)

    refused("a.csv", b"\xff\xfe\x00", "not a text file in UTF-8")
    refused("a.npy", b"nonsense", "not an array file of numpy")
    refused("a.npy", b"", "not an array file of numpy")
    refused("a.npz", b"nonsense", "not a .npz file of numpy")
    refused("a.wav", b"RIFF", "not a WAV file")
    refused("a.wav", b"", "not a WAV file")
    refused("a.mp3", b"", "not a kind of recording that can be read")
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    refused("o.npy", (tmp_path / "o.npy").read_bytes(), "not an array file of numpy")
    np.save(tmp_path / "g.npy", np.ones((2, 2)))
    good = (tmp_path / "g.npy").read_bytes()
    refused("g.npy", good[:-3], "not an array file of numpy")
    refused("g.npy", good, "says no channels")
    refused("g.npy", good, "says no units", channels=["ax", "ay"])
    refused("g.npy", good, "says no rate", channels=["ax", "ay"], units="g")
    refused("g.npy", good, "values of shape (2, 2) for 3 channels", channels=["a", "b", "c"], units="g", rate=1.0)
    (tmp_path / "g.json").write_text('{"rate": "10"}')
    refused("g.npy", good, "rate is '10'")
    (tmp_path / "g.json").write_text('{"rats": 10}')
    refused("g.npy", good, "unknown key 'rats'")
    (tmp_path / "g.json").write_text("{")
    refused("g.npy", good, "not a JSON file")
    np.save(tmp_path / "n.npy", np.array([1.0, np.nan]))
    refused("n.npy", (tmp_path / "n.npy").read_bytes(), "nan at point 1", channels=["ax"], units="g", rate=1.0)
    np.save(tmp_path / "t.npy", np.array(["x"]))
    refused("t.npy", (tmp_path / "t.npy").read_bytes(), "not numbers", channels=["ax"], units="g", rate=1.0)
    np.savez(tmp_path / "k.npz", value=np.ones(3))
    refused("k.npz", (tmp_path / "k.npz").read_bytes(), "has no array `values`")
    whole = sound(tmp_path / "w.wav", 1, 2, b"abcd").read_bytes()
    refused("5.wav", sound(tmp_path / "5.wav", 5, 2, b"abcdefghij").read_bytes(), "PCM of 16 bits, 5 channels")
    refused("u.wav", whole.replace(b"\x10\0\0\0\1\0", b"\x10\0\0\0\7\0"), "format 7 of 16 bits, 1 channels")
    refused("h.wav", whole[:30], "cut short: 10 of 16 bytes of 'fmt '")
    refused("c.wav", whole[:-2], "cut short: 2 of 4 bytes of 'data'")
    refused("f.wav", whole[:12], "it has no format")
    refused("d.wav", whole[:36], "it has no sound")
    refused("e.wav", sound(tmp_path / "e.wav", 1).read_bytes(), "is empty")


def test_a_missing_file_gets_near_names(tmp_path: Path) -> None:
    (tmp_path / "running_07.csv").write_text(CSV)
    with pytest.raises(UsageError, match="no such file") as caught:
        Recording.load(tmp_path / "runing_07.csv")
    assert "'running_07.csv'" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no rate"),
        ({"rate": 1.0, "times": [1.0]}, "both a rate and times"),
        ({"rate": -1.0}, "a rate of -1.0 Hz"),
        ({"times": [1.0, 2.0]}, "2 times for 1 points"),
        ({"rate": 1.0, "interpolation": "Linear"}, "unknown interpolation"),
    ],
)
def test_what_does_not_fit_together(given: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Recording([1.0], ["ax"], "g", **given)  # type: ignore[arg-type]


def test_it_does_not_change_afterwards() -> None:
    mine = np.ones((3, 1))
    r = Recording(mine, ["ax"], "g", rate=1)
    mine[:] = 5
    assert r.values.tolist() == [[1], [1], [1]]
    with pytest.raises(ValueError, match="read-only"):
        r.values[0, 0] = 2


def test_select_and_renamed() -> None:
    r = Recording([[1.0, 2.0], [3.0, 4.0]], ["acc_x", "acc_y"], ["g", "mg"], times=[0, 1], name="n", source="s")
    chosen = r.select("acc_y")
    assert (chosen.channels, chosen.units, chosen.values.tolist()) == (("acc_y",), ("mg",), [[2], [4]])
    assert (chosen.name, chosen.source, chosen.duration) == ("n", "s", r.duration)
    assert r.renamed(acc_x="ax").channels == ("ax", "acc_y")
    with pytest.raises(UsageError, match="no channel 'acc_z'"):
        r.select("acc_z")
    with pytest.raises(UsageError, match="no channel 'x'"):
        r.renamed(x="ax")


def test_selecting_keeps_uneven_times() -> None:
    r = Recording([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], ["ax", "ay"], "g", times=[0, 1, 5])
    assert r.select("ay").duration == r.duration
    assert r.select("ay").sample(np.array([3.5])).tolist() == r.sample(np.array([3.5]))[:, 1:].tolist()


def test_all_kinds_are_stimuli() -> None:
    for s in (
        Recording([1.0], ["ax"], "g", rate=1),
        Constant([1], ["ax"], "g"),
        Function(lambda t: t, ["ax"], "g"),
    ):
        assert isinstance(s, Stimulus)
        assert s.sample(np.array([0.5, 1.0])).shape == (2, 1)


def test_bad_functions_and_constants() -> None:
    with pytest.raises(UsageError, match="a duration of 0 s"):
        Constant([1], ["ax"], "g", duration=0)
    with pytest.raises(UsageError, match="a duration of -1 s"):
        Function(lambda t: t, ["ax"], "g", duration=-1)
    with pytest.raises(UsageError, match="2 channels need 2 finite values"):
        Constant([1], ["ax", "ay"], "g")
    with pytest.raises(UsageError, match="1 channels but 2 units"):
        Constant([1], ["ax"], ["g", "g"])
    with pytest.raises(UsageError, match="unknown unit 'furlong'"):
        Constant([1], ["ax"], "furlong")
