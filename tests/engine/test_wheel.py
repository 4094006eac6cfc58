"""The wheel: the same from every copy of the source, and enough by itself, from any folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling is not installed (extra dev)"),
]


def built(source: Path, to: Path) -> Path:
    """A wheel from a copy of what is committed or would be."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(to)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(to.glob("*.whl"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout: only what git knows."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    folder = tmp_path_factory.mktemp("source")
    for name in done.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables with which Python finds the wheel's package, and not this checkout's."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return {**os.environ, "PYTHONPATH": str(folder)}


def boardless(environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sim", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_two_copies_give_the_same_wheel(source: Path, wheel: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(source, copy)
    for path in copy.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    other = built(copy, tmp_path / "wheel")
    assert hashlib.sha256(other.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()


def test_what_is_in_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "sim/py.typed",
        "sim/_data/platforms/arduino_nano_33_ble/board.toml",
        "sim/_data/firmware/port/boardless_port.h",
        "sim/_data/firmware/tflm/Cargo.lock",
        "sim/_data/models/gesture/gesture.tflite",
        "sim/engines/qemu/probe/probe.c",
        "sim/templates/common/.gitlab-ci.yml",
        "sim/report/schemas/doctor.json",
    ):
        assert name in names
    assert not [n for n in names if "__pycache__" in n or n.startswith("tests/")]


def test_from_an_empty_folder(installed: dict[str, str], tmp_path: Path) -> None:
    where = subprocess.run(
        [sys.executable, "-c", "import sim.paths as p; print(p.data_root())"],
        cwd=tmp_path, env=installed, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert where.startswith(installed["PYTHONPATH"])
    assert where.endswith("_data")
    boards = boardless(installed, tmp_path, "boards")
    assert boards.returncode == 0, boards.stderr
    assert "arduino_nano_33_ble" in boards.stdout
    doctor = boardless(installed, tmp_path, "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_demo_from_an_empty_folder(installed: dict[str, str], tmp_path: Path) -> None:
    demo = boardless(installed, tmp_path, "demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["boardless-demo"]
    assert sorted(path.name for path in (tmp_path / "boardless-demo").iterdir()) == ["gesture.svg", "image.svg"]
