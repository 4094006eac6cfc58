"""Bus builds on a real Renode: the same decisions over the board's own peripherals, and what can go wrong on a bus.

What Renode's models lack is tested on the port build only: they have no time of their own, so that there are no
latencies, no FIFO that overruns, no dropouts.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim import Recording, Settings
from sim.boards import Board
from sim.cli import main
from sim.engines.renode import find_renode
from sim.engines.renode.platform import bus_layout_of
from sim.errors import CannotPlay, FirmwareFailure, SetupError, UsageError
from sim.evaluate import evaluate
from sim.machine import Machine
from sim.paths import data_root
from sim.report.json_out import schema
from sim.sensors.find import find_recording
from sim.target import Target

BOARD = "arduino_nano_33_ble"
USES = [  # app, sensor, recording
    ("gesture", "imu", "running_07"),
    ("gesture", "imu", "badminton_04"),
    ("keyword", "microphone", "yes_synthetic"),
    ("sound", "microphone", "sound_glass"),
]


def target(io: str) -> Target:
    """The Nano on Renode; skips where there is none."""
    settings = replace(Settings.load(), board=BOARD, engine="renode", io=io)
    try:
        find_renode(settings)
    except SetupError as error:
        pytest.skip(f"{error.message}. {error.hint}")
    return Target.of(settings)


def decided(machine: Machine) -> list[tuple[str, float, object]]:
    return [(d.label, d.score, d.samples) for d in machine.decisions]


def played(name: str) -> Recording:
    return Recording.load(find_recording(name, []))


@pytest.mark.parametrize(("app", "sensor", "name"), USES)
def test_on_the_same_codes_the_bus_build_decides_as_the_port_build(app: str, sensor: str, name: str) -> None:
    seen = {}
    for io in ("port", "bus"):
        there = target(io)
        with there.boot(there.build(app).elf) as machine:
            machine.sensor(sensor).play(played(name))
            machine.run_to_end(within="1 min")
            # Every code that the firmware read, and what came of them.
            seen[io] = machine.sensor(sensor).channel.output.recent().tolist(), decided(machine), machine.console.text
            if io == "bus":
                assert machine.has_own_time
                assert all(math.isnan(d.latency) for d in machine.decisions)
                assert machine.sensor(sensor).channel.statistics().overrun == 0
    assert seen["bus"][1], "no decision"
    assert seen["port"] == seen["bus"]


def test_every_code_of_16_bits_goes_through_the_model_of_the_imu() -> None:
    """Also those at the ends, which kill Renode when they are one too large."""
    there = target("bus")
    firmware = there.build("gesture")
    part = Target.of(replace(there.settings, io="port"))
    limits = np.array([32767] * 3 + [28000] * 3)
    codes = np.vstack([limits, -limits, np.zeros(6, int), np.ones(6, int), -np.ones(6, int)] * 6)
    scales = np.array([0.122e-3 * 9.80665] * 3 + [8.75e-3] * 3)
    units = ("m/s^2",) * 3 + ("deg/s",) * 3
    extreme = Recording(codes * scales, ("ax", "ay", "az", "gx", "gy", "gz"), units, rate=14.9)
    seen = []
    for place, elf in ((there, firmware.elf), (part, part.build("gesture").elf)):
        with place.started(elf) as machine:
            machine.port.config["show_input"] = 1
            machine.run_until_ready()
            machine.imu.play(extreme)
            machine.wait_for_decision(within="10 s")
            seen.append([out for slot, out in machine.port.outputs if slot == 0])
    assert seen[0] == seen[1]


def test_what_plays_can_change_in_mid_run() -> None:
    """The model of the microphone is two seconds ahead; it gets what plays now in place of what would have."""
    there = target("bus")
    with there.boot(there.build("keyword").elf) as machine:
        machine.microphone.play(played("no_synthetic"))
        machine.run("0.2 s")
        machine.microphone.play(played("yes_synthetic"))
        assert machine.wait_for_decision(within="5 s").label == "yes"


def test_a_recorder_in_a_bus_build_knows_what_its_drivers_read() -> None:
    there = target("bus")
    kept = {}
    for place in (there, Target.of(replace(there.settings, io="port"))):
        place = replace(place, settings=replace(place.settings, recorder="5 s"))
        kept[place.settings.io] = place.build("gesture").recorder
    assert kept["bus"] == kept["port"]
    assert kept["bus"].endswith("s of imu")


def test_an_app_without_sensors_is_a_bus_build_too() -> None:
    """A project's setting holds for plain models as well: its console is the product's UART."""
    there = target("bus")
    with there.boot(there.build("hello").elf) as machine:
        assert machine.layout.io == "bus"
        machine.run("1 ms")
    model = str(data_root() / "models" / "hello" / "hello.tflite")
    assert main(["invoke", model, "--board", BOARD, "--engine", "renode", "--io", "bus"]) == 0


def test_two_runs_are_alike() -> None:
    there, seen = target("bus"), []
    elf = there.build("gesture").elf
    for step in ("3 s", "70 ms"):
        with there.boot(elf) as machine:
            machine.imu.play(played("running_07"))
            while machine.time < 3:
                machine.run(step)
            seen.append([(d.label, d.score, d.time) for d in machine.decisions if d.time < 3])
    assert seen[0] == seen[1]


def test_it_runs_where_tests_are_recorded_and_reported(tmp_path: Path) -> None:
    """As in CI, where that is the default. Nobody knows latencies: none is given, none is 0."""
    target("bus")
    (tmp_path / "test_it.py").write_text(
        f"import pytest\n\n\n@pytest.mark.board({BOARD!r})\n@pytest.mark.engine('renode')\n@pytest.mark.io('bus')\n"
        "@pytest.mark.app('gesture')\ndef test_it(machine, recording):\n"
        "    machine.imu.play(recording('running_07'))\n    machine.wait_for_decision(label='running', within='10 s')\n"
    )
    words = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--boardless-record",
        "always",
        "--boardless-report",
        "report",
        "test_it.py",
    ]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=tmp_path, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    (test,) = json.loads((tmp_path / "report" / "results.json").read_text())["records"]
    assert test["decisions"][0]["latency"] is None
    assert "latency" not in test["figures"]


def test_an_evaluation_has_no_latencies(tmp_path: Path) -> None:
    there = target("bus")
    (tmp_path / "running").mkdir()
    shutil.copy(find_recording("running_07"), tmp_path / "running")
    found = evaluate("gesture", tmp_path, settings=there.settings)
    assert found.accuracy == 1
    assert found.latency is None
    assert found.as_json()["latency"] is None


# ---- faults of the bus: the driver reports them, and does not hang ----


@pytest.fixture
def gesture() -> Iterator[Machine]:
    there = target("bus")
    with there.started(there.build("gesture").elf) as machine:
        yield machine


def test_a_missing_sensor(gesture: Machine) -> None:
    gesture.faults.bus("imu", "no answer")
    with pytest.raises(FirmwareFailure, match=r"gave up: sensor imu: not opened: no answer on the bus \(NACK\)"):
        gesture.run("1 s")
    assert gesture.faults.done[0]["how"] == "no answer"


def test_a_part_that_no_longer_answers(gesture: Machine) -> None:
    gesture.imu.play(played("running_07"))
    gesture.faults.bus("imu", "no answer", after="3 s")
    with pytest.raises(FirmwareFailure, match=r"sensor imu: read failed: no answer on the bus \(NACK\)"):
        gesture.run("5 s")
    assert 3 <= gesture.time < 3.2
    assert [d.label for d in gesture.decisions] == ["running"] * 3


def test_a_part_that_is_away_while_nobody_asks_is_not_missed(gesture: Machine) -> None:
    gesture.imu.play(played("running_07"))
    gesture.faults.bus("imu", "no answer", after="3.03 s", lasts="30 ms")  # between two reads, 67 ms apart
    gesture.run("5 s")
    assert len(gesture.decisions) > 5


@pytest.mark.parametrize("after", ["0 s", "2 s"])
def test_a_bus_that_is_stuck(gesture: Machine, after: str) -> None:
    gesture.faults.bus("imu", "stuck", after=after)
    with pytest.raises(FirmwareFailure, match=r"sensor imu: .*: the bus is stuck"):
        gesture.run("5 s")


def test_a_microphone_that_falls_silent() -> None:
    there = target("bus")
    with there.boot(there.build("sound").elf) as machine:
        machine.faults.bus("microphone", "stuck", after="0.5 s")
        with pytest.raises(FirmwareFailure, match="sensor microphone: read failed: the bus is stuck"):
            machine.run("5 s")
        assert 0.5 < machine.time < 0.8


def test_the_demo_plays_what_has_a_driver_and_its_json_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bus build knows no latency: null in JSON, which has no NaN, and no word of it in the text."""
    jsonschema = pytest.importorskip("jsonschema")
    target("bus")
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "-b", BOARD, "-e", "renode", "--io", "bus", "--json", "d.json"]) == 0
    data = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, schema("demo"))
    (use,) = data["uses"]
    assert (use["use"], use["right"], len(use["items"])) == ("gesture", 8, 8)
    assert {item["latency"] for item in use["items"]} == {None}
    out = capsys.readouterr().out
    assert "Not played: image. A bus build for Arduino Nano 33 BLE Sense has no driver for its camera." in out
    assert "nan ms" not in out


