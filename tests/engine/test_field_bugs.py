"""Seeded bugs, each from the customer's log to the green test, by commands only."""

from __future__ import annotations

import re
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bare import compiled, engine

from sim.cli import main
from sim.field.recorded import FieldRecording

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow
ROWS = 16 * 60  # fifty windows and more
HEAD = "t,ax,ay,az,gx,gy,gz"


def quiet() -> np.ndarray:
    """Codes of a device at rest, with some noise."""
    return np.random.default_rng(7).integers(-40, 40, size=(ROWS, 6))


def one_shock() -> np.ndarray:
    codes = quiet()
    codes[16 * 40 + 15, 0] = 20000  # the last sample of a window
    return codes


def shaken() -> np.ndarray:
    codes = np.abs(quiet()) + 1
    codes[16 * 30 : 16 * 31 : 2, 0] *= -1
    return codes


def loud_then_quiet() -> np.ndarray:
    codes = quiet()
    codes[16 * 25 : 16 * 26, 0] += 15000
    codes[16 * 26 :, 0] = np.maximum(0, 15000 - 40 * np.arange(ROWS - 16 * 26))  # dies down slowly
    return codes


def tilted_in_a_gap() -> np.ndarray:
    codes = quiet()
    codes[16 * 33 :, 0] += 9000
    return codes


def very_loud() -> np.ndarray:
    codes = quiet()
    codes[16 * 45 : 16 * 46] = 9000
    return codes


