"""Bugs in copies of the shipped apps, each from what its device left to the green test, by commands."""

from __future__ import annotations

import os
import re
import wave
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import app_bugs
import numpy as np
import pytest
from app_bugs import Bug
from bare import engine

from sim.cli import main
from sim.machine import Machine
from sim.paths import data_root
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow
SHIPPED = data_root() / "firmware" / "apps"  # beside the copies of the same names
BOARD = "arduino_nano_33_ble"
HOME = os.environ.get("HOME", "")  # pytester moves it, and with it all caches


def joined(*names: str, gain: float = 1.0) -> Recording:
    found = [Recording.load(find_recording(n)) for n in names]
    values = np.concatenate([f.values for f in found]) * gain
    return Recording(values, found[0].channels, found[0].units, rate=found[0].rate)


def uart(machine: Machine, stimulus: Recording) -> Path:
    """The recorder's dump, asked for."""
    machine.imu.play(stimulus)
    machine.run("9 s")
    machine.call("boardless_recorder_request")
    machine.run("1 s")
    Path("uart.log").write_bytes(b"boot\r\n" + machine.console.raw)
    return Path("uart.log")


def table(machine: Machine, stimulus: Recording, missing: range = range(0)) -> Path:
    """Codes with times, as a logger beside the device has them, some of them missing."""
    machine.imu.play(stimulus)
    machine.run_to_end()
    codes = machine.imu.channel.output.recent()
    channels, rate = machine.imu.channel.part.channels, float(machine.imu.channel.rate)
    rows = [f"{k / rate:.5f},{','.join(map(str, row))}" for k, row in enumerate(codes.tolist()) if k not in missing]
    Path("customer.csv").write_text("\n".join([f"t,{','.join(channels)}", *rows]))
    return Path("customer.csv")


def sound(_machine: Machine, stimulus: Recording) -> Path:
    with wave.open("customer.wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((np.clip(stimulus.values, -1, 1) * 32767).astype("<i2").tobytes())
    return Path("customer.wav")


@dataclass(frozen=True)
class Case:
    """A bug, what was in front of the device, what it left, what was wrong (None: a crash), samples that it takes."""

    bug: Bug
    stimulus: Callable[[], Recording]
    left: Callable[[Machine, Recording], Path]
    wrong: str | None
    most: int
    recorder: str = ""
    options: tuple[str, ...] = ()


def with_gap(machine: Machine, stimulus: Recording) -> Path:
    return table(machine, stimulus, range(134, 164))


CODES = ("--codes", "--sensor", "imu")
CASES = {
    "off-by-one": Case(app_bugs.OFF_BY_ONE, lambda: joined("walking_03"), uart, "decision:badminton", 28, "12 s"),
    "axes": Case(app_bugs.AXES, lambda: joined("running_07"), uart, "decision:walking", 28, "12 s"),
    "unset": Case(app_bugs.UNSET, lambda: joined("running_07"), uart, "no-decision:running", 28, "12 s"),
    "race": Case(app_bugs.RACE, lambda: joined("running_07"), uart, "decision:standing>0.95", 42, "12 s"),
    "stack": Case(app_bugs.STACK, lambda: joined("running_07"), table, None, 28, "",
                  (*CODES, "--rate", "14.9", "--range", "4", "--range", "2000")),
    "stale": Case(app_bugs.STALE, lambda: joined("drive_hard_braking", "drive_pothole"), table,
                  "decision:cobblestones", 420, "", (*CODES, "--rate", "100", "--range", "4", "--range", "500")),
    "dropout": Case(app_bugs.DROPOUT, lambda: joined("running_07", "standing_01"), with_gap, "decision:badminton", 84,
                    "", (*CODES, "--rate", "14.9", "--range", "4", "--range", "2000", "--gaps", "silent")),
    "overflow": Case(app_bugs.OVERFLOW, lambda: joined("yes_synthetic", gain=3), sound, "no-decision:yes", 32000),
}  # fmt: skip
UNITS = {"overflow": "3200", "stale": "25"}  # 200 ms of sound, a stride of the window: fewer trials


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code, capsys.readouterr()
    captured = capsys.readouterr()
    return captured.out + captured.err


TIMED = ("race", "stale")  # the instant matters at which the firmware does something: any speed of it has to do


def slower(here: Path) -> str:
    """A board like `BOARD` with a third of its clock; its name."""
    folder = here / "boards" / "slow_board"
    folder.mkdir(parents=True)
    text = (data_root() / "platforms" / BOARD / "board.toml").read_text(encoding="utf-8")
    assert text.count("hz = 64_000_000") == 1
    (folder / "board.toml").write_text(text.replace("hz = 64_000_000", "hz = 21_000_000"), encoding="utf-8")
    return folder.name


@pytest.mark.parametrize(
    ("name", "slow"),
    [pytest.param(n, s, id=n + "-slower" * s) for n in CASES for s in (False, True) if n in TIMED or not s],
)
def test_from_the_field_to_the_fix(
    name: str, slow: bool, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    engine()
    monkeypatch.setenv("HOME", HOME)
    monkeypatch.chdir(pytester.path)
    case, board = CASES[name], BOARD
    if slow:
        board = slower(pytester.path)
        monkeypatch.setenv("BOARDLESS_BOARDS", str(pytester.path / "boards"))
        case = replace(case, bug=replace(case.bug, head='#pragma GCC optimize("O0")\n'))
    app, here = f"./{case.bug.app}", pytester.path
    case.bug.mend(here)
    said(capsys, "build", app, "-b", board, "-o", "good.elf")
    case.bug.plant(here)
    recorder = ["--recorder", case.recorder] * bool(case.recorder)
    said(capsys, "build", app, "-b", board, "-o", "product.elf", *recorder)
    target = Target.of(replace(Settings.load(), board=board))
    # With a recorder the device itself tells; else a logger beside it, on which the bug has no influence.
    with target.boot(Path("product.elf") if case.recorder else target.build(SHIPPED / case.bug.app).elf) as device:
        log = case.left(device, case.stimulus())

    words = ["field", "import", str(log), "-b", board, "--firmware", "product.elf", "-o", "case.blrec", *case.options]
    out = said(capsys, *words, *(["--symptom", case.wrong] if case.wrong else []))
    assert " samples of " in out
    out = said(capsys, "replay", "case.blrec", code=1)
    assert "still: " in out if case.wrong else "stack overflow" in out
    good = ["--good", "good.elf"] if case.wrong else []
    unit = ["--unit", UNITS[name]] if name in UNITS else []
    out = said(capsys, "shrink", "case.blrec", "-o", "small.blrec", "--jobs", "2", *good, *unit)
    found = re.search(r"small\.blrec: (\d+) of (\d+) samples", out)
    assert found, out
    assert int(found[1]) <= case.most
    out = said(capsys, "pin", "small.blrec", "-o", "test_field_0042.py", "--app", app, *recorder)
    assert "had a recorder in it" not in out
    if name == "axes":  # what is forgotten is said
        out = said(capsys, "pin", "small.blrec", "-o", "test_field_0043.py", "--app", app)
        assert "the recorded firmware had a recorder in it" in out
    pytester.runpytest("-q", "test_field_0042.py").assert_outcomes(failed=1)
    case.bug.mend(here)
    pytester.runpytest("-q", "test_field_0042.py").assert_outcomes(passed=1)
    # What is red is what the test would run, not what was recorded.
    words = ("pin", "small.blrec", "-o", "test_field_0044.py", "--app", app, *recorder)
    assert "though the recorded firmware does: the test would pass at once" in said(capsys, *words, code=2)
    assert not list(here.glob("test_field_0044.*"))
