"""What the machine must have: seen, and told apart from what is too old, broken or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sim import needs
from sim.engines.qemu import program


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH; programs are put there by `script`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CC", raising=False)
    return folder


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg)", (7, 2, 22)),
        ("cargo 1.85.0 (d73d2caf9 2024-12-31)", (1, 85, 0)),
        ("  Candidate: 0.66.0+ds1-1", (0, 66, 0)),
        ("no number", ()),
    ],
)
def test_version_in(text: str, expected: tuple[int, ...]) -> None:
    assert needs.version_in(text) == expected


@pytest.mark.parametrize("version", ["7.2.0", "8.1.5", "10.0.2", "11.1.0"])
def test_supported_qemu_is_found(only: Path, version: str) -> None:
    path = script(only, "qemu-system-arm", f"echo 'QEMU emulator version {version}'")
    found = needs.qemu()
    assert (found.ok, found.version, found.path) == (True, version, str(path))


@pytest.mark.parametrize("version", ["6.2.0", "7.1.9", "12.0.0"])
def test_other_qemu_is_refused_with_its_version(only: Path, version: str) -> None:
    script(only, "qemu-system-arm", f"echo 'QEMU emulator version {version}'")
    found = needs.qemu()
    assert not found.ok
    assert version in found.problem
    assert "7.2 up to 11" in found.problem


def test_qemu_given_by_path(tmp_path: Path, only: Path) -> None:
    path = script(tmp_path, "my-qemu", "echo 'QEMU emulator version 10.0.2'")
    assert needs.qemu(str(path)).path == str(path)
    assert "no such file" in needs.qemu(str(tmp_path / "none")).problem


def test_the_engine_takes_the_same_versions() -> None:
    assert needs.QEMU_VERSIONS == (program.OLDEST, program.NEWEST)


def test_program_that_does_not_start_is_not_ok(only: Path) -> None:
    script(only, "qemu-system-arm", "echo 'error while loading shared libraries: libx.so' >&2; exit 127")
    assert "libx.so" in needs.qemu().problem


def test_debian_12_cargo_is_too_old(only: Path) -> None:
    script(only, "cargo", "echo 'cargo 1.65.0'")
    found = needs.cargo()
    assert not found.ok
    assert "1.65.0" in found.problem


def test_nothing_on_path_is_all_named(only: Path) -> None:
    found = needs.look_for()
    missing = [name for name, f in found.items() if not f.ok]
    assert missing[:6] == [
        "QEMU",
        "Arm compiler",
        "newlib",
        "C++ library for Arm",
        "host C compiler",
        "cargo",
    ]
    assert "qemu-system-arm" in found["QEMU"].problem


def test_compiler_without_the_library_says_which_header(only: Path) -> None:
    script(only, "arm-none-eabi-g++", "echo '<stdin>:1:10: fatal error: cstdint: No such file' >&2; exit 1")
    assert "cstdint" in needs.arm_cxx_library().problem


@pytest.mark.parametrize(
    ("cargo", "cargo_web", "expected"),
    [("0.66.0+ds1-1", "1.85.0+dfsg3", "cargo-web"), ("1.85.0+dfsg3-1", "(none)", "cargo")],
    ids=["Debian 12", "Debian 13"],
)
def test_the_cargo_package_that_is_new_enough(only: Path, cargo: str, cargo_web: str, expected: str) -> None:
    script(only, "apt-get", "exit 0")
    script(
        only,
        "apt-cache",
        f'[ "$2" = cargo ] && echo "  Candidate: {cargo}" || echo "  Candidate: {cargo_web}"',
    )
    need = next(n for n in needs.NEEDS if n.name == "cargo")
    assert needs.debian_packages(need) == [expected]
    assert needs.mending(need).endswith(f"apt-get install {expected}")


def test_mending_without_apt_names_the_thing(only: Path) -> None:
    need = next(n for n in needs.NEEDS if n.name == "QEMU")
    assert needs.mending(need) in ("install qemu", "brew install qemu")


def test_a_mending_command_for_a_user_has_sudo(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(only, "apt-get", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    need = next(n for n in needs.NEEDS if n.name == "host C compiler")
    assert needs.mending(need) == "sudo apt-get install gcc libc6-dev"
