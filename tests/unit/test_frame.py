"""The frame around the code: versions, licence, constraints, what a wheel takes along."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import sim

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_one_version(project: dict[str, Any]) -> None:
    assert project["project"]["version"] == sim.__version__


def test_every_dependency_is_constrained(project: dict[str, Any]) -> None:
    """What CI runs with is written down, and is not below what users are promised."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    fixed = {_name(n): v for n, _, v in (line.partition("==") for line in lines if "==" in line)}
    table = project["project"]
    wanted = [*table["dependencies"], *(d for extra in table["optional-dependencies"].values() for d in extra)]
    for requirement in wanted:
        match = re.match(r"([\w.-]+)>=([\w.]+)", requirement)
        assert match, f"{requirement}: a lower bound is needed"
        if "!= 'x86_64'" in requirement:  # the same package under its other name
            continue
        have = fixed[_name(match[1])]
        assert _numbers(have) >= _numbers(match[2]), requirement


def _name(text: str) -> str:
    return text.lower().replace("_", "-")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def test_the_core_needs_no_tensorflow(project: dict[str, Any]) -> None:
    assert not [d for d in project["project"]["dependencies"] if "tensorflow" in d or "tflite" in d]


def test_licence_and_notices() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for name in ("TensorFlow Lite Micro", "FlatBuffers", "gemmlowp", "ruy", "KISS FFT", "BasicMotions"):
        assert name in notice


def test_the_lock_file_of_the_tree_is_read_by_old_and_new_cargo() -> None:
    text = (ROOT / "firmware/tflm/Cargo.lock").read_text(encoding="utf-8")
    assert "\nversion = 3\n" in text  # 4 is refused by cargo before 1.78
    package = text[text.index('name = "tfmicro"') :].split("\n\n")[0]
    assert 'version = "0.1.0"' in package
    assert re.search(r'checksum = "[0-9a-f]{64}"', package)


def test_import_is_light() -> None:
    heavy = "('numpy', 'tensorflow', 'keras', 'elftools', 'pytest', 'subprocess')"
    code = f"import sys, sim; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_big_is_committed() -> None:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    big = [f.name for f in files if f.is_file() and f.stat().st_size > 600_000]
    assert big == []
