"""Recordings in Parquet, written as pandas and pyarrow write them; every bad one is one clear error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim import Recording
from sim.errors import SetupError, UsageError

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def written(path: Path, columns: dict[str, object], metadata: dict[str, str] | None = None) -> Path:
    table = pyarrow.table(columns).replace_schema_metadata(metadata)
    parquet.write_table(table, path)
    return path


def test_rate_in_the_metadata(tmp_path: Path) -> None:
    path = written(
        tmp_path / "walk.parquet",
        {"ax[m/s^2]": [0.1, 0.2, 0.3], "ay[g]": [1.0, 1.0, 0.5], "gx[deg/s]": [1, 2, 3]},
        {"rate": "10", "source": "watch", "interpolation": "hold"},
    )
    found = Recording.load(path)
    assert (found.name, found.source, found.interpolation) == ("walk", "watch", "hold")
    assert (found.rate, found.channels, found.units) == (10.0, ("ax", "ay", "gx"), ("m/s^2", "g", "deg/s"))
    assert found.values[2].tolist() == [0.3, 0.5, 3.0]


def test_times_in_a_column_and_units_given(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet", {"t[ms]": [0, 10, 20], "current": np.array([1, 2, 3], np.float32)})
    found = Recording.load(path, units="mA")
    assert (found.rate, found.channels, found.units) == (100.0, ("current",), ("mA",))


def test_what_pandas_writes(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"temperature[degC]": [4.0, 4.5]}, index=pandas.Index([5, 7]))
    frame.to_parquet(tmp_path / "p.parquet")
    assert Recording.load(tmp_path / "p.parquet", rate=1).values.tolist() == [[4.0], [4.5]]


@pytest.mark.parametrize(
    ("columns", "metadata", "said"),
    [
        ({"ax[g]": [1.0, float("nan")]}, {"rate": "1"}, "nan at point 1, channel ax"),
        ({"ax[g]": [1.0, None]}, {"rate": "1"}, "column 'ax.g.', row 1: no value"),
        ({"ax[g]": ["a", "b"]}, {"rate": "1"}, "column 'ax.g.' is of string"),
        ({"ax[g]": pyarrow.array([], pyarrow.float64())}, {"rate": "1"}, "is empty"),
        ({"ax[g]": [1.0, 2.0]}, {}, "says no rate"),
        ({"ax[g]": [1.0, 2.0]}, {"rate": "fast"}, "rate is 'fast'"),
        ({"ax": [1.0, 2.0]}, {"rate": "1"}, "says no units"),
        ({"ax[stone]": [1.0, 2.0]}, {"rate": "1"}, "unknown unit 'stone'"),
    ],
)
def test_bad_ones(tmp_path: Path, columns: dict[str, object], metadata: dict[str, str], said: str) -> None:
    path = written(tmp_path / "bad.parquet", columns, metadata)
    with pytest.raises(UsageError, match=said) as caught:
        Recording.load(path)
    assert "bad.parquet" in str(caught.value)


def test_not_parquet_and_not_there(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(UsageError, match="not a Parquet file"):
        Recording.load(tmp_path / "x.parquet")
    with pytest.raises(UsageError, match="no such file"):
        Recording.load(tmp_path / "y.parquet")


def test_without_pyarrow_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet", {"ax[g]": [1.0, 2.0]}, {"rate": "1"})
    monkeypatch.setattr("sim.sensors.recording_parquet.find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"pip install 'boardless\[table\]'"):
        Recording.load(path)
