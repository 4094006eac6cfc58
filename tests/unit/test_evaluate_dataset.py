"""Labelled sets: what is read out of folders, indices and arrays, and each way in which one can be wrong."""

from __future__ import annotations

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import UsageError
from sim.evaluate.dataset import Dataset, dataset
from sim.evaluate.labelled import Labelled, digest
from sim.evaluate.opening import Opening
from sim.evaluate.use import Use
from sim.sensors.frames import Frames
from sim.sensors.parts import part
from sim.sensors.recording import Recording

IMU = Opening("imu", part("lsm9ds1"), Fraction("14.9"), (4.0, 2000.0))
MICROPHONE = Opening("microphone", part("mp34dt05"), Fraction(16000), ())
CAMERA = Opening("camera", part("hm01b0"), Fraction(8), ())
LABELS = ("up", "down")
HEAD = "# rate=10\nax[m/s^2],ay[m/s^2],az[m/s^2]\n"


def read(given: Any, opening: Opening = IMU, labels: tuple[str, ...] = LABELS, **options: Any) -> Dataset:
    rest = {"limit": None, "skip_broken": False, "resample": False, **options}
    return dataset(given, None, opening, labels, progress=lambda done, of: None, **rest)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A set of two labels, two files each; `text` becomes one more, of label `up`."""

    def make(text: str | None = None, name: str = "more.csv") -> Path:
        for label in LABELS:
            (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
            for i in range(2):
                rows = "".join(f"{i},{k},9.8\n" for k in range(20))
                (tmp_path / "set" / label / f"{i}.csv").write_text(HEAD + rows)
        if text is not None:
            (tmp_path / "set" / "up" / name).write_text(text)
        return tmp_path / "set"

    return make


def test_a_folder_a_label(folder: Callable[..., Path]) -> None:
    top = folder()
    (top / "README.md").write_text("lies beside")
    (top / "up" / "notes.txt").write_text("lies beside")
    found = read(top)
    assert [(e.item.name, e.item.label) for e in found.entries] == [
        ("down/0.csv", "down"), ("down/1.csv", "down"), ("up/0.csv", "up"), ("up/1.csv", "up"),
    ]  # fmt: skip
    assert found.entries[0].seconds == 2.0
    # The same content is the same hash, wherever it lies; the label is part of the set's, not of the recording's.
    assert found.entries[0].sha256 == found.entries[2].sha256 != found.entries[1].sha256


def test_an_index_with_events(folder: Callable[..., Path]) -> None:
    top = folder()
    (top / "labels.csv").write_text("file,label,begin,end\nup/1.csv,down,0.5,1.5\nup/0.csv,up,,\n")
    found = read(top)
    assert [(e.item.name, e.item.label, e.item.event) for e in found.entries] == [
        ("up/1.csv", "down", (0.5, 1.5)), ("up/0.csv", "up", None),
    ]  # fmt: skip
    assert read(top / "labels.csv").sha256 == found.sha256


def test_arrays(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    x = np.random.default_rng(1).normal(size=(6, 30, 6))
    units = ["m/s^2"] * 3 + ["deg/s"] * 3
    np.savez(path, X=x, y=[0, 1, 0, 1, 0, 1], labels=np.array(LABELS), rate=10.0, units=units)
    found = read(path)
    assert [e.item.label for e in found.entries] == list(LABELS) * 3
    played = found.entries[2].item.load()
    assert isinstance(played, Recording)
    assert played.rate == 10.0
    assert np.array_equal(played.values, x[2])


def test_pictures(tmp_path: Path) -> None:
    (tmp_path / "set" / "up").mkdir(parents=True)
    np.save(tmp_path / "set" / "up" / "one.npy", np.full((8, 8), 200, np.uint8))
    (tmp_path / "set" / "dataset.toml").write_text("scale = 12\nbackground = 0.1\n")
    played = read(tmp_path / "set", CAMERA).entries[0].item.load()
    assert isinstance(played, Frames)
    assert played.rate == 8.0
    assert played.values.reshape(120, 160)[60, 80] == pytest.approx(200 / 255)
    assert played.values[0, 0] == 0.1
    (tmp_path / "set" / "dataset.toml").write_text("rate = 30\n")
    with pytest.raises(UsageError, match=r"one\.npy: 30 Hz, but hm01b0 runs at 8 Hz: pictures are left out"):
        read(tmp_path / "set", CAMERA)


def test_a_limit_is_evenly_spread(folder: Callable[..., Path]) -> None:
    assert [e.item.name for e in read(folder(), limit=2).entries] == ["down/1.csv", "up/1.csv"]
    assert len(read(folder(), limit=100).entries) == 4


def test_what_is_played_has_the_hash() -> None:
    a = Recording(np.ones((5, 1)), ["sound"], "fs", rate=16000, name="a")
    assert digest(a) == digest(Recording(np.ones((5, 1)), ["sound"], "fs", rate=16000, name="b"))
    assert digest(a) != digest(Recording(np.ones((5, 1)), ["sound"], "Pa", rate=16000))
    assert digest(a) != digest(Recording(np.ones((5, 1)), ["sound"], "fs", rate=8000))
    assert digest(a) != digest(Frames(np.ones((1, 5)), 16000))


ROWS = "".join(f"0,{k},9.8\n" for k in range(20))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "1,nan,9.8\n" + ROWS, r"more\.csv.*nan"),
        (HEAD, r"more\.csv.*empty"),
        ("", r"more\.csv.*empty"),
        (HEAD + "1,2\n", r"more\.csv, line 3: 2 values, but 3 columns"),
        ("# rate=10\nax[m/s^2],ay[m/s^2],temp[degC]\n" + ROWS, r"more\.csv: .*temp"),
        (HEAD.replace("10", "12") + ROWS, r"more\.csv: 12 Hz, but down/0\.csv has 10 Hz"),
        (HEAD + "1,2,3\n", None),  # 0.1 s: one sample at 14.9 Hz
        (HEAD.replace("10", "30") + "1,2,3\n", r"more\.csv: 30 Hz, but lsm9ds1 .* 14\.9 Hz: above 7\.45 Hz it aliases"),
        ("ax[m/s^2],ay[m/s^2],az[m/s^2]\n" + ROWS, r"more\.csv: says no rate"),
        ("\x00\x01\x02", r"more\.csv"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_or_skipped(folder: Callable[..., Path], text: str, said: str | None) -> None:
    top = folder(text)
    if said is None:
        assert len(read(top).entries) == 5
        return
    with pytest.raises(UsageError, match=said) as caught:
        read(top)
    assert "\n  " in str(caught.value), "says what to do"
    found = read(top, skip_broken=True)
    assert len(found.entries) == 4
    assert [s.name for s in found.skipped] == ["up/more.csv"]


def test_a_recording_shorter_than_a_sample_has_nothing_to_play(folder: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match=r"more\.csv: 0\.0333333 s are shorter than one sample at 14\.9 Hz"):
        read(folder(HEAD.replace("10", "30") + "1,2,3\n"), resample=True)


def test_other_files_are_named(folder: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match=r"more\.mp3: not a kind of recording"):
        read(folder("ID3", "more.mp3"))


def test_a_label_that_the_model_does_not_know(folder: Callable[..., Path]) -> None:
    top = folder()
    (top / "up").rename(top / "upp")
    with pytest.raises(UsageError, match=r"upp/0\.csv is labelled 'upp'.*\n.*did you mean 'up'"):
        read(top)
    with pytest.raises(UsageError, match="'upp'"):  # no broken file, but a wrong set
        read(top, skip_broken=True)
    assert len(read(top, labels=()).entries) == 4


def test_sound_above_the_parts_rate_aliases_unless_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    with wave.open(str(tmp_path / "up" / "loud.wav"), "wb") as file:
        file.setparams((1, 2, 44100, 0, "NONE", ""))
        file.writeframes(np.zeros(4410, "<i2").tobytes())
    with pytest.raises(UsageError, match=r"loud\.wav: 44100 Hz, but mp34dt05 runs at 16000 Hz.*\n.*--resample"):
        read(tmp_path, MICROPHONE)
    assert len(read(tmp_path, MICROPHONE, resample=True).entries) == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "no such folder or file"),
        (lambda p: p.mkdir(), "neither labels.csv nor a folder for each label"),
        (lambda p: (p / "up").mkdir(parents=True), "there is no recording in it"),
        (lambda p: p.write_text("x"), "not a set of recordings"),
    ],
)
def test_no_set_at_all(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    make(tmp_path / "set")
    with pytest.raises(UsageError, match=said):
        read(tmp_path / "set")


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("name,label\na.csv,up\n", "columns name, label"),
        ("file,label\nup/0.csv,\n", "line 2: a value is missing"),
        ("file,label\nup/0.csv\n", "line 2: a value is missing"),
        ("file,label,begin,end\nup/0.csv,up,2,1\n", "line 2: an event from '2' to '1'"),
        ("file,label,begin,end\nup/0.csv,up,0,99\n", "its event ends at 99 s, it has 2 s"),
        ("file,label\nup/none.csv,up\n", r"none\.csv: no such file"),
        ("", "columns"),
    ],
)
def test_a_wrong_index(folder: Callable[..., Path], index: str, said: str) -> None:
    top = folder()
    (top / "labels.csv").write_text(index)
    with pytest.raises(UsageError, match=said):
        read(top)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"X": np.zeros((2, 9, 6))}, "has no array 'y'"),
        ({"X": np.zeros((2, 9, 6)), "y": np.zeros(3, int)}, "a label for each row"),
        ({"X": np.zeros((2, 9, 6)), "y": np.array([0, 7]), "labels": np.array(LABELS)}, "indices into labels"),
        ({"X": np.zeros((2, 9, 6)), "y": np.array(["up", "up"]), "rat": 10.0}, "unknown key 'rat'.*\n.*'rate'"),
        ({"X": np.zeros((2, 9, 4)), "y": np.array(["up", "up"]), "rate": 10.0}, r"set\.npz: row 0: values of shape"),
        ({"X": np.full((2, 9, 6), np.nan), "y": np.array(["up", "up"]), "rate": 10.0}, "row 0: nan at point 0"),
    ],
)
def test_wrong_arrays(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(UsageError, match=said):
        read(tmp_path / "set.npz")


def test_a_file_that_is_no_npz(tmp_path: Path) -> None:
    (tmp_path / "set.npz").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(UsageError, match=r"set\.npz: not a \.npz file"):
        read(tmp_path / "set.npz")


def test_the_same_in_python() -> None:
    good = Recording(np.zeros((30, 3)), ["ax", "ay", "az"], "m/s^2", rate=10)
    assert len(read([Labelled("one", good, "up"), Labelled("two", lambda: good, "down")]).entries) == 2
    with pytest.raises(UsageError, match="made of Labelled, not of tuple"):
        read([("one", good, "up")])
    with pytest.raises(UsageError, match="one: a float cannot be in a set"):
        read([Labelled("one", lambda: 1.0, "up")])  # type: ignore[arg-type,return-value]


def test_a_models_own_folder(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("LABEL = 'up'\n")
    (tmp_path / "evaluate.py").write_text(
        "import numpy as np\n"
        "from sim.evaluate import Labelled\n"
        "from sim.sensors.recording import Recording\n"
        "from . import neighbour\n"
        "def recordings():\n"
        "    yield Labelled('one', Recording(np.zeros((30, 1)), ['ax'], 'm/s^2', rate=10), neighbour.LABEL)\n"
    )
    use = Use.of(tmp_path)
    assert use is not None
    options = {"limit": None, "skip_broken": False, "resample": False, "progress": lambda done, of: None}
    found = dataset(None, use, IMU, LABELS, **options)
    assert [e.item.label for e in found.entries] == ["up"]
    assert use.host is None


def test_a_models_folder_that_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "evaluate.py").write_text("import there_is_no_such_module\n")
    with pytest.raises(UsageError, match=r"evaluate\.py: cannot be loaded: ModuleNotFoundError"):
        Use.of(tmp_path)


def test_nobody_says_which_set() -> None:
    with pytest.raises(UsageError, match=r"which set\?.*\n.*--data"):
        read(None)


def test_of_two_rates_the_usual_one_stays(folder: Callable[..., Path]) -> None:
    """The odd one comes first: it is left out, not all the others."""
    top = folder()
    (top / "down" / "0.csv").write_text(HEAD.replace("10", "12") + ROWS)
    with pytest.raises(UsageError, match=r"down/1\.csv: 10 Hz, but down/0\.csv has 12 Hz"):
        read(top)
    found = read(top, skip_broken=True)
    assert [e.item.name for e in found.entries] == ["down/1.csv", "up/0.csv", "up/1.csv"]
    assert [s.name for s in found.skipped] == ["down/0.csv"]


def test_a_link_into_nowhere_is_a_broken_file(folder: Callable[..., Path]) -> None:
    top = folder()
    (top / "up" / "annexed.csv").symlink_to("nowhere/annexed.csv")
    with pytest.raises(UsageError, match=r"annexed\.csv: no such file"):
        read(top)
    assert [s.name for s in read(top, skip_broken=True).skipped] == ["up/annexed.csv"]


def test_channels_are_selected(tmp_path: Path) -> None:
    """The sound of a stereo file; a column that the sensor has not."""
    (tmp_path / "up").mkdir()
    with wave.open(str(tmp_path / "up" / "both.wav"), "wb") as file:
        file.setparams((2, 2, 16000, 0, "NONE", ""))
        file.writeframes(np.array([[1, -1], [2, -2]], "<i2").tobytes())
    with pytest.raises(UsageError, match=r"both\.wav: .*\n.*select = \[\"left\"\] in dataset\.toml"):
        read(tmp_path, MICROPHONE)
    (tmp_path / "dataset.toml").write_text('select = ["right"]\n')
    played = read(tmp_path, MICROPHONE).entries[0].item.load()
    assert (played.values[:, 0] * 32768).tolist() == [-1, -2]
    (tmp_path / "dataset.toml").write_text("select = [1]\n")
    with pytest.raises(UsageError, match=r"dataset\.toml: select is \[1\]"):
        read(tmp_path, MICROPHONE)
    (tmp_path / "dataset.toml").write_text('select = ["middle"]\n')
    with pytest.raises(UsageError, match=r"both\.wav: .*no channel 'middle'"):
        read(tmp_path, MICROPHONE)


def test_endings_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    np.save(tmp_path / "up" / "one.npy", np.zeros((2, 8, 8)))
    (tmp_path / "up" / "one.npy").rename(tmp_path / "up" / "ONE.NPY")
    assert [e.seconds for e in read(tmp_path, CAMERA).entries] == [0.25]
