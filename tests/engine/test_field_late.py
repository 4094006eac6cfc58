"""A fault on purpose finds a bug: from the red test's recording to the green pinned test, by commands."""

from __future__ import annotations

import os
import re

import app_bugs
import pytest
from bare import engine

from sim.cli import main

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow
HOME = os.environ.get("HOME", "")  # pytester moves it, and with it all caches
BOARD = "arduino_nano_33_ble"
BENCH = f"""import pytest


@pytest.mark.board({BOARD!r})
@pytest.mark.app("./gesture")
def test_walking_on_a_busy_bus(machine, recording):
    machine.imu.play(recording("walking_03"))
    machine.faults.late("imu", by="1500 ms", after="4 s", lasts="400 ms")
    machine.run("9 s")
    assert all(d.label != "standing" for d in machine.decisions)
"""


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code, capsys.readouterr()
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_late_sample(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine()
    monkeypatch.setenv("HOME", HOME)
    monkeypatch.chdir(pytester.path)
    here, bug = pytester.path, app_bugs.LATE
    bug.mend(here)
    said(capsys, "build", "./gesture", "-b", BOARD, "-o", "good.elf")
    bug.plant(here)
    (here / "test_bench.py").write_text(BENCH, encoding="utf-8")
    pytester.runpytest("-q", "--boardless-record", "on-failure", "test_bench.py").assert_outcomes(failed=1)
    (case,) = (here / ".boardless" / "recordings").glob("*.blrec")
    capsys.readouterr()

    assert "same: " in said(capsys, "replay", str(case))
    wrong = ("--symptom", "decision:standing")
    out = said(capsys, "shrink", str(case), "-o", "small.blrec", "--good", "good.elf", "--jobs", "2", *wrong)
    found = re.search(r"small\.blrec: (\d+) of (\d+) samples", out)
    assert found, out
    assert int(found[1]) <= 28
    said(capsys, "pin", "small.blrec", "-o", "test_field_0042.py", "--app", "./gesture")
    text = " ".join((here / "test_field_0042.py").read_text(encoding="utf-8").split())
    assert re.search(r"there was a fault: late \(sensor imu, by 1\.5 s, until \d\.\d{3} s\)", text)
    pytester.runpytest("-q", "test_field_0042.py").assert_outcomes(failed=1)
    bug.mend(here)
    pytester.runpytest("-q", "test_field_0042.py", "test_bench.py").assert_outcomes(passed=2)
