"""Recordings of real runs: each repeats, event by event; what differs is found, and said with its board time."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bare import engine
from bench import EXIT, FAULT, bench_elf

from sim.cli import main
from sim.errors import FirmwareFailure, UsageError
from sim.field.recorded import FieldRecording
from sim.field.recording_io import load
from sim.field.replay import image_of, replay
from sim.machine import Machine
from sim.report.json_out import schema
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

pytest_plugins = ["pytester"]
RECORDINGS = 100 if os.environ.get("BOARDLESS_LONG") else 12
AXES = ["ax", "ay", "az", "gx", "gy", "gz"]
UNITS = ["m/s^2"] * 3 + ["deg/s"] * 3


def target(board: str = "arduino_nano_33_ble") -> Target:
    engine()
    return Target.of(replace(Settings.load({}), board=board))


def motion(seed: int, seconds: float = 3.0) -> Recording:
    """Noise of changing size: some windows of it are still, some are not."""
    import numpy as np

    rng = np.random.default_rng(seed)
    values = rng.normal(size=(int(seconds * 119), 6)) * rng.uniform(0.1, 30, size=(int(seconds * 119), 1))
    return Recording(values, AXES, UNITS, rate=119.0, name=f"motion {seed}")


def recorded(path: Path, elf: Path, test: Callable[[Machine], None]) -> FieldRecording:
    """What the test did with the machine, as a recording that was saved and loaded."""
    with target().started(elf) as machine:
        machine.record()
        try:
            machine.run_until_ready()
            test(machine)
        except FirmwareFailure:
            if machine.failure is None:
                raise
        machine.save_recording(path, seed=1)
    return load(path)


def again(recording: FieldRecording) -> FieldRecording:
    with image_of(recording, None) as elf:
        result = replay(recording, target(), elf)
    assert result.same, result.difference
    assert result.same_decisions
    assert result.unlike == []
    return result.now


def played(seed: int) -> Callable[[Machine], None]:
    """A test that does something else for each seed, in steps of another size."""

    def test(machine: Machine) -> None:
        rng = random.Random(seed)
        machine.imu.play(motion(seed), noise_seed=seed if seed % 3 == 0 else None)
        if seed % 4 == 1:
            machine.imu.drop_out("300 ms", after="500 ms", kind=rng.choice(["silent", "stuck"]))
        if seed % 4 == 2:
            machine.write("offset", rng.randrange(-100, 100))
        if seed % 5 == 2:
            machine.faults.swap("imu", "ax", "gz", after="200 ms", lasts="1 s")
            machine.faults.noise("imu", "ay", sigma=3.0, seed=seed, after="600 ms")
        if seed % 5 == 3:
            machine.faults.late("imu", by="30 ms", after="1 s", lasts="200 ms")
            machine.faults.flip("ticks", bit=rng.randrange(32), after="700 ms")
        if seed % 7 == 4:
            machine.faults.clock(ppm=rng.randrange(-50_000, 50_000), after="300 ms")
            machine.faults.reset(after="900 ms", ram=rng.choice(["kept", "lost", "random"]), seed=seed, off="10 ms")
        while machine.time < 2.5:
            machine.run(rng.uniform(0.01, 0.7))

    return test


@pytest.mark.parametrize("part", range(4))  # for -n 4
def test_recordings_repeat_in_any_order(tmp_path: Path, part: int) -> None:
    elf = bench_elf(tmp_path)
    made = [recorded(tmp_path / f"{seed}.blrec", elf, played(seed)) for seed in range(part, RECORDINGS, 4)]
    assert len({r.event_hash for r in made}) == len(made)
    random.Random(5).shuffle(made)
    for recording in made:
        now = again(recording)
        assert now.console == recording.console
        assert [s.openings for s in now.sensors] == [s.openings for s in recording.sensors]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    elf = bench_elf(tmp_path)
    for name in "ab":
        recorded(tmp_path / name, elf, played(3))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    # A replay, recorded, is the run itself but for the stimulus, which it does not know.
    assert again(load(tmp_path / "a")).stimuli == ()


def test_codes_are_those_the_firmware_got(tmp_path: Path) -> None:
    def test(machine: Machine) -> None:
        machine.imu.play(motion(8))
        machine.run("1 s")
        seen.append(machine.imu.channel.output.recent())

    seen: list[Any] = []
    recording = recorded(tmp_path / "a", bench_elf(tmp_path), test)
    imu = recording.sensor("imu")
    assert imu is not None
    assert (imu.samples() == seen[0]).all()
    assert imu.openings[0].rate == 119
    assert recording.stimuli[0].name == "motion 8"
    assert recording.decisions[3]["samples"] == {"imu": 64}
    assert [e.what for e in recording.events[:4]] == ["ready", "open", "read", "decision"]


def test_a_failure_is_the_same_failure(tmp_path: Path) -> None:
    def test(machine: Machine) -> None:
        machine.imu.play(motion(2))
        machine.run("500 ms")
        machine.write("command", FAULT)
        machine.run("1 s")

    recording = recorded(tmp_path / "a", bench_elf(tmp_path), test)
    assert recording.failure is not None
    assert "BusFault" in recording.failure.reason
    assert recording.failure.signature.endswith("in main")
    assert "backtrace" in recording.failure.report
    now = again(recording)
    assert now.failure is not None
    assert now.failure.reason == recording.failure.reason


def test_a_run_that_ends(tmp_path: Path) -> None:
    def test(machine: Machine) -> None:
        machine.write("command", EXIT)
        machine.run_to_exit()

    recording = recorded(tmp_path / "a", bench_elf(tmp_path), test)
    assert recording.exit_code == 3
    assert again(recording).exit_code == 3


def test_the_first_difference_has_its_board_time(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "a", bench_elf(tmp_path), played(0))
    imu = recording.sensor("imu")
    assert imu is not None
    codes = imu.samples()
    codes[100:, 0] += 4000  # in the seventh read
    other = replace(recording, sensors=(imu.with_samples(codes),))
    with image_of(other, None) as elf:
        result = replay(other, target(), elf)
    assert not result.same
    assert result.difference is not None
    assert result.difference.was is not None
    assert result.difference.was.what == "read"
    assert "imu 96+16" in str(result.difference)
    assert f"{result.difference.time_ps / 1e12:.6f} s" in str(result.difference)


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, dict[str, Any]]:
    jsonschema = pytest.importorskip("jsonschema")
    json_file = Path("r.json")
    json_file.unlink(missing_ok=True)
    code = main([*words, "--json", "r.json"])
    data = json.loads(json_file.read_text()) if json_file.exists() else {}
    if data:
        jsonschema.validate(data, schema(words[0]))
    said = capsys.readouterr()
    return code, said.out + said.err, data


def test_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    engine()
    monkeypatch.chdir(tmp_path)
    bench_elf(tmp_path)
    bench_elf(tmp_path, FAULT, "faulty.elf")
    assert main(["run", "faulty.elf", "--play", "running_07", "-q", "--record", "a.blrec"]) == 1
    capsys.readouterr()
    code, said, data = command(capsys, "replay", "a.blrec")
    assert (code, data["same"]) == (0, True)
    assert said.startswith("same: ")
    code, said, data = command(capsys, "replay", "a.blrec", "--firmware", "faulty.elf")
    assert code == 1
    assert "still: fails: BusFault" in said
    code, said, data = command(capsys, "replay", "a.blrec", "--firmware", "bench.elf")
    assert code == 0
    assert "no longer: fails" in said
    assert data["symptom"]["seen"] is False
    code, said, data = command(capsys, "replay", "a.blrec", "--board", "nucleo_l152re")
    assert code == 2
    assert "nucleo_l152re" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["replay", "none.blrec"], "No such file"),
        (["replay", "bench.elf"], "cannot be read"),
        (["replay", "a.blrec", "--board", "nope"], "nope"),
        (["replay", "a.blrec", "--engine", "nope"], "unknown engine"),
        (["replay", "a.blrec", "--firmware", "none.elf"], "none.elf"),
        (["replay", "a.blrec", "--symptom", "sad"], "unknown symptom 'sad'"),
        (["replay", "a.blrec", "--symptom", "failure"], "did not fail"),
        (["replay", "a.blrec", "--symptom", "decision:"], "decision of what?"),
        (["replay", "a.blrec", "--json", "no/where.json"], "no folder"),
        (["run", "bench.elf", "--record", "no/where.blrec"], "no folder"),
    ],
)
def test_bad_input(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recorded(tmp_path / "a.blrec", bench_elf(tmp_path), lambda machine: machine.run("200 ms"))
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_it_is_too_late_to_record(tmp_path: Path) -> None:
    with target().boot(bench_elf(tmp_path)) as machine:
        with pytest.raises(UsageError, match="nothing is recorded"):
            machine.save_recording(tmp_path / "a")
        machine.run("100 ms")
        with pytest.raises(UsageError, match="comes too late"):
            machine.record()


TESTS = """
import pytest
pytestmark = pytest.mark.firmware("bench.elf")

