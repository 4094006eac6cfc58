"""The recorder as an option of the build: its dump, from the console, becomes the run that it is of."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bare import engine

from sim.cli import main
from sim.errors import BuildError, UsageError
from sim.field.importing import import_logs
from sim.field.recorded import FieldRecording
from sim.field.replay import replay
from sim.firmware.recorder import RecorderOption, Source, sources_of, span_of
from sim.leaks import leaks
from sim.paths import data_root
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

pytestmark = pytest.mark.slow
PRIVACY = data_root() / "tests" / "usecases" / "test_virtues_privacy.py"


def target(recorder: str = "", board: str = "arduino_nano_33_ble") -> Target:
    engine()
    return Target.of(replace(Settings(), recorder=recorder, board=board))


def later(name: str, seconds: float) -> Recording:
    """A recording behind so much of its own first sample: more than the ring holds."""
    stimulus = Recording.load(find_recording(name)) if name else shaking()
    assert stimulus.rate is not None
    before = np.repeat(stimulus.values[:1], round(seconds * float(stimulus.rate)), axis=0)
    rng = np.random.default_rng(1)
    before = before + rng.normal(scale=np.abs(stimulus.values).mean() / 100, size=before.shape)
    return Recording(np.concatenate([before, stimulus.values]), stimulus.channels, stimulus.units, rate=stimulus.rate)


def shaking() -> Recording:
    """A machine whose vibration grows."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(26667, 3)) * np.linspace(0.5, 3, 26667)[:, None]
    return Recording(values, ["ax", "ay", "az"], "m/s^2", rate=26667, name="shaking")


def lived(where: Target, app: str, slot: str, stimulus: Recording, until: float, folder: Path) -> tuple[Path, Path]:
    """(log, ELF) of a device that was asked for a dump after so many seconds."""
    built = where.build(app)
    with where.boot(built.elf) as machine:
        machine.sensor(slot).play(stimulus)
        machine.run(until)
        machine.call("boardless_recorder_request")
        machine.run("1 s")
        assert machine.sensor(slot).channel.name == slot
        log = folder / "uart.log"
        log.write_bytes(machine.console.raw)
    return log, built.elf


def again(made: FieldRecording, where: Target, elf: Path) -> set[tuple[str, int]]:
    """(label, samples taken) of the replay's decisions."""
    return {(d["label"], next(iter(d["samples"].values()))) for d in replay(made, where, elf).now.decisions}


@pytest.mark.parametrize(
    ("app", "slot", "name", "option", "before", "until", "label"),
    [
        ("gesture", "imu", "running_07", "6 s", 12, 20, "running"),
        ("keyword", "microphone", "yes_synthetic", "3 s", 4, 6.2, "yes"),
        ("sound", "microphone", "sound_knock", "2 s", 3, 4.5, ""),
        ("machine", "vibration", "", "800 ms", 0.6, 1.7, ""),
    ],
)
def test_the_same_decision_comes_out_of_its_dump(
    app: str, slot: str, name: str, option: str, before: float, until: float, label: str, tmp_path: Path
) -> None:
    where = target(option)
    log, elf = lived(where, app, slot, later(name, before), until, tmp_path)
    made = import_logs([log], where.board, elf=elf)
    (sensor,) = made.sensors
    held = len(sensor.samples()) / float(sensor.openings[0].rate)
    asked = float(option.split()[0]) / (1000 if option.endswith("ms") else 1)
    assert asked - 0.3 <= held < asked * 1.5  # up to an inference's period may be left out at the start
    assert any("begins at sample" in r for r in made.remarks)
    logged = {(d["label"], d["samples"][slot]) for d in made.decisions}
    assert logged
    last = max(logged, key=lambda d: d[1])
    assert last in again(made, where, elf)
    assert label in last[0]


def test_a_low_score_is_dumped_by_command_to_a_pinned_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    where = target("4 s below 0.9")
    built = where.build("gesture")
    with where.boot(built.elf) as machine:
        motions = [
            Recording.load(find_recording(n)) for n in ("running_07", "standing_01", "walking_03", "badminton_04")
        ]
        values = np.concatenate([m.values for m in motions])
        machine.imu.play(Recording(values, motions[0].channels, motions[0].units, rate=motions[0].rate))
        machine.run("36 s")  # the scores are low where one motion becomes another
        Path("uart.log").write_bytes(machine.console.raw)
        low = [d.score for d in machine.decisions if d.score < 0.9]
        assert low
        assert any(leak.where == "console" for leak in leaks(machine))
    dumps = Path("uart.log").read_text().count("low_confidence")
    assert 1 <= dumps <= 4 < len(low)  # once a ring, not once a window
    words = ["field", "import", "uart.log", "--board", "arduino_nano_33_ble", "--firmware", str(built.elf)]
    assert main([*words, "-o", "case.blrec"]) == 0
    out = capsys.readouterr().out
    assert "dumped for low_confidence" in out
    label = FieldRecording.load("case.blrec").decisions[-1]["label"]
    assert main(["replay", "case.blrec", "--symptom", f"decision:{label}"]) == 1
    assert f"still: decides {label!r}" in capsys.readouterr().out


