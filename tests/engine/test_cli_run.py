"""`boardless run` and its exit codes: 0 passed, 1 the firmware failed; and every --json against its schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from bare import engine
from bench import EXIT, FAULT, HALF_LINE, SAY, bench_elf

from sim.cli import COMMANDS, main
from sim.model import Model
from sim.paths import data_root
from sim.report.json_out import schema

MODEL = str(data_root() / "models" / "gesture" / "gesture.tflite")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    engine()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def result(kind: str, *words: str, code: int = 0) -> dict[str, Any]:
    """What that command writes as JSON, valid by its schema."""
    jsonschema = pytest.importorskip("jsonschema")
    assert main([kind, *words, "--json", "r.json"]) == code
    data: dict[str, Any] = json.loads(Path("r.json").read_text(encoding="utf-8"))
    rules = schema(kind)
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.validate(data, rules)
    for key in data:
        assert key in rules["properties"], f"{kind}.json does not say what {key!r} is"
    return data


def test_every_command_has_a_schema() -> None:
    folder = Path(__file__).resolve().parents[2] / "sim" / "report" / "schemas"
    assert set(COMMANDS) <= {path.stem for path in folder.glob("*.json")}


def test_firmware_that_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_elf(folder)
    data = result("run", "bench.elf", "--play", "running_07", "--for", "3 s")
    out = capsys.readouterr().out
    assert "[0.000" in out
    assert "bench" in out.splitlines()[0]
    assert "decided moving" in out
    assert "imu: 368 of 1190 samples of running_07" in out
    assert out.splitlines()[-1] == "22 decisions in 3.000 s of board time"
    assert data["outcome"] == "passed"
    assert [line["text"] for line in data["console"]][:2] == ["bench", "tick 001"]
    assert len(data["decisions"]) == 22
    assert "tflm" not in data  # it was not built here


def test_lines_are_in_the_order_of_board_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_elf(folder)
    assert main(["run", "bench.elf", "--for", "2 s"]) == 0
    times = [float(x[1:].split()[0]) for x in capsys.readouterr().out.splitlines() if x.startswith("[")]
    assert len(times) == 1 + 2 * 14
    assert times == sorted(times)


def test_to_the_end_of_the_recording(folder: Path) -> None:
    bench_elf(folder)
    data = result("run", "bench.elf", "--play", "running_07", "-q")
    assert data["board_time"] == pytest.approx(10, abs=0.2)


def test_firmware_that_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_elf(folder, FAULT)
    data = result("run", "bench.elf", code=1)
    out, err = capsys.readouterr()
    assert err.startswith("boardless run: BusFault")
    assert "backtrace:" in err
    assert "Traceback" not in err
    assert [line[13:] for line in out.splitlines()][-1] == "tick 001"  # all that came before is shown
    assert data["outcome"] == "failed"
    assert data["failure"]["reason"].startswith("BusFault")
    assert data["console"][0]["text"] == "bench"


def test_firmware_that_ends(folder: Path) -> None:
    bench_elf(folder, EXIT)
    data = result("run", "bench.elf", code=1)
    assert data["exit_code"] == 3
    assert data["failure"]["reason"] == "the firmware ended its run with code 3 (bl_exit)"
    assert [line["text"] for line in data["console"]] == ["bench", "tick 001"]


def test_a_line_without_end_is_shown_at_the_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_elf(folder, HALF_LINE)
    assert main(["run", "bench.elf", "--for", "200 ms"]) == 0
    assert "] no end\n" in capsys.readouterr().out


def test_text_that_is_not_ascii(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_elf(folder, SAY)
    assert main(["run", "bench.elf", "--for", "1 s"]) == 0
    assert "] 21 °C\n" in capsys.readouterr().out


def test_json_on_standard_output_is_all_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_elf(folder)
    assert main(["run", "bench.elf", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["board"] == "arduino_nano_33_ble"


def test_invoke(folder: Path) -> None:
    shape = Model.load(MODEL).inputs[0].shape
    np.save("x.npy", np.random.default_rng(3).integers(-128, 128, (3, *shape), np.int8))
    first = result("invoke", MODEL, "--inputs", "x.npy", "--outputs", "y.npy")
    assert first["runs"] == 3
    assert np.load("y.npy").shape[0] == 3
    assert result("invoke", MODEL, "-i", "x.npy", "-o", "z.npy") == first
    assert Path("y.npy").read_bytes() == Path("z.npy").read_bytes()


def test_build(folder: Path) -> None:
    data = result("build", "gesture", "-o", "g.elf")
    assert data["elf"] == "g.elf"
    again = result("run", "g.elf", "--play", "walking_03", "-q")
    assert again["firmware_sha256"] == data["firmware_sha256"]
    assert {d["label"] for d in again["decisions"]} == {"walking"}


def test_demo(capsys: pytest.CaptureFixture[str]) -> None:
    data = result("demo", "--out", "pictures")
    gesture, image = data["uses"]
    assert (gesture["right"], len(gesture["items"]), len(image["items"])) == (8, 8, 20)
    assert image["right"] >= 18  # one of them is a five that looks like a nine
    out = capsys.readouterr().out
    assert "8 of 8 right" in out
    assert f"{image['right']} of 20 right" in out
    for use in data["uses"]:
        picture = ElementTree.parse(use["picture"]).getroot()
        assert picture.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(list(picture)) > 50
        assert "href" not in Path(use["picture"]).read_text(encoding="utf-8")  # nothing from anywhere else


def test_the_others(folder: Path) -> None:
    assert result("inspect", MODEL)["model"]["file"] == "gesture.tflite"
    assert len(result("boards")["boards"]) >= 4
    assert result("doctor")["works"] is True
    assert result("port")["version"] == 1
    assert result("init", "fw")["board"] == "arduino_nano_33_ble"


def test_what_does_not_fit_the_sensor_is_said_plainly(folder: Path) -> None:
    """A recording beyond the range of the part: a line on standard error, before the decisions; and it runs."""
    rows = "".join(f"{200 if i == 40 else 0},0,9.81\n" for i in range(100))
    (folder / "hard.csv").write_text(f"# rate=10\nax[m/s^2],ay[m/s^2],az[m/s^2]\n{rows}")
    command = [sys.executable, "-m", "sim", "run", "gesture", "--play", "hard.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert said.startswith(
        "boardless: warning: imu: hard: 3 of 149 samples of ax are beyond the range of lsm9ds1 (±39."
    )
    assert "values saturated" in done.stdout
