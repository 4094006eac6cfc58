"""`boardless doctor`: findings, exit code, JSON by its schema."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sim import doctor
from sim.cli import main
from sim.cli.doctor import table, verdict
from sim.doctor import Finding, examine, works
from sim.settings import Settings

SCHEMA = Path(doctor.__file__).parent / "report" / "schemas" / "doctor.json"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing: no program on PATH, no crate, an empty cache."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "cargo"))
    monkeypatch.setenv("BOARDLESS_CACHE", str(tmp_path / "cache"))
    for name in [n for n in os.environ if n == "CC" or n.startswith(("PYRENODE_", "BOARDLESS_RENODE"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {f.name: f for f in findings}


def test_a_bare_machine_fails_and_every_gap_has_its_command(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    found = by_name(examine(Settings()))
    for name in ("QEMU", "Arm compiler", "newlib", "host C compiler", "cargo", "TFLM tree", "probe"):
        assert not found[name].ok
        assert found[name].mend, name
        assert f"-> {found[name].mend}" in out
    assert "MISSING QEMU" in out
    assert out.rstrip().endswith("Run the commands above.")


def test_json_follows_the_schema(bare: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    assert main(["doctor", "--json", "d.json"]) == 1
    data = json.loads((bare / "d.json").read_text())
    jsonschema.validate(data, json.loads(SCHEMA.read_text()))
    assert data["works"] is False
    assert {f["name"] for f in data["findings"]} >= {"Python", "boardless", "QEMU", "Renode", "cache"}


def test_json_to_standard_output_is_only_json(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json", "-"])
    assert json.loads(capsys.readouterr().out)["works"] is False


def test_optional_things_do_not_decide() -> None:
    findings = [Finding("a", True, True), Finding("Renode", False, False, text="not found (optional)")]
    assert works(findings)
    assert not works([*findings, Finding("QEMU", False, True, mend="apt-get install qemu-system-arm")])
    assert "Renode" in table(findings)
    assert "MISSING" not in table(findings)


def test_verdict_names_the_gaps() -> None:
    gap = Finding("QEMU", False, True, mend="x")
    assert verdict([gap]) == "Missing: QEMU. Run the commands above."
    assert "works here" in verdict([replace(gap, ok=True)])


def test_a_tree_that_is_not_one_is_a_gap(bare: Path) -> None:
    tree = bare / "no-tree"
    tree.mkdir()
    finding = by_name(examine(Settings(tflm=str(tree))))["TFLM tree"]
    assert not finding.ok
    assert str(tree) in finding.text


def test_own_tree_makes_cargo_optional(bare: Path) -> None:
    assert by_name(examine(Settings()))["cargo"].required
    assert not by_name(examine(Settings(tflm=str(bare))))["cargo"].required


def test_a_cache_that_cannot_be_made_is_a_gap(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "file").write_text("")
    monkeypatch.setenv("BOARDLESS_CACHE", str(bare / "file" / "cache"))
    finding = by_name(examine(Settings()))["cache"]
    assert not finding.ok
    assert "BOARDLESS_CACHE" in finding.mend


def test_size_of_the_cache_is_shown(bare: Path) -> None:
    (bare / "cache").mkdir()
    (bare / "cache" / "big").write_bytes(b"x" * 3_000_000)
    assert "3 MB used" in by_name(examine(Settings()))["cache"].text


@pytest.mark.parametrize("variable", ["PYRENODE_BIN", "PYRENODE_PKG", "PYRENODE_BUILD_DIR"])
def test_renode_variable_that_points_to_nothing(bare: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, str(bare / "none"))
    finding = by_name(examine(Settings()))["Renode"]
    assert not finding.ok
    assert f"{variable} points to nothing: {bare / 'none'}" in finding.text
    assert not finding.required


def test_looking_imports_nothing_heavy(bare: Path) -> None:
    import subprocess

    code = (
        "import sys; from sim.doctor import examine; from sim.settings import Settings; examine(Settings());"
        "print([m for m in ('tensorflow', 'keras', 'numpy', 'tflite_micro') if m in sys.modules])"
    )
    root = Path(doctor.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
