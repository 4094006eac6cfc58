"""Energy of a model, and operators in budgets and reports, from firmware that is really built and run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from bare import engine
from bench import bench_elf

from sim.boards import Board
from sim.cli import main
from sim.firmware import Firmware
from sim.model import Model
from sim.paths import data_root
from sim.report import contributors, json_out

pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME", "")
GESTURE = data_root() / "models" / "gesture" / "gesture.tflite"


def test_energy_of_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine()
    out = tmp_path / "e.json"
    assert main(["energy", str(GESTURE), "--every", "500 ms", "--sensor", "imu", "--json", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    jsonschema.validate(found, json_out.schema("energy"))
    inputs = {i["name"]: i["value"] for i in found["inputs"]}
    cycles = inputs["cycles of one inference"]
    assert 500_000 < cycles < 3_000_000
    busy = cycles / 64e6
    assert found["inference"]["seconds"] == pytest.approx(busy, rel=1e-12)
    assert found["inference"]["joules"] == pytest.approx(3.0 * 3.3e-3 * busy, rel=1e-12)
    by_hand = 3.0 * (3.3e-3 * busy + 3.16e-6 * (0.5 - busy) + 4.6e-3 * 0.5)
    assert found["duty"]["joules"] == pytest.approx(by_hand, rel=1e-9)
    assert sum(c["joules"] for c in found["consumers"]) == pytest.approx(by_hand, rel=1e-9)
    own = 0.225 * 3600 * 0.01 / (365.25 * 86400)
    assert found["battery"]["seconds"] == pytest.approx(0.225 * 3600 / (by_hand / 0.5 / 3.0 + own), rel=1e-9)
    text = capsys.readouterr().out
    for said in ("one inference", "battery life", "lsm9ds1, on", "unverified: supply"):
        assert said in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cell", "CR2031"], "did you mean 'CR2032'"),
        (["--every", "5"], "'5' has no unit"),
        (["--every", "soon"], "'soon' is no quantity"),
        (["--sensor", "imv"], "did you mean 'imu'"),
        (["--board", "mps3_an547"], "has no [power]"),
        (["--usable", "2"], "usable = 2.0"),
        (["--efficiency", "0"], "efficiency = 0.0"),
        (["--cell", "100 mAh, 1.2 V"], "give the efficiency of the converter"),
    ],
)
def test_wrong_options_are_told_before_anything_is_built(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine()
    assert main(["energy", str(GESTURE), *options]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "…" not in captured.err  # no progress: nothing was begun
    assert captured.out == ""


@pytest.mark.slow
def test_budgets_and_reports_have_the_operators(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    engine()
    monkeypatch.setenv("HOME", HOME)
    pytester.makepyfile(
        """
import pytest

@pytest.mark.app("gesture")
@pytest.mark.board("arduino_nano_33_ble")
@pytest.mark.budget(instructions=1000)
def test_it(machine, recording):
    machine.imu.play(recording("running_07"))
    machine.run("4 s")
"""
    )
    result = pytester.runpytest("--boardless-report", "out")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*largest contributors:", "*%  * instructions  CONV_2D *", "*%  * instructions  CONV_2D *"]
    )
    data = json.loads((pytester.path / "out/results.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, json_out.schema("results"))
    (record,) = data["records"]
    operators = Model.load(GESTURE).operators
    assert [(o["kind"], o["layer"], o["macs"]) for o in record["operators"]] == [
        (o.kind, o.layer, o.macs) for o in operators
    ]
    total = sum(o["instructions"] for o in record["operators"])
    whole = record["figures"]["instructions"]["value"]
    assert 0.9 * whole < total <= whole  # the rest is the interpreter's
    assert "instructions of each operator" in (pytester.path / "out/report.html").read_text(encoding="utf-8") or (
        "cycles of each operator" in (pytester.path / "out/report.html").read_text(encoding="utf-8")
    )


@pytest.mark.slow
def test_watching_operators_does_not_move_board_time(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine()
    monkeypatch.setenv("HOME", HOME)
    pytester.makepyfile(
        """
import pathlib, pytest

@pytest.mark.app("gesture")
@pytest.mark.board("arduino_nano_33_ble")
def test_it(machine, recording):
    machine.imu.play(recording("running_07"))
    machine.run("4 s")
    seen = [machine.instructions, machine.time_ps, [(d.time, d.score, d.latency) for d in machine.decisions]]
    with pathlib.Path(__file__).with_name("seen.txt").open("a") as out:
        out.write(f"{seen}\\n")
"""
    )
    for options in ((), ("--boardless-report", "out")):
        pytester.runpytest(*options).assert_outcomes(passed=1)
    first, second = (pytester.path / "seen.txt").read_text().splitlines()
    assert first == second


def test_contributors_are_all_of_the_image(tmp_path: Path) -> None:
    elf = bench_elf(tmp_path)
    firmware = Firmware.from_elf(elf, board=Board.load("arduino_nano_33_ble"))
    parts = contributors._symbols(firmware.parsed, loaded=True)
    sections = [s for s in contributors._sections(firmware.elf, firmware.sha256) if s.loaded]
    assert sum(p.value for p in parts) == sum(s.size for s in sections)
    assert 0 <= sum(s.size for s in sections) - firmware.flash <= 64  # what lies between sections is in neither
    assert sum(p.value for p in contributors._symbols(firmware.parsed, loaded=False)) == firmware.ram_static
    shown = contributors.flash(firmware)
    assert [s.value for s in shown] == sorted((s.value for s in shown), reverse=True)
    assert shown[0].value == max(p.value for p in parts)
    layout = engine().layout(Board.load("arduino_nano_33_ble"))
    flash, ram = contributors.memory(firmware, layout)
    assert (flash.size, ram.size) == (1 << 20, 256 * 1024)
    assert flash.used == sum(s.size for s in sections)
    assert 0 < ram.used < ram.size
