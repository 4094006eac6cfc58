"""The recorder in a device: what it dumps is what its sensors delivered, and the recording made of it repeats."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bare import compiled, engine
from test_field_replay import AXES, UNITS, target

from sim.boards import Board
from sim.cli import main
from sim.elf import load_elf
from sim.field.build_id import build_id
from sim.field.diagnose import diagnose
from sim.field.importing import import_logs
from sim.field.replay import replay
from sim.machine import Machine
from sim.paths import data_root
from sim.sensors.recording import Recording

FOLDER = data_root() / "firmware" / "recorder"
RATE = 119.0


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    engine()
    folder = tmp_path_factory.mktemp("device")

    def built(*flags: str) -> Path:
        return compiled(folder, "cortex-m4", ["recorder.c"], name="device", flags=[
            f"-I{FOLDER}", *map(str, sorted(FOLDER.glob("*.c"))), "-Wl,--build-id=sha1", "-Wextra", "-Werror", *flags,
        ])  # fmt: skip

    return built


def motion(loud_at: int, axis: int = 0) -> Recording:
    values = np.random.default_rng(3).normal(size=(700, 6))
    values[loud_at, axis] = 40.0
    return Recording(values, AXES, UNITS, rate=RATE, name="field")


def lived(elf: Path, stimulus: Recording, seconds: float = 3.0) -> tuple[bytes, np.ndarray]:
    """What the device sent over its UART, and the codes that it got."""
    with target().started(elf, on_fault="run") as machine:
        machine.run_until_ready()
        machine.imu.play(stimulus)
        machine.run(seconds)
        return machine.console.raw, machine.imu.channel.output.recent()


def test_a_dump_on_a_trigger(device: Callable[..., Path], tmp_path: Path) -> None:
    elf = device()
    raw, codes = lived(elf, motion(210))
    (tmp_path / "uart.log").write_bytes(raw)
    made = import_logs([tmp_path / "uart.log"], Board.load("arduino_nano_33_ble"), elf=elf)
    imu = made.sensors[0]
    count = len(imu.samples())
    assert 80 < count < 210  # what the ring holds
    assert (imu.samples() == codes[217 - count : 217]).all()
    assert imu.openings[0].ranges == (8, 2000)
    assert made.decisions[-1]["label"] == "loud_one"
    assert made.decisions[-1]["samples"] == {"imu": count}
    assert made.firmware["build_id"] == build_id(load_elf(elf)) != ""
    assert "uart.log: dumped for a_loud_window" in made.remarks
    assert not any("torn" in r for r in made.remarks)
    # On the virtual board it decides the same, at the same samples: the log began in front of a whole read.
    result = replay(made, target(), elf)
    came = {(d["label"], d["samples"]["imu"]) for d in result.now.decisions}
    assert {(d["label"], d["samples"]["imu"]) for d in made.decisions} <= came


@pytest.mark.parametrize("ring", [200, 1000, 1001, 5000])
def test_rings_of_any_size(device: Callable[..., Path], tmp_path: Path, ring: int) -> None:
    elf = device(f"-DRING={ring}")
    raw, codes = lived(elf, motion(350), 3.3)
    (tmp_path / "uart.log").write_bytes(raw)
    made = import_logs([tmp_path / "uart.log"], Board.load("arduino_nano_33_ble"), elf=elf)
    samples = made.sensors[0].samples()
    assert (samples == codes[357 - len(samples) : 357]).all()
    assert len(samples) * 12 <= ring


def test_of_a_read_that_is_larger_than_the_ring_the_end_is_kept_and_it_is_said(
    device: Callable[..., Path], tmp_path: Path
) -> None:
    elf = device("-DRING=200", "-DWINDOW=28")  # 336 bytes
    raw, codes = lived(elf, motion(196), 3.3)
    (tmp_path / "uart.log").write_bytes(raw)
    made = import_logs([tmp_path / "uart.log"], Board.load("arduino_nano_33_ble"), elf=elf)
    assert (made.sensors[0].samples() == codes[212:224]).all()
    assert made.decisions[-1]["samples"] == {"imu": 12}  # it is there, too
    said = [r for r in made.remarks if "did not fit" in r]
    assert said == ["uart.log: 8 reads of imu did not fit the recorder's ring whole: 128 samples were left out at "
                    "their beginnings"]  # fmt: skip
    assert not any("torn" in r for r in made.remarks)


def test_a_crash_with_its_samples(device: Callable[..., Path], tmp_path: Path) -> None:
    elf = device()
    raw, codes = lived(elf, motion(140, axis=1))
    (tmp_path / "uart.log").write_bytes(raw)
    found = diagnose([tmp_path / "uart.log"], elf)
    assert found.lines[0].startswith("BusFault: PRECISERR")
    assert "0xf0000010" in found.lines[0]
    assert "in deep+0x" in found.lines[0]
    trace = [text for text in found.lines if "recorder.c:" in text]
    assert any("main+0x" in text for text in trace)
    assert found.remarks == ()
    assert any(text.startswith("last samples of imu: ") for text in found.lines)
    made = import_logs([tmp_path / "uart.log"], Board.load("arduino_nano_33_ble"), elf=elf)
    samples = made.sensors[0].samples()
    assert (samples == codes[147 - len(samples) : 147]).all()
    # And it crashes here too.
    failure = replay(made, target(), elf).now.failure
    assert failure is not None
    assert "in deep" in failure.signature


def test_a_line_with_noise_on_it(device: Callable[..., Path], tmp_path: Path) -> None:
    elf = device()
    raw, _ = lived(elf, motion(210))
    rng = random.Random(1)
    data = bytearray(raw)
    for _ in range(6):
        data[rng.randrange(len(data) // 4, len(data))] = rng.randrange(256)
    (tmp_path / "uart.log").write_bytes(data)
    made = import_logs([tmp_path / "uart.log"], Board.load("arduino_nano_33_ble"), gaps="hold", elf=elf)
    assert any("torn lines" in r for r in made.remarks)


def test_by_command(
    device: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    elf = device()
    Path("uart.log").write_bytes(lived(elf, motion(140, axis=1))[0])
    words = ["field", "import", "uart.log", "--board", "arduino_nano_33_ble", "--firmware", str(elf), "-o", "a.blrec"]
    assert main(words) == 0
    assert main(["replay", "a.blrec"]) == 1
    assert "it fails: BusFault" in capsys.readouterr().out


def test_without_init_nothing_is_sent_and_the_fault_handler_may_be_left_out(
    device: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "quiet.c").write_text(
        '#include "bare.h"\n#include "boardless_recorder.h"\n'
        'int main(void) {\n  blr_dump("x");\n  blr_samples(0, 0, 0, 7);\n  blr_decision(0, 1, "x", 0, 0);\n'
        '  say("done\\n");\n  for (;;) {}\n}\n'
    )
    elf = compiled(tmp_path, "cortex-m4", [str(tmp_path / "quiet.c")], name="quiet",
                   flags=[f"-I{FOLDER}", *(str(FOLDER / f"boardless_recorder_{name}.c") for name in ("ring", "dump"))],
                   )  # fmt: skip

    def console(machine: Machine) -> str:
        machine.console.expect("done", within="10 ms")
        return machine.console.text

    with target().started(elf) as machine:
        assert console(machine) == "done\n"
