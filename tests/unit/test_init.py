"""`boardless init`: what it writes, and that it never overwrites."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path

import pytest

from sim import needs, project
from sim.boards import Board
from sim.cli import main
from sim.errors import UsageError
from sim.paths import data_root
from sim.settings import Settings

SCHEMA = Path(project.__file__).parent / "report" / "schemas" / "init.json"
HELLO = data_root() / "models" / "hello" / "hello.tflite"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no settings from outside."""
    for name in ("BOARD", "ENGINE", "TFLM", "KERNELS", "BOARDS", "QEMU"):
        monkeypatch.delenv(f"BOARDLESS_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_default_project(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "fw"]) == 0
    assert files_below(here / "fw") == [
        ".github/workflows/firmware.yml",
        ".gitlab-ci.yml",
        "README.md",
        "boardless.toml",
        "requirements.txt",
        "tests/test_firmware.py",
    ]
    out = capsys.readouterr().out
    assert out.splitlines()[-2:] == ["  cd fw", "  pytest"]


def test_model_project_has_the_model(here: Path) -> None:
    assert main(["init", "fw", "--model", str(HELLO), "--board", "nucleo_l152re"]) == 0
    assert (here / "fw/models/hello.tflite").read_bytes() == HELLO.read_bytes()
    assert "models/hello.tflite" in (here / "fw/tests/test_model.py").read_text()
    assert not (here / "fw/tests/test_firmware.py").exists()
    assert Settings.load(start=here / "fw").board == "nucleo_l152re"


@pytest.mark.parametrize("arguments", [[], ["--model", str(HELLO)]], ids=["gesture", "model"])
def test_every_file_is_sound(here: Path, arguments: list[str]) -> None:
    assert main(["init", *arguments]) == 0
    for name in files_below(here):
        if name.endswith(".tflite"):
            continue
        text = (here / name).read_text()
        assert not project._BLANK.search(text), name
        assert all(line == line.rstrip() for line in text.splitlines()), name
        if name.endswith(".py"):
            ast.parse(text)
        if name.endswith(".toml"):
            tomllib.loads(text)


def test_ci_files_are_yaml_with_all_packages(here: Path) -> None:
    yaml = pytest.importorskip("yaml")
    assert main(["init"]) == 0
    gitlab = yaml.safe_load((here / ".gitlab-ci.yml").read_text())["firmware"]
    install = next(line for line in gitlab["before_script"] if "install -qq" in line).split()
    for need in needs.NEEDS:
        assert set(need.debian[0].split()) <= set(install)
    assert gitlab["script"] == ["pytest -n auto --junitxml=report.xml"]
    github = yaml.safe_load((here / ".github/workflows/firmware.yml").read_text())
    steps = [step.get("run", step.get("uses")) for step in github["jobs"]["test"]["steps"]]
    assert any("qemu-system-arm" in step for step in steps)
    assert "pytest -n auto --junitxml=report.xml" in steps
    assert "${{ runner.os }}" in (here / ".github/workflows/firmware.yml").read_text()


def test_nothing_is_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "README.md").write_text("mine")
    (here / "tests").mkdir()
    (here / "tests/test_firmware.py").write_text("mine too")
    (here / "boardless.toml").symlink_to("nowhere")
    assert main(["init"]) == 2
    error = capsys.readouterr().err
    for name in ("README.md", "tests/test_firmware.py", "boardless.toml"):
        assert name in error
    assert ".gitlab-ci.yml" not in error
    assert (here / "README.md").read_text() == "mine"
    assert sorted(p.name for p in here.iterdir()) == ["README.md", "boardless.toml", "tests"]


def test_a_bad_model_is_refused_before_anything_is_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.tflite").write_bytes(b"no model at all, and longer than a header")
    assert main(["init", "fw", "--model", "bad.tflite"]) == 2
    assert "bad.tflite" in capsys.readouterr().err
    assert not (here / "fw").exists()


def test_unknown_board(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "fw", "--board", "arduino_nano_33_bel"]) == 2
    assert "arduino_nano_33_ble" in capsys.readouterr().err
    assert not (here / "fw").exists()


def own_board(folder: Path, *, imu: bool) -> None:
    """A board of one's own: the Arduino's file, with or without its motion sensor."""
    text = (data_root() / "platforms/arduino_nano_33_ble/board.toml").read_text()
    if not imu:
        text = "\n".join(line for line in text.splitlines() if not line.startswith(("imu =", '"parts.imu" =')))
    folder.mkdir(parents=True)
    (folder / "board.toml").write_text(text)


def test_own_board_is_named_by_the_way_to_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_board(here / "hardware" / "my_board", imu=True)
    assert main(["init", "fw", "--board", "hardware/my_board"]) == 0
    name = Settings.load(start=here / "fw").board
    assert not Path(name).is_absolute()
    monkeypatch.chdir(here / "fw")
    assert Board.load(name).name == "my_board"


def test_board_without_motion_sensor_needs_a_model(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_board(here / "my_board", imu=False)
    assert main(["init", "fw", "--board", "./my_board"]) == 2
    error = capsys.readouterr().err
    assert "imu" in error
    assert "arduino_nano_33_ble" in error
    assert main(["init", "fw", "--board", "./my_board", "--model", str(HELLO)]) == 0


def test_a_file_where_a_folder_must_be_leaves_nothing_behind(here: Path) -> None:
    (here / "fw").mkdir()
    (here / "fw" / "tests").write_text("a file")
    plan = project.plan(here / "fw", board="arduino_nano_33_ble")
    with pytest.raises(UsageError, match="cannot be written"):
        project.write(plan)
    assert files_below(here / "fw") == ["tests"]
    assert sorted(p.name for p in (here / "fw").iterdir()) == ["tests"]


def test_ctrl_c_leaves_nothing_behind(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = project.plan(here / "fw", board="arduino_nano_33_ble")
    opened = Path.open

    def stopped(self: Path, mode: str = "r") -> object:
        if self.name == "README.md":
            raise KeyboardInterrupt
        return opened(self, mode)

    monkeypatch.setattr(Path, "open", stopped)
    with pytest.raises(KeyboardInterrupt):
        project.write(plan)
    assert list(here.iterdir()) == []


def test_json_follows_the_schema(here: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    assert main(["init", "fw", "--json", "made.json"]) == 0
    data = json.loads((here / "made.json").read_text())
    jsonschema.validate(data, json.loads(SCHEMA.read_text()))
    assert data["files"] == files_below(here / "fw")
    assert data["kind"] == "gesture"
