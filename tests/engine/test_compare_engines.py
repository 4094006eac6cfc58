"""Two engines event by event: with QEMU on both sides everywhere, with Renode where there is one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sim.cli import main
from sim.engines.renode import RenodeEngine
from sim.errors import UsageError
from sim.field.engines import Side, compare
from sim.machine import Machine
from sim.report.json_out import schema
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target


@pytest.fixture
def renode() -> None:
    missing = RenodeEngine(replace(Settings.load(), engine="renode")).missing()
    if missing:
        pytest.skip(missing)


def side(app: str, recording: str = "", board: str = "arduino_nano_33_ble") -> Side:
    target = Target.of(replace(Settings.load(), board=board))

    def start(machine: Machine) -> None:
        if recording:
            machine.imu.play(Recording.load(find_recording(recording)))

    return Side(target, target.build(app).elf, start)


def test_a_run_is_the_same_as_itself() -> None:
    found = compare(side("gesture", "running_07"), side("gesture", "running_07"), "3 s")
    assert found.index is None
    assert found.same_decisions
    assert "the same on" in found.lines()[0]


def test_a_difference_is_found_and_shown_with_both_machines_at_it() -> None:
    found = compare(side("gesture", "running_07"), side("gesture", "walking_03"), "3 s")
    assert not found.same_decisions
    was, now = found.different
    assert was is not None
    assert now is not None
    assert was.what == now.what == "read"  # the first codes
    common = found.last_common
    assert common is not None
    assert common[0].what == "open"
    text = "\n".join(found.lines())
    assert f"first difference: event {found.index}" in text
    assert text.count("backtrace:") == 2
    assert text.count("bl_sensor_read") >= 2


def test_boards_are_not_mixed() -> None:
    with pytest.raises(UsageError, match="on one board"):
        compare(side("hello"), side("hello", board="stm32f4_discovery"), "1 s")


def test_without_the_other_engine_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PYRENODE_BIN", "PYRENODE_PKG", "PYRENODE_BUILD_DIR", "BOARDLESS_RENODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BOARDLESS_RENODE", "/nowhere")
    assert main(["compare-engines", "hello"]) == 2
    assert "no engine renode here" in capsys.readouterr().err


def test_the_command_with_one_engine_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    out = tmp_path / "r.json"
    assert main(["compare-engines", "hello", "--with", "qemu", "--for", "0.2 s", "--json", str(out)]) == 0
    assert "the same on qemu" in capsys.readouterr().out
    data = json.loads(out.read_text())
    jsonschema.validate(data, schema("compare-engines"))
    assert data["same"]
    assert data["difference"] is None


@pytest.mark.usefixtures("renode")
@pytest.mark.parametrize(("app", "play"), [("hello", []), ("gesture", ["--play", "running_07"])])
def test_qemu_and_renode_do_the_same(
    app: str, play: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.json"
    assert main(["compare-engines", app, *play, "--for", "3 s", "--json", str(out)]) == 0, capsys.readouterr().out
    data = json.loads(out.read_text())
    assert [e["name"] for e in data["engines"]] == ["qemu", "renode"]
    assert min(data["events"]) > 3


_TELLS = """\
#include "app.h"

using namespace boardless;

int main() {
  bl_ready("tells");
  bl_info("same", 1);
  bl_info("where", (uint32_t)(uintptr_t)&main);  // linked elsewhere on every engine
  bl_exit(0);
}
"""


@pytest.mark.usefixtures("renode")
def test_a_run_that_differs_on_purpose_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    app = tmp_path / "tells"
    app.mkdir()
    (app / "tells.cc").write_text(_TELLS)
    (app / "app.toml").write_text('title = "tells where it lies"\nmodel = "hello"\nsensors = []\n')
    out = tmp_path / "r.json"
    assert main(["compare-engines", str(app), "--board", "stm32f4_discovery", "--json", str(out)]) == 1
    data = json.loads(out.read_text())
    jsonschema.validate(data, schema("compare-engines"))
    found = data["difference"]
    assert [e["what"] for e in found["last_common"]] == ["info", "info"]
    assert [e["detail"] for e in found["last_common"]] == ["same 1", "same 1"]
    assert all(e["detail"].startswith("where ") for e in found["was"])
    assert all("pc=" in state for state in found["states"])
    assert "last common event: info same 1" in capsys.readouterr().out
