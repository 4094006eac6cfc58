"""`sim.robot`: the suites of tests/robot on both engines (Renode where there is one), documentation, records."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from sim.engines.renode import RenodeEngine
from sim.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SUITES = ROOT / "tests" / "robot"
pytest.importorskip("robot", reason='pip install "boardless[robot]"')


def run(folder: Path, *arguments: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Robot in a process of its own, and its output.xml."""
    done = subprocess.run(
        [sys.executable, "-m", "robot", "--outputdir", str(folder), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    return done, folder / "output.xml"


def statuses(output: Path) -> dict[str, str]:
    return {t.attrib["name"]: t.find("status").attrib["status"] for t in ElementTree.parse(output).iter("test")}  # type: ignore[union-attr]


@pytest.mark.parametrize("engine", ["qemu", "renode"])
def test_the_suites_pass(engine: str, tmp_path: Path) -> None:
    if engine == "renode":
        missing = RenodeEngine(replace(Settings.load(), engine="renode")).missing()
        if missing:
            pytest.skip(missing)
    done, output = run(tmp_path, "--variable", f"ENGINE:{engine}", str(SUITES))
    assert done.returncode == 0, done.stdout
    assert set(statuses(output).values()) == {"PASS"}
    assert len(statuses(output)) == 7
    said = [m.text or "" for m in ElementTree.parse(output).iter("msg")]
    assert any(text.startswith(f"boardless_engine: {engine} ") for text in said)
    # What pytest has in its JUnit files.
    for name in (
        "boardless_board",
        "boardless_firmware_sha256",
        "boardless_flash",
        "boardless_instructions",
        "boardless_stack",
    ):
        assert any(text.startswith(f"{name}: ") for text in said), name
    assert any(text.startswith("boardless_cycles: ") for text in said) == (engine == "qemu")


def test_a_firmware_that_fails_fails_the_test_with_its_evidence(tmp_path: Path) -> None:
    suite = tmp_path / "suite.robot"
    suite.write_text(
        "*** Settings ***\nLibrary    sim.robot\n*** Test Cases ***\nIt Ends\n    Start Board    app=invoke"
        f"    model={ROOT / 'models/gesture/gesture.tflite'}\n    Run For    1 s\nGood\n    Start Board    app=hello\n"
    )
    done, output = run(tmp_path, str(suite))
    assert done.returncode == 1, done.stdout
    assert statuses(output) == {"It Ends": "FAIL", "Good": "PASS"}
    assert "asks for an input (bl_input), and the test gives none" in done.stdout
    assert "board arduino_nano_33_ble, engine qemu" in done.stdout


def test_without_the_engine_tests_are_skipped(tmp_path: Path) -> None:
    here = dict.fromkeys(("PYRENODE_BIN", "PYRENODE_PKG", "PYRENODE_BUILD_DIR", "BOARDLESS_RENODE"), "")
    done, output = run(tmp_path, "--variable", "ENGINE:renode", "--test", "The Console Is Heard", str(SUITES), **here)
    if Path("/opt/renode").is_dir():
        pytest.skip("a Renode is installed here")
    assert done.returncode == 0, done.stdout
    assert statuses(output) == {"The Console Is Heard": "SKIP"}
    assert "no engine renode here" in done.stdout


@pytest.mark.parametrize(
    ("variables", "settings", "reason"),
    [
        ({"ENGINE": "qemu"}, {"BOARDLESS_IO": "bus"}, "engine qemu has none of the peripherals and sensors of"),
        (
            {"ENGINE": "renode", "BOARD": "nucleo_u575zi"},
            {"BOARDLESS_IO": "bus"},
            "board nucleo_u575zi has no bus build",
        ),
    ],
)
def test_what_the_engine_cannot_play_is_skipped(
    variables: dict[str, str], settings: dict[str, str], reason: str, tmp_path: Path
) -> None:
    """As under pytest, with the reason; also where there is no Renode."""
    words = [word for name, value in variables.items() for word in ("--variable", f"{name}:{value}")]
    done, output = run(tmp_path, *words, "--test", "The Console Is Heard", str(SUITES), **settings)
    assert done.returncode == 0, done.stdout
    assert statuses(output) == {"The Console Is Heard": "SKIP"}
    assert reason in done.stdout


def test_every_keyword_is_documented(tmp_path: Path) -> None:
    out = tmp_path / "keywords.xml"
    subprocess.run(
        [sys.executable, "-m", "robot.libdoc", "sim.robot", str(out)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    keywords = {k.attrib["name"]: k.findtext("doc") or "" for k in ElementTree.parse(out).iter("kw")}
    assert {"Start Board", "Play Recording", "Wait For Decision", "Cycles Should Be Below"} <= set(keywords)
    assert all(len(text) > 20 for text in keywords.values()), keywords
    page = (ROOT / "docs" / "robot.md").read_text(encoding="utf-8")
    assert [name for name in keywords if f"`{name}`" not in page] == []