def test_what_a_bus_build_has_not_is_said(gesture: Machine) -> None:
    with pytest.raises(UsageError, match="a bus with the fault 'on fire'"):
        gesture.faults.bus("imu", "on fire")
    with pytest.raises(UsageError, match="has no 'radar'"):
        gesture.faults.bus("radar")
    with pytest.raises(UsageError, match="no answer of the port can be late"):
        gesture.faults.late("imu", by="1 ms")
    with pytest.raises(UsageError, match="a bus build cannot be recorded"):
        gesture.record()
    gesture.imu.drop_out("1 s")
    with pytest.raises(UsageError, match="no dropouts on the bus"):
        gesture.run("1 s")


# ---- without Renode ----


def test_an_engine_without_peripherals_refuses_a_bus_build() -> None:
    with pytest.raises(CannotPlay, match="engine qemu has none of the peripherals and sensors of"):
        Target.of(replace(Settings.load(), board=BOARD, engine="qemu", io="bus"))
    with pytest.raises(UsageError, match="io = 'air'"):
        Settings.load({"io": "air"})


def test_a_copy_of_a_board_under_another_name_has_no_drivers() -> None:
    board = Board.load(BOARD)
    assert bus_layout_of(board).io == "bus"
    with pytest.raises(CannotPlay, match="board my_nano has no bus build: no drivers for its sensors"):
        bus_layout_of(replace(board, name="my_nano"))