# bug -> the device's samples, samples that its log lacks, what was wrong (None: it crashed), windows that it takes;
# for the third there have to be the 206 samples in between that get lost while it sleeps.
CASES: dict[int, tuple[Callable[[], np.ndarray], range, str | None, int]] = {
    1: (one_shock, range(0), "decision:a shock of no size", 2),
    2: (shaken, range(0), None, 1),
    3: (loud_then_quiet, range(0), "decision:fall", 15),
    4: (tilted_in_a_gap, range(16 * 31, 16 * 33), "decision:shock while away", 2),
    5: (very_loud, range(0), "decision:broken sensor", 1),
    6: (quiet, range(0), None, 51),
}
CRASHES = {2: "stack overflow", 6: "the firmware gave up: no room for another note"}


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code, capsys.readouterr()
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize("bug", CASES)
def test_from_the_log_to_the_fix(
    bug: int, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine()
    folder = pytester.path
    monkeypatch.chdir(folder)
    samples, missing, wrong, windows = CASES[bug]

    def built(*flags: str) -> None:
        elf = compiled(folder, "cortex-m4", ["field.c"], name="product", flags=[f"-DBUG={bug}", *flags])
        Path("product.elf").write_bytes(elf.read_bytes())

    built()
    rows = [
        f"{100 + k / 119:.5f},{','.join(map(str, row))}" for k, row in enumerate(samples().tolist()) if k not in missing
    ]
    Path("customer.csv").write_text("\n".join([HEAD, *rows]))

    # field log -> recording
    words = ["field", "import", "customer.csv", "--board", "arduino_nano_33_ble", "--sensor", "imu", "--codes"]
    words += ["--range", "8", "--range", "2000", "--firmware", "product.elf", "-o", "case.blrec"]
    if wrong:
        words += ["--symptom", wrong]
    out = said(capsys, *words, *(["--gaps", "silent"] if len(missing) else []))
    assert f"{ROWS} samples of imu" in out
    # -> replay: it does the same here
    out = said(capsys, "replay", "case.blrec", code=1)
    assert CRASHES[bug] in out if wrong is None else f"still: decides '{wrong.split(':')[1]}'" in out
    # -> shrink: the windows that it takes and no more
    out = said(capsys, "shrink", "case.blrec", "-o", "small.blrec", "--jobs", "2")
    found = re.search(r"small\.blrec: (\d+) of (\d+) samples", out)
    assert found, out
    assert int(found[1]) <= 16 * windows
    trials = re.search(r"(\d+) trials", out)
    assert trials
    assert int(trials[1]) < 130  # of equal samples one is tried: 816 that are all needed take no more
    # -> pinned, red
    said(capsys, "pin", "small.blrec", "-o", "test_field_0042.py", "--firmware", "product.elf")
    pytester.runpytest("-q", "test_field_0042.py").assert_outcomes(failed=1)
    # -> fixed, green
    built("-DFIXED")
    pytester.runpytest("-q", "test_field_0042.py").assert_outcomes(passed=1)
    out = said(capsys, "replay", "small.blrec", "--firmware", "product.elf")
    assert "no longer: " in out
    if bug == 1:
        pinned_late(pytester, capsys)


def pinned_late(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    """Who fixes first can pin as well: what was recorded shows that the test can be red."""
    words = ["pin", "small.blrec", "--firmware", "product.elf", "-o"]
    out = said(capsys, *words, "test_a.py", code=2)
    assert "though the recorded firmware does: the test would pass at once" in out
    assert "--fixed" in out
    out = said(capsys, *words, "test_a.py", "--fixed")
    assert "product.elf passes: it is fixed already; red was the recorded firmware product.elf" in out
    assert "It was fixed before this test was written: red was the recorded" in Path("test_a.py").read_text()
    pytester.runpytest("-q", "test_a.py").assert_outcomes(passed=1)
    out = said(capsys, *words, "test_b.py", "--failed", "product.elf", code=2)
    assert "nothing shows that it can fail" in out
    Path("old.elf").write_bytes(FieldRecording.load("small.blrec").elf or b"")
    assert "red was old.elf" in said(capsys, *words, "test_b.py", "--failed", "old.elf")
    out = said(capsys, "pin", "small.blrec", "--firmware", "old.elf", "-o", "test_c.py", "--fixed", code=2)
    assert "old.elf is not fixed: it decides 'a shock of no size'" in out
    out = said(capsys, "pin", "small.blrec", "--firmware", "old.elf", "--app", "x", "-o", "test_c.py", code=2)
    assert "--failed OLD.elf" in out
    assert not Path("test_c.py").exists()


def test_the_shorter_of_two_logs_ends_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Behind the log of the motion there are zeros: what the fixed firmware makes of them is no matter of the test."""
    engine()
    monkeypatch.chdir(pytester.path)

    def built(*flags: str, to: str = "product.elf") -> None:
        elf = compiled(pytester.path, "cortex-m4", ["field.c"], name="product", flags=["-DBUG=7", *flags])
        Path(to).write_bytes(elf.read_bytes())

    built("-DFIXED", to="good.elf")
    built()
    codes = quiet()[: 16 * 8] | 1
    codes[16 * 5 : 16 * 6, 0] = 0
    rows = [f"{k / 119:.5f},{','.join(map(str, row))}" for k, row in enumerate(codes.tolist())]
    Path("motion.csv").write_text("\n".join([HEAD, *rows]))
    with wave.open("sound.wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.random.default_rng(1).integers(-900, 900, 16000 * 3).astype("<i2").tobytes())
    words = ["field", "import", "motion.csv", "sound.wav", "--board", "arduino_nano_33_ble", "--codes"]
    words += ["--sensor", "imu"]
    words = [*words, "--range", "8", "--range", "2000", "--firmware", "product.elf", "--symptom", "decision:asleep"]
    said(capsys, *words, "-o", "case.blrec")
    # The whole logs, where the sound is longer than the motion, and what is left of them.
    said(capsys, "shrink", "case.blrec", "-o", "small.blrec", "--unit", "16", "--jobs", "2", "--good", "good.elf")
    for name in ("case", "small"):
        said(capsys, "pin", f"{name}.blrec", "-o", f"test_{name}.py", "--firmware", "product.elf")
    assert "0.807 s after its" in Path("test_case.py").read_text()
    pytester.runpytest("-q", "test_case.py", "test_small.py").assert_outcomes(failed=2)
    built("-DFIXED")
    pytester.runpytest("-q", "test_case.py", "test_small.py").assert_outcomes(passed=2)


def test_a_good_firmware_keeps_it_to_the_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ "quiet" is what the fixed one says of most; the bug says it of a window that moves by 2^32."""
    engine()
    monkeypatch.chdir(tmp_path)
    for name, flags in (("bad", ["-DBUG=5"]), ("good", ["-DBUG=5", "-DFIXED"])):
        Path(f"{name}.elf").write_bytes(
            compiled(tmp_path, "cortex-m4", ["field.c"], name=name, flags=flags).read_bytes()
        )
    codes = np.full((16 * 4, 6), 9000)
    rows = [f"{k / 119:.5f},{','.join(map(str, row))}" for k, row in enumerate(codes.tolist())]
    Path("c.csv").write_text("\n".join([HEAD, *rows]))
    words = ["field", "import", "c.csv", "--board", "arduino_nano_33_ble", "--sensor", "imu", "--codes"]
    said(capsys, *words, "--firmware", "bad.elf", "--symptom", "decision:broken sensor", "-o", "c.blrec")
    out = said(capsys, "shrink", "c.blrec", "--good", "good.elf", "-o", "small.blrec", "-j", "2")
    assert "16 of 64 samples" in out
    said(capsys, "replay", "small.blrec", "--firmware", "good.elf")
    assert "too" in said(capsys, "shrink", "c.blrec", "--good", "bad.elf", code=2)
    assert "none.elf" in said(capsys, "shrink", "c.blrec", "--good", "none.elf", code=2)