def test_off_there_is_nothing_of_it() -> None:
    names = target().build("gesture").symbols
    assert not [n for n in names if n.startswith(("blr_", "boardless_recorder", "__recorder"))]


def test_with_it_the_privacy_test_fails() -> None:
    engine()
    chosen = [str(PRIVACY), "-k", "(no_samples_leave and running_07) or no_sound_leaves", "-p", "no:cacheprovider"]

    def result(recorder: str) -> str:
        environment = {**os.environ, "BOARDLESS_RECORDER": recorder}
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", *chosen], env=environment, capture_output=True,
                              text=True, check=False)  # fmt: skip
        return done.stdout

    assert "2 passed" in result("")
    said = result("2 s")
    assert "2 failed" in said
    assert "a fault or a request sends the last samples of" in said


def test_what_does_not_fit_is_refused_with_by_how_much() -> None:
    small = target("5 s", "nucleo_l152re")
    with pytest.raises(
        BuildError, match=r"needs 1\d{5} bytes of RAM, nucleo_l152re has \d+ free .*: (\d+) too many"
    ) as e:
        small.build("keyword")
    told = str(e.value)
    needed, free, over = (int(n) for n in re.findall(r"needs (\d+) .* has (\d+) free .*: (\d+) too many", told)[0])
    assert needed - free == over
    fits = re.search(r"([\d.]+) s fit", told)
    assert fits is not None
    assert target(f"{float(fits[1]) - 0.1:.1f} s", "nucleo_l152re").build("keyword").recorder
    assert re.fullmatch(
        r"[\d,]+ bytes: the last [\d.]+ s of imu", target("all", "nucleo_l152re").build("gesture").recorder
    )
    hello = target("1 s").build("hello")
    assert (hello.recorder, "blr_init" in hello.symbols) == ("none: the app reads no sensor", False)


def test_a_setting_of_the_project_leaves_plain_models_alone() -> None:
    """What they infer is given by the test: they read no sensor."""
    model = data_root() / "models" / "hello" / "hello.tflite"
    assert target("2 s").build("invoke", model).recorder == "none: the app reads no sensor"


def test_the_first_read_may_be_the_smaller_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(data_root() / "firmware" / "apps" / "gesture", "gesture")
    source = Path("gesture/gesture.cc")
    loop = "  while (imu.read("
    assert source.read_text().count(loop) == 1
    source.write_text(source.read_text().replace(loop, f"  imu.read(&samples[0][0], 1);  // settles\n{loop}"))
    where = target("100 ms")
    assert where.build("./gesture").recorder == where.build("gesture").recorder


def test_a_note_of_another_version_or_image_is_not_believed(tmp_path: Path) -> None:
    where = target("2 s")
    elf, note = where.build("gesture").elf, tmp_path / "reads.json"
    true = [Source("imu", 14900, 12, 7)]

    def found() -> list[Source]:
        return sources_of(elf, where.board, where.layout, where.engine, note)

    note.write_text('{"sources": [{"slot": "imu", "rate_mhz": 1, "size": 2, "read": 3}]}')  # as the first version was
    assert found() == true
    text = note.read_text()
    note.write_text(text.replace("14900", "14901"))
    assert found() == [Source("imu", 14901, 12, 7)]  # it is what is asked
    key = json.loads(text)["key"]["elf"]
    note.write_text(text.replace("14900", "14901").replace(key, key[::-1]))
    assert found() == true


def test_options() -> None:
    assert RecorderOption.parse("") is None
    assert RecorderOption.parse("all") == RecorderOption(None, 0.0)
    assert RecorderOption.parse(" 5 s below 0.6") == RecorderOption(5 * 10**12, 0.6)
    for bad in ("5", "five s", "0 s", "5 s below", "5 s below x", "5 s below -1", "below 0.5", "   "):
        with pytest.raises(UsageError, match="recorder"):
            RecorderOption.parse(bad)
    imu = Source("imu", 119000, 12, 7)
    for ring in (1000, 4000, 100_000):
        assert imu.needed(round(span_of([imu], ring) * 1e12)) <= ring