def test_a_bus_fault_needs_a_bus() -> None:
    there = Target.of(replace(Settings.load(), board=BOARD, engine="qemu"))
    with (
        there.boot(there.build("gesture").elf) as machine,
        pytest.raises(UsageError, match="from the port, not from a bus"),
    ):
        machine.faults.bus("imu")


LATE = """#include "app.h"

using namespace boardless;

int main() {
  Sensor imu("imu", 952000);
  int16_t samples[7][6];
  bl_ready("late");
  for (uint32_t i = 0; imu.read(&samples[0][0], 7); i++) {
    boardless_log("%u lost %u\\n", static_cast<unsigned>(imu.index()), static_cast<unsigned>(imu.lost()));
    if (i == 4) for (volatile uint32_t busy = 0; busy < 2000000;) busy = busy + 1;
  }
  finish();
}
"""


def test_samples_that_the_app_was_too_late_for_count_before_the_next_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before the one after it: index and loss of a read are those of the port build, where a FIFO overruns."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(data_root() / "firmware" / "apps" / "gesture", "late")
    Path("late/gesture.cc").write_text(LATE)
    for io in ("port", "bus"):
        there = target(io)
        with there.boot(there.build("./late").elf) as machine:
            machine.run("0.6 s")
            lines = [line.split(" lost ") for line in machine.console.text.splitlines() if " lost " in line]
        reads = [(int(first), int(lost)) for first, lost in lines][:10]
        lost = reads[-1][1]
        assert lost > 7, io
        assert reads == [(7 * i + (lost if i >= 5 else 0), lost if i >= 5 else 0) for i in range(10)], io
