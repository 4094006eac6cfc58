"""scripts/setup.py: steps are done once, and a step that fails says what, why and what to do."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "setup.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="only a checkout has the set-up script")


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, at work in a folder of its own."""
    spec = importlib.util.spec_from_file_location("boardless_setup", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    bytecode = sys.dont_write_bytecode
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = bytecode
    sys.path.remove(str(ROOT))
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "needs.py").write_text("")
    (tmp_path / "firmware" / "tflm").mkdir(parents=True)
    (tmp_path / "firmware" / "tflm" / "Cargo.lock").write_text("")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(module, "LOGS", tmp_path / "build" / "setup")
    monkeypatch.setattr(module, "STAMPS", tmp_path / ".venv" / "boardless-setup.json")
    module.LOGS.mkdir(parents=True)
    return module


@pytest.fixture
def calls(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which steps were done; the slow ones (apt, pip, cargo) only leave their mark."""
    done: list[str] = []

    def environment() -> str:
        setup.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        setup.PYTHON.write_text("")
        done.append("environment")
        return ""

    def step(name: str) -> object:
        return lambda *given: done.append(" ".join([name, *map(str, given[:1])]).strip()) or ""

    monkeypatch.setattr(setup, "environment", environment)
    monkeypatch.setattr(setup, "system_packages", lambda *_: done.append("packages") or "")
    for name in ("pip_install", "pip_install_optional", "tflm_tree", "probe"):
        monkeypatch.setattr(setup, name, step(name))
    monkeypatch.setattr(setup, "still_there", lambda name: True)
    return done


def test_second_call_does_nothing(setup: ModuleType, calls: list[str]) -> None:
    setup.set_up("demo")
    assert calls == ["packages", "environment", "pip_install", "tflm_tree"]
    setup.set_up("demo")
    assert len(calls) == 4


def test_tests_add_to_what_the_demo_made(setup: ModuleType, calls: list[str]) -> None:
    setup.set_up("demo")
    calls.clear()
    setup.set_up("test")
    extras = ("convert", "host", "table", "dask")
    assert calls == ["pip_install dev", *(f"pip_install_optional {extra}" for extra in extras)]


def test_a_changed_dependency_installs_again_and_only_that(setup: ModuleType, calls: list[str]) -> None:
    setup.set_up("demo")
    calls.clear()
    with (setup.ROOT / "constraints.txt").open("a") as out:
        out.write("something==1\n")
    setup.set_up("demo")
    assert calls == ["pip_install"]


def test_lint_needs_no_emulator(setup: ModuleType, calls: list[str]) -> None:
    setup.set_up("lint")
    assert calls == ["packages", "environment", "pip_install dev"]
    setup.set_up("demo")
    assert calls[3:] == ["packages", "pip_install", "tflm_tree"]


def test_a_failed_step_is_done_again(setup: ModuleType, calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> str:
        raise setup.StepFailed("no network")

    works = setup.tflm_tree
    monkeypatch.setattr(setup, "tflm_tree", fails)
    with pytest.raises(setup.StepFailed):
        setup.set_up("demo")
    monkeypatch.setattr(setup, "tflm_tree", works)
    calls.clear()
    setup.set_up("demo")
    assert calls == ["tflm_tree"]


def test_a_failing_command_says_what_why_and_what_to_do(setup: ModuleType) -> None:
    lines = "echo 'E: Unable to locate package nonsense'; for i in 1 2 3 4 5 6; do echo noise $i; done; exit 100"
    with pytest.raises(setup.StepFailed) as caught:
        setup._run("packages", ["sh", "-c", lines], "look at the sources")
    text = str(caught.value)
    assert "packages failed (exit code 100)" in text
    assert "E: Unable to locate package nonsense" in text
    assert "noise 6" in text
    assert "build/setup/packages.log" in text
    assert "what to do: look at the sources" in text


def test_a_command_that_is_not_there(setup: ModuleType) -> None:
    with pytest.raises(setup.StepFailed, match="exit code 127"):
        setup._run("x", ["/no/such/program"], "")


def test_an_optional_package_without_wheel_is_told_and_goes_on(setup: ModuleType) -> None:
    python = setup.PYTHON
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 'ERROR: No matching distribution found for tflite-micro'\nexit 1\n")
    python.chmod(0o755)
    text = setup.pip_install_optional("host")
    assert text.startswith("NOT installed")
    assert "No matching distribution" in text


def test_without_apt_the_list_is_printed(setup: ModuleType, tmp_path: Path) -> None:
    """As on macOS or Fedora: nothing on PATH but Python."""
    (tmp_path / "bin").mkdir()
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    checkout = tmp_path / "checkout"
    for name in ("scripts/setup.py", "sim/__init__.py", "sim/needs.py", "pyproject.toml", "constraints.txt"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_bytes((ROOT / name).read_bytes())
    (checkout / "firmware/tflm").mkdir(parents=True)
    (checkout / "firmware/tflm/Cargo.lock").write_text("")
    done = subprocess.run(
        [sys.executable, "scripts/setup.py", "demo"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    for word in ("qemu", "arm-none-eabi-gcc", "cargo 1.70", "Fedora", "macOS"):
        assert word in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("has_sudo", [True, False])
def test_a_user_is_told_what_to_type(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_sudo: bool
) -> None:
    if has_sudo:  # one that wants a password
        (tmp_path / "sudo").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    missing = [n for n in setup.needs.NEEDS if n.name in ("QEMU", "host C compiler")]
    with pytest.raises(setup.StepFailed) as caught:
        setup._as_root(missing)
    command = "apt-get install --no-install-recommends qemu-system-arm gcc libc6-dev"
    expected = f"sudo {command}" if has_sudo else command
    assert str(caught.value).splitlines()[-1].strip() == expected


def test_an_old_python_can_read_far_enough_to_say_so() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_makefile_knows_its_targets() -> None:
    for target in ("demo", "test", "quick", "lint", "conformance", "benchmarks", "docs", "wheel", "doctor"):
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "scripts/setup.py" in done.stdout
