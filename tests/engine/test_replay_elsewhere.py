"""Replay on another engine: the app is built again for it, and decides the same at the same samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bare import engine

from sim.cli import main
from sim.engines.renode import find_renode
from sim.errors import SetupError
from sim.field.recorded import FieldRecording
from sim.field.recording_io import load, save
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target


@pytest.fixture
def recorded(tmp_path: Path) -> FieldRecording:
    engine()
    target = Target.of(Settings())
    firmware = target.build("gesture")
    with target.started(firmware.elf) as machine:
        machine.record()
        machine.run_until_ready()
        machine.imu.play(Recording.load(find_recording("running_07")))
        machine.run_to_end()
        machine.save_recording(tmp_path / "run.blrec", firmware=firmware)
    return load(tmp_path / "run.blrec")


def test_on_renode(recorded: FieldRecording, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_renode(replace(Settings.load(), engine="renode"))
    except SetupError as error:
        pytest.skip(error.message)
    assert main(["replay", str(tmp_path / "run.blrec"), "--engine", "renode"]) == 0
    out = capsys.readouterr().out
    assert f"same {len(recorded.decisions)} decisions, decision hash {recorded.decision_hash[:16]}" in out


def as_if_elsewhere(recorded: FieldRecording, path: Path, **changed: object) -> str:
    """The recording, said to be from an engine that is none of ours."""
    save(replace(recorded, engine={**recorded.engine, "name": "probe"}, **changed), path)  # type: ignore[arg-type]
    return str(path)


def test_the_app_is_built_again(recorded: FieldRecording, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--engine", "qemu"]
    assert main(["replay", as_if_elsewhere(recorded, tmp_path / "a.blrec"), *words]) == 0
    assert f"same {len(recorded.decisions)} decisions, decision hash" in capsys.readouterr().out
    wrong = [dict(d) for d in recorded.decisions]
    wrong[3]["label"] = "swimming"
    assert main(["replay", as_if_elsewhere(recorded, tmp_path / "b.blrec", decisions=tuple(wrong)), *words]) == 1
    said = capsys.readouterr().out
    assert "first other decision: number 4: was 'swimming' after 49 samples of imu, now 'running' after 49" in said


def test_what_cannot_be_built_again_is_one_error(
    recorded: FieldRecording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for changed, told in (
        ({}, "is linked for engine probe"),
        ({**recorded.build, "app": "gone"}, "cannot be built again: unknown app 'gone'"),
        ({**recorded.build, "model_sha256": "00"}, "has another model now than in the recording"),
    ):
        assert main(["replay", as_if_elsewhere(recorded, tmp_path / "c.blrec", build=changed), "--engine", "qemu"]) == 2
        said = capsys.readouterr().err
        assert told in said
        assert "give one that is linked for engine qemu: --firmware new.elf" in said