def test_red(machine, recording):
    machine.imu.play(recording("running_07"))
    machine.wait_for_decision("flying", within="1 s")

def test_green(machine):
    machine.run("100 ms")

def test_skipped(machine):
    pytest.skip("not today")
"""


@pytest.mark.slow
def test_a_red_test_leaves_a_file_and_says_how_to_run_it(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    engine()
    bench_elf(pytester.path)
    pytester.makepyfile(test_x=TESTS)
    result = pytester.runpytest("--boardless-record", "on-failure")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    files = [p.name for p in (pytester.path / ".boardless" / "recordings").iterdir()]
    assert files == ["test_x.py-test_red.blrec"]
    line = next(line for line in result.outlines if "boardless replay" in line)
    capsys.readouterr()
    assert main(line.split()[1:]) == 0
    assert capsys.readouterr().out.startswith("same: ")


@pytest.mark.slow
def test_recordings_as_asked(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    engine()
    bench_elf(pytester.path)
    bench_elf(pytester.path, FAULT, "faulty.elf")
    pytester.makepyfile(test_x=TESTS)
    folder = pytester.path / ".boardless" / "recordings"
    pytester.runpytest("-q")
    assert not folder.exists()
    pytester.runpytest("-q", "--boardless-record", "always")
    assert sorted(p.name for p in folder.iterdir()) == [
        f"test_x.py-test_{n}.blrec" for n in ("green", "red", "skipped")
    ]
    result = pytester.runpytest("--boardless-record", "sometimes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
