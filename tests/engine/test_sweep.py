"""A sweep: a row a combination, those that are refused too; read again by pandas and DuckDB; a picture."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from bare import engine

from sim.cli import main
from sim.errors import SetupError, UsageError
from sim.paths import data_root
from sim.report import json_out
from sim.settings import Settings
from sim.sweep import COLUMNS, Cell, Row, grid, sweep
from sim.sweep.picture import picture
from sim.sweep.table import write_table

SHIPPED = data_root() / "models" / "gesture" / "recordings"
BOARDS = ("nrf5340dk", "stm32f4_discovery")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("set")
    for path in sorted(SHIPPED.glob("*_0[1-4].csv")):
        (top / path.stem.split("_")[0]).mkdir(exist_ok=True)
        shutil.copy(path, top / path.stem.split("_")[0])
    return top


@pytest.fixture(scope="module")
def swept(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two apps on two boards, of which one has no camera; once in one process, once in two."""
    engine()
    top = tmp_path_factory.mktemp("sweep")
    pictures = data_root() / "models" / "image" / "recordings"
    (top / "digits" / "2").mkdir(parents=True)
    shutil.copy(next(pictures.glob("*.npy")), top / "digits" / "2" / "many.npy")
    (top / "digits" / "dataset.toml").write_text("scale = 12\nbackground = 0.1\n")
    words = ["sweep", "gesture", "image", "--data", f"gesture={data}", "--data", f"image={top / 'digits'}"]
    words += [word for board in BOARDS for word in ("--board", board)]
    outputs = ["--out", str(top / "t.csv"), "--picture", str(top / "p.svg"), "--json", str(top / "s.json")]
    assert main([*words, *outputs]) == 0
    assert main([*words, "--jobs", "2", "--json", str(top / "two.json")]) == 0
    return top


@pytest.mark.slow
def test_every_combination_has_a_row(swept: Path) -> None:
    said = json.loads((swept / "s.json").read_text())
    jsonschema.validate(said, json_out.schema("sweep"))
    rows = said["rows"]
    assert [(r["app"], r["board"], r["outcome"]) for r in rows] == [
        ("gesture", "nrf5340dk", "played"),
        ("gesture", "stm32f4_discovery", "played"),
        ("image", "nrf5340dk", "refused"),
        ("image", "stm32f4_discovery", "played"),
    ]
    assert "wants the sensor 'camera', board nrf5340dk has imu" in rows[2]["reason"]
    assert rows[2]["accuracy"] is None
    assert rows[0]["accuracy"] == rows[1]["accuracy"] == rows[3]["accuracy"] == 1
    assert rows[0]["data_sha256"] == rows[1]["data_sha256"]


def test_two_processes_give_the_same_bytes(swept: Path) -> None:
    assert (swept / "two.json").read_bytes() == (swept / "s.json").read_bytes()


