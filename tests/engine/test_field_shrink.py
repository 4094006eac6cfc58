"""Shrinking and pinning on real runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench import FAULT, bench_elf
from test_field_replay import command, motion, recorded, target

from sim.cli import main
from sim.errors import UsageError
from sim.field.recorded import FieldRecording
from sim.field.recording_io import load, save
from sim.field.replay import image_of, replay
from sim.field.shrink import Shrunk, shrink
from sim.field.shrink_journal import Journal
from sim.field.symptom import Symptom
from sim.field.trial import State, Trials, whole_state
from sim.machine import Machine
from sim.sensors.recording import Recording

pytest_plugins = ["pytester"]
MOVING = Symptom("decision", "moving", 0.9)


def rare(machine: Machine) -> None:
    """Half a minute of rest, in it one window that moves."""
    values = np.zeros((119 * 12, 6))
    values[905:915] = 60
    machine.imu.play(Recording(values, motion(4).channels, motion(4).units, rate=119.0, name="rare"))
    machine.run("12 s")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> FieldRecording:
    folder = tmp_path_factory.mktemp("case")
    recording = recorded(folder / "a", bench_elf(folder), rare)
    assert MOVING.seen(recording)
    assert len(recording.decisions) > 50
    return recording


def shrunk(case: FieldRecording, **options: object) -> Shrunk:
    with image_of(case, None) as elf:
        return shrink(case, target(), elf, MOVING, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small(case: FieldRecording) -> Shrunk:
    return shrunk(case, jobs=2)


def test_one_window_is_left_and_no_sample_more(case: FieldRecording, small: Shrunk) -> None:
    assert small.before > 1400
    assert small.after == 16  # what the firmware takes at a time
    assert len(small.recording.decisions) == 1
    assert MOVING.seen(small.recording)
    codes = small.recording.sensors[0].samples()
    with image_of(small.recording, None) as elf:
        assert replay(small.recording, target(), elf).same
        trials = Trials(small.recording, target(), elf, MOVING)
        state = whole_state(small.recording)
        for i in range(len(codes)):
            rows = np.delete(np.arange(len(codes)), i)
            less = replace(state, codes={"imu": codes[rows]}, kept={"imu": rows}, whole=False)
            assert not trials.fails(less)


def test_samples_are_simple(small: Shrunk) -> None:
    codes = small.recording.sensors[0].samples()
    assert (codes % 64 == 0).all()
    assert any("all the time" in line for line in small.did)
    assert small.recording.remarks[0].startswith("shrunk from 14")


def test_the_same_for_any_number_of_jobs_and_after_a_stop(
    case: FieldRecording, small: Shrunk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = Trials.fails, [25]

    def stopped(self: Trials, state: State) -> bool:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return real(self, state)

    journal = tmp_path / "journal"
    monkeypatch.setattr(Trials, "fails", stopped)
    with pytest.raises(KeyboardInterrupt):
        shrunk(case, journal=journal)
    journal.write_text(journal.read_text() + '{"state": "cut sho')
    again = shrunk(case, journal=journal)
    assert again.known >= 24
    assert again.recording == small.recording
    # A journal of something else is not believed.
    journal.write_text('{"about": "another"}\n{"state": "x", "fails": true}\n')
    assert '"x"' in journal.read_text()
    Journal(journal, "this").close()
    assert '"x"' not in journal.read_text()


def test_holding_keeps_the_time(case: FieldRecording) -> None:
    held = shrunk(case, gaps="hold", jobs=2)
    assert MOVING.seen(held.recording)
    assert "holds the value" in held.recording.remarks[0]


def test_what_does_not_fail_is_not_shrunk(case: FieldRecording) -> None:
    with image_of(case, None) as elf, pytest.raises(UsageError, match="does not show it: it never decides 'flying'"):
        shrink(case, target(), elf, Symptom("decision", "flying"))
    with image_of(case, None) as elf, pytest.raises(UsageError, match="gaps='open'"):
        shrink(case, target(), elf, MOVING, gaps="open")


def test_writes_and_faults_that_are_not_needed_go(tmp_path: Path) -> None:
    def test(machine: Machine) -> None:
        machine.imu.play(motion(2))
        machine.faults.swap("imu", "ax", "ay", after="100 ms")
        machine.faults.flip("blob", bit=3, after="120 ms")
        machine.run("400 ms")
        machine.write("offset", 3)
        machine.write("command", FAULT)
        machine.run("1 s")

    recording = recorded(tmp_path / "a", bench_elf(tmp_path), test)
    assert len(recording.faults) == 2
    with image_of(recording, None) as elf:
        assert recording.failure is not None
        symptom = Symptom("failure", recording.failure.signature)
        small = shrink(recording, target(), elf, symptom).recording
    assert small.faults == ()
    assert [data for _, _, data in small.writes] == [FAULT.to_bytes(4, "little")]


def test_shrink_and_pin_by_command(
    case: FieldRecording,
    small: Shrunk,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = pytester.path
    monkeypatch.chdir(folder)
    bench_elf(folder)
    save(case, folder / "a.blrec")
    save(small.recording, folder / "b.blrec")
    code, said, data = command(capsys, "shrink", "b.blrec", "-o", "c.blrec", "--jobs", "2")
    assert code == 0, said
    assert (data["samples_before"], data["samples_after"]) == (16, 16)
    assert not list(folder.glob("*.journal"))
    assert main(["shrink", "b.blrec", "-o", "d.blrec"]) == 0
    assert "may be decided so for good reason; --good OLD.elf" in capsys.readouterr().out
    (folder / "tests").mkdir()
    words = ["pin", "c.blrec", "-o", "tests/test_field_0042.py", "--story", "A customer's dog wore it."]
    code, said, data = command(capsys, *words)
    assert code == 2
    assert "--app NAME" in said
    assert not list((folder / "tests").iterdir())
    code, said, data = command(capsys, *words, "--firmware", "bench.elf")
    assert code == 0, said
    text = (folder / "tests" / "test_field_0042.py").read_text()
    assert "A customer's dog wore it." in text
    assert "decides 'moving' with a score above 0.9" in text
    assert "16 samples at 119 Hz" in text
    assert "\nimu" in text  # what is left of its channels: a name stays as it is
    assert "\nImu" not in text
    assert len((folder / "tests" / "test_field_0042.blrec").read_bytes()) < 10_000
    result = pytester.runpytest("tests/test_field_0042.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert not any(d.label == 'moving'*"])
    # Fixed: what it decides now is never above 0.9. (A firmware that is still before its first decision.)
    bench_elf(folder, 4)
    pytester.runpytest("tests/test_field_0042.py", "--firmware", "bench.elf")
    code, said, data = command(capsys, *words, "--firmware", "bench.elf")
    assert code == 2
    assert "is there already" in said
    assert main(["pin", "c.blrec", "-o", "field.py", "--app", "x"]) == 2
    assert "pytest would not find it" in capsys.readouterr().err
    assert main(["pin", "a.blrec", "-o", "test_x.py", "--firmware", "bench.elf", "--symptom", "decision:flying"]) == 2
    assert "the recording, run again, never decides 'flying': the test would pass at once" in capsys.readouterr().err
    assert main(["pin", "a.blrec", "-o", "test_x.py", "--app", "x", "--recorder", "long"]) == 2
    assert "recorder = 'long' is no duration" in capsys.readouterr().err
    assert main(["pin", "a.blrec", "-o", "test_x.py", "--firmware", "x.elf", "--recorder", "5 s"]) == 2
    assert "--recorder and --firmware" in capsys.readouterr().err
    assert main(["shrink", "a.blrec", "--jobs", "0"]) == 2
    assert "--jobs 0" in capsys.readouterr().err


def test_a_pinned_failure_is_red_by_itself(tmp_path: Path, pytester: pytest.Pytester) -> None:
    def test(machine: Machine) -> None:
        machine.write("command", FAULT)
        machine.run("1 s")

    recorded(tmp_path / "a.blrec", bench_elf(pytester.path), test)
    assert (
        main(["pin", str(tmp_path / "a.blrec"), "-o", str(pytester.path / "test_f.py"), "--firmware", "bench.elf"]) == 0
    )
    result = pytester.runpytest("test_f.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*BusFault*in main*"])


def test_property_tests_find_inputs(tmp_path: Path) -> None:
    hypothesis = pytest.importorskip("hypothesis")
    from sim.field.strategies import stimulus

    elf = bench_elf(tmp_path)
    found: list[Recording] = []

    @hypothesis.settings(max_examples=12, deadline=None, derandomize=True, database=None)
    @hypothesis.given(stimulus(["ax", "ay", "az"], "m/s^2", rate=119, limit=70, least=16, most=16))
    def never_moves(motion: Recording) -> None:
        with target().boot(elf) as machine:
            machine.imu.play(motion)
            label = machine.wait_for_decision().label
            if label == "moving":
                found.append(motion)
            assert label == "still"

    with pytest.raises(AssertionError):
        never_moves()
    # The last one that failed is the simplest: flat, one piece.
    assert len(np.unique(found[-1].values, axis=0)) == 1


def test_drawn_stimuli_are_checked() -> None:
    pytest.importorskip("hypothesis")
    from sim.field.strategies import stimulus

    with pytest.raises(UsageError, match="nothing fits that"):
        stimulus(["ax"], "g", rate=100, limit=1, least=5, most=4)


def test_small_recordings_are_read_back(small: Shrunk, tmp_path: Path) -> None:
    save(small.recording, tmp_path / "a")
    assert load(tmp_path / "a") == small.recording
    assert json.dumps(small.recording.complaint)
