"""`boardless init`: the project that it writes passes its own tests at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main
from sim.paths import data_root

MODELS = data_root() / "models"


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ([], 5),
        (["--model", str(MODELS / "gesture" / "gesture.tflite"), "--board", "nucleo_l152re"], 3),
        (["--model", str(MODELS / "hello" / "hello.tflite")], 3),
    ],
    ids=["gesture app", "int8 model", "float model"],
)
@pytest.mark.slow
def test_first_pytest_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], passed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "fw", *arguments]) == 0
    own = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "BOARDLESS_BOARD"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error"],
        cwd=tmp_path / "fw",
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{passed} passed" in done.stdout