def test_the_table_as_csv(swept: Path) -> None:
    with (swept / "t.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [r["outcome"] for r in rows] == ["played", "played", "refused", "played"]
    assert rows[0]["accuracy"] == "1.0"
    assert rows[2]["accuracy"] == ""


def test_the_table_as_parquet_is_read_by_pandas_and_duckdb(swept: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'boardless[table]'")
    pandas = pytest.importorskip("pandas")
    duckdb = pytest.importorskip("duckdb")
    rows = [Row(**r) for r in json.loads((swept / "s.json").read_text())["rows"]]
    path = tmp_path / "t.parquet"
    write_table(rows, path)
    frame = pandas.read_parquet(path)
    assert tuple(frame.columns) == COLUMNS
    assert frame[frame.outcome == "played"].accuracy.tolist() == [1.0, 1.0, 1.0]
    assert frame.accuracy.isna().tolist() == [False, False, True, False]
    found = duckdb.sql(f"select app, count(accuracy), max(latency_max) from '{path}' group by app order by app")
    assert [row[:2] for row in found.fetchall()] == [("gesture", 2), ("image", 1)]
    # A table in which nothing was played has the same columns and types.
    write_table(rows[2:3], tmp_path / "none.parquet")
    kinds = [duckdb.sql(f"describe select * from '{p}'").fetchall() for p in (path, tmp_path / "none.parquet")]
    assert kinds[0] == kinds[1]


def test_the_picture(swept: Path) -> None:
    root = ElementTree.fromstring((swept / "p.svg").read_text())
    texts = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("100.0 %") == 3
    assert "refused" in texts
    assert set(BOARDS) < set(texts)
    titles = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any("wants the sensor 'camera'" in t for t in titles)
    assert "http" not in (swept / "p.svg").read_text().replace("http://www.w3.org/2000/svg", "")


@pytest.mark.slow
def test_a_sweep_that_was_interrupted_goes_on(data: Path) -> None:
    """The first board's recordings come from the journal; the table is the same."""
    engine()
    cells = grid(["gesture"], boards=BOARDS, data=[str(data)], settings=Settings())
    whole = sweep(cells)
    looks: list[tuple[int, int, int]] = []

    def stop(number: int, _cell: Cell, what: str, _done: int, _of: int) -> None:
        if number == 1 and what == "playing":
            raise KeyboardInterrupt

    def look(number: int, _cell: Cell, what: str, done: int, of: int) -> None:
        if what == "playing":
            looks.append((number, done, of))

    with pytest.raises(KeyboardInterrupt):
        sweep(cells, progress=stop)
    assert sweep(cells, progress=look) == whole
    count = len(list(data.glob("*/*.csv")))
    assert [look for look in looks if look[0] == 0] == [(0, count, count)], "nothing is played again"
    assert looks[1] == (1, 0, count)


def test_names_from_outside_stay_text() -> None:
    row = Row("<b>&", "b", "m", "t", "k", "e", "refused", reason='"<script>')
    assert "<script>" not in picture([row])
    ElementTree.fromstring(picture([row]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"apps": ["gestur"]}, "did you mean 'gesture'"),
        ({"apps": []}, "no apps"),
        ({"apps": ["gesture"], "boards": ["nucleo"]}, "unknown board 'nucleo'"),
        ({"apps": ["gesture"], "engines": ["qemi"]}, "did you mean 'qemu'"),
        ({"apps": ["gesture"], "kernels": ["fast"]}, "unknown kernels 'fast'"),
        ({"apps": ["gesture"], "trees": ["/nowhere"]}, "/nowhere"),
        ({"apps": ["gesture"], "models": ["none.tflite"]}, "none.tflite"),
        ({"apps": ["gesture", "image"], "models": ["m.tflite"]}, "for which of gesture, image"),
        ({"apps": ["gesture"], "data": ["a", "b"]}, "two sets for gesture"),
        ({"apps": ["gesture"], "data": ["image=nowhere"]}, "image=nowhere: no such folder"),
    ],
)
def test_a_name_that_is_none_is_told_before_anything_is_built(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        grid(settings=Settings(), **options)


def test_combinations_come_in_the_order_given() -> None:
    model = data_root() / "models" / "hello" / "hello.tflite"
    own = data_root() / "models" / "gesture" / "gesture.tflite"
    cells = grid(["gesture", "image"], boards=["stm32f4_discovery", "nrf5340dk"], kernels=["cmsis-nn", "reference"],
                 models=[f"gesture={own}", f"gesture={model}"], settings=Settings())  # fmt: skip
    assert len(cells) == (2 + 1) * 2 * 2
    first = cells[0]
    assert (first.app, first.model, first.kernels, first.board) == ("gesture", own, "cmsis-nn", "stm32f4_discovery")
    assert {c.model for c in cells if c.app == "image"} == {data_root() / "models" / "image" / "image.tflite"}


def test_an_app_of_ones_own_goes_by_its_folders_name(tmp_path: Path) -> None:
    for top, name in (("a", "mine"), ("a", "other"), ("b", "other")):
        folder = tmp_path / top / name
        folder.mkdir(parents=True)
        (folder / "app.toml").write_text('sensors = ["imu"]\n')
        (folder / "app.cc").touch()
    mine, other, same = (str(tmp_path / n) for n in ("a/mine", "a/other", "b/other"))
    (tmp_path / "set").mkdir()
    cells = grid([mine, other], boards=["nrf5340dk"], data=[f"mine={tmp_path}/set"], settings=Settings())
    assert [c.data for c in cells] == [tmp_path / "set", None]
    cells = grid([other, same], boards=["nrf5340dk"], data=[f"{same}={tmp_path}/set"], settings=Settings())
    assert [c.data for c in cells] == [None, tmp_path / "set"]
    with pytest.raises(UsageError, match="for which of"):
        grid([other, same], boards=["nrf5340dk"], data=[f"other={tmp_path}/set"], settings=Settings())


def test_a_table_that_cannot_be_written_is_told_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"\.parquet or \.csv"):
        write_table([], tmp_path / "t.xlsx")
    monkeypatch.setattr("sim.sweep.table.find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"needs the package pyarrow(.|\n)*boardless\[table\]"):
        write_table([], tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []
