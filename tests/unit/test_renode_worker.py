"""Renode's side of boardless without Renode: messages, processes, sessions, port and sensors on a fake worker.

The worker behind these tests is `fake_renode.py`, which has no Renode in it: what Renode does is tested in
tests/engine/test_renode.py, where there is one.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.boards import Board
from sim.elf import Elf
from sim.engines.fake import fake_elf
from sim.engines.protocol import Fed
from sim.engines.renode import RenodeEngine, find_renode, process
from sim.engines.renode.codes import model_values
from sim.engines.renode.platform import description, layout_of
from sim.engines.renode.process import Worker
from sim.engines.renode.session import NO_LIMIT
from sim.errors import CannotPlay, FirmwareFailure, SetupError, UsageError
from sim.machine import Machine
from sim.paths import cache_root
from sim.sensors.stimulus import Function
from sim.settings import Settings

FAKE = Path(__file__).with_name("fake_renode.py")
BOARD = Board.load("arduino_nano_33_ble")
STM32 = Board.load("stm32f4_discovery")


class OnFake(RenodeEngine):
    """The engine with the fake worker in the place of Renode's."""

    def described(self) -> dict[str, str]:
        return self.worker().described

    def worker(self) -> Worker:
        path = os.pathsep.join(p for p in sys.path if p)
        return process.free_worker("fake", ["env", f"PYTHONPATH={path}", sys.executable, str(FAKE)], {}, cache_root())


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    opened: list[Machine] = []

    def start(program: str, board: Board = BOARD) -> Machine:
        elf = replace(fake_elf(board), path=tmp_path / f"{program}.elf")
        machine = Machine.started(elf, board, OnFake(Settings()))
        opened.append(machine)
        machine.run_until_ready()
        return machine

    yield start
    for machine in opened:
        machine.close()
    process.end_workers()


def pid(machine: Machine) -> int:
    worker: Worker = machine._session._worker  # type: ignore[attr-defined]
    return worker.pid


def test_samples_decisions_and_console_go_through_the_messages(play: Callable[[str], Machine]) -> None:
    machine = play("sense")
    machine.imu.play(Function(lambda t: np.where(t < 0.15, 5.0, -5.0), ["ax"], "m/s^2"))
    assert machine.run_to_exit("1 s") == 0
    assert [d.label for d in machine.decisions] == ["up", "up", "down"]
    assert [round(d.time, 3) for d in machine.decisions] == pytest.approx([10 / 119, 20 / 119, 30 / 119], abs=1e-2)
    assert machine.console.text == "ready\n"
    assert machine.read(BOARD.ram.origin, 4) == machine.read("boardless_mailbox", 4)
    machine.write(BOARD.ram.origin + 0x1000, b"abcd")
    assert machine.read(BOARD.ram.origin + 0x1000, 4) == b"abcd"


def test_machines_one_after_the_other_share_a_process_and_two_at_once_do_not(play: Callable[[str], Machine]) -> None:
    first = play("sense")
    second = play("sense")
    assert pid(first) != pid(second)
    before = pid(first)
    first.close()
    first.close()
    assert pid(play("sense")) == before


def test_a_killed_worker_fails_the_test_and_the_next_machine_has_a_new_one(play: Callable[[str], Machine]) -> None:
    machine = play("dies")
    gone, folder = pid(machine), machine._session._worker._folder  # type: ignore[attr-defined]
    with pytest.raises(FirmwareFailure, match=r"Renode ended with signal SIGKILL: the last words"):
        machine.run("1 s")
    with pytest.raises(ProcessLookupError):
        os.kill(gone, 0)
    assert not folder.exists()
    assert pid(play("sense")) != gone


def test_a_worker_that_hangs_is_ended(play: Callable[[str], Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    machine = play("hangs")
    monkeypatch.setattr(process, "_SIGN_WITHIN", 0.3)
    with pytest.raises(FirmwareFailure, match=r"Renode hangs: no progress for 0.3 s of host time"):
        machine.run("1 s")
    with pytest.raises(ProcessLookupError):
        os.kill(pid(machine), 0)


def test_a_core_that_renode_gives_up_ends_with_its_last_log_lines(play: Callable[[str], Machine]) -> None:
    with pytest.raises(FirmwareFailure, match=r"Renode gave the core up: .*CPU abort \[PC=0x4FF00000\]"):
        play("lost").run("1 s")


def test_a_machine_that_renode_refuses_is_a_set_up_error(play: Callable[[str], Machine]) -> None:
    with pytest.raises(
        SetupError, match="cannot play arduino_nano_33_ble, cortex-m4f at 64000000 Hz: ValueError: a desc"
    ):
        play("unknown")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([sys.executable, "-c", "raise SystemExit('no .NET here')"], "Renode does not start: no .NET here"),
        (["/nowhere/python"], "/nowhere/python: cannot be started"),
    ],
)
def test_a_worker_that_does_not_start_says_why_and_leaves_nothing(
    command: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SetupError, match=said):
        Worker(command, {}, tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---- bus builds: the codes that the port would deliver go to the model of the part ----


@pytest.fixture
def play_bus(play: Callable[[str], Machine], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Machine]:
    """Images that say that they are bus builds."""
    kind = type(fake_elf(BOARD))

    def functions(elf: Elf) -> dict[str, int]:
        own = {s.name: s.address for s in elf.symbols.values() if s.function}
        return {**own, "boardless_bus_open": elf.entry + 0x40}

    monkeypatch.setattr(kind, "functions", property(functions))
    return play


def test_the_model_of_an_imu_gets_just_what_the_firmware_takes(play_bus: Callable[[str], Machine]) -> None:
    machine = play_bus("bus")
    assert machine.layout.io == "bus"
    machine.imu.play(Function(lambda t: np.where(t < 0.15, 5.0, -5.0), ["ax"], "m/s^2"))
    assert machine.run_to_exit("1 s") == 0
    assert [d.label for d in machine.decisions] == ["up", "up", "down"]
    assert [d.samples for d in machine.decisions] == [{"imu": 10}, {"imu": 20}, {"imu": 30}]
    assert all(np.isnan(d.latency) for d in machine.decisions)
    assert machine.has_own_time
    with pytest.raises(SetupError, match=r"Renode cannot fault: ValueError: no such bus here: twi0.lsm9ds1_imu, stuck"):
        machine.faults.bus("imu", "stuck")


def test_the_model_of_a_microphone_is_kept_ahead_and_follows_what_plays(play_bus: Callable[[str], Machine]) -> None:
    machine = play_bus("stream")
    level = {"of": 0.1}
    heard: list[int] = []
    machine.port.on_info = lambda key, value: heard.append(value)
    machine.microphone.play(Function(lambda t: np.full_like(t, level["of"]), ["sound"], "fs"))
    machine.run_until(lambda: len(heard) >= 5, "1 s", "five chunks")
    machine.microphone.play(Function(lambda t: np.full_like(t, 0.5), ["sound"], "fs"))
    machine.run_to_exit("1 s")
    assert heard[:5] == [3277] * 5
    assert heard[7:] == [16384] * (len(heard) - 7)
    assert len(heard) == 20


def test_the_model_of_a_thermometer_gets_one_value_a_read(play_bus: Callable[..., Machine]) -> None:
    machine = play_bus("warm", STM32)
    machine.temperature.play(Function(lambda t: np.where(t < 0.25, 21.5, -3.25), ["temperature"], "degC"))
    with pytest.raises(UsageError, match="2 samples of the si7021 at once: Renode's model of it keeps one"):
        machine.run("1 s")
    assert [d.label for d in machine.decisions] == ["21.50", "21.50", "-3.25"]


def test_the_model_of_an_adc_gets_codes_around_its_middle(play_bus: Callable[..., Machine]) -> None:
    machine = play_bus("converts", STM32)
    machine.current.play(Function(lambda t: np.select([t < 0.015, t < 0.025], [0.0, 1.0], -3.2), ["current"], "A"))
    assert machine.run_to_exit("1 s") == 0
    assert [d.label for d in machine.decisions] == ["2048 2669", "63 63"]  # 1 A is 620.6 codes, 3.2 A are 1985


def test_every_hundredth_of_a_degree_comes_out_of_the_model_of_a_thermometer_again() -> None:
    """As `SI70xx` computes it: what is behind the point is cut off. Then as `si7021.c` does: to the nearest."""
    for code in range(-4000, 8501):
        (billionths,) = struct.unpack("<q", model_values(Fed(struct.pack("<h", code), "si7021", (125.0,))))
        assert -40 * 10**9 <= billionths <= 85 * 10**9, "the model refuses it"
        raw = (billionths + 46_850_000_000) * 65536 // 175_720_000_000
        assert (17572 * raw + 32768 >> 16) - 4685 == code


@pytest.mark.parametrize(("accel", "gyro"), [(2.0, 245.0), (4.0, 500.0), (8.0, 2000.0), (16.0, 245.0)])
def test_every_code_comes_out_of_the_model_of_the_imu_again(accel: float, gyro: float) -> None:
    """As `LSM9DS1_IMU` computes it: what is behind the point is cut off, and beyond 16 bits it throws."""
    codes = np.arange(-32768, 32768, dtype=np.int16).reshape(-1, 1).repeat(6, axis=1)
    values = model_values(Fed(codes.astype("<i2").tobytes(), "lsm9ds1", (accel, gyro)))
    billionths = np.frombuffer(values, "<i8").reshape(-1, 6)
    per_unit = {2.0: 16384, 4.0: 8192, 8.0: 4096, 16.0: 2048}[accel], {245.0: 120, 500.0: 60, 2000.0: 15}[gyro]
    for column, scale in zip(range(6), [per_unit[0]] * 3 + [per_unit[1]] * 3, strict=True):
        size = np.abs(billionths[:, column]) * scale // 10**9
        assert (size * np.sign(billionths[:, column]) == codes[:, column]).all()


def test_a_part_that_renode_has_no_model_of() -> None:
    with pytest.raises(UsageError, match="no model of the part 'lsm6dso' that can be fed"):
        model_values(Fed(b"", "lsm6dso", (2.0, 250.0)))


def test_a_board_without_drivers_has_no_bus_build() -> None:
    with pytest.raises(UsageError, match="board nucleo_l152re has no bus build"):
        OnFake(Settings()).bus_layout(Board.load("nucleo_l152re"))


# ---- finding it ----


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDLESS_DATA", str(tmp_path_factory.mktemp("data")))
    for name in ("PYRENODE_BIN", "PYRENODE_PKG", "PYRENODE_BUILD_DIR", "PYRENODE_RUNTIME"):
        monkeypatch.delenv(name, raising=False)


def test_renode_is_found_by_variable_or_setting(bare: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, package, program = tmp_path / "tree", tmp_path / "renode.linux-dotnet.tar.gz", tmp_path / "renode"
    (tree / "output/bin/Release").mkdir(parents=True)
    for file in (tree / "output/bin/Release/Renode.exe", package, program):
        file.touch()
    python = {"renode_python": sys.executable}
    found = find_renode(Settings(renode=str(tree), **python))
    assert (found.variable, found.runtime) == ("PYRENODE_BUILD_DIR", "mono")
    assert found.environment() == {"PYRENODE_BUILD_DIR": str(tree), "PYRENODE_RUNTIME": "mono"}
    found = find_renode(Settings(renode=str(package), **python))
    assert (found.variable, found.runtime) == ("PYRENODE_PKG", "coreclr")
    monkeypatch.setenv("PYRENODE_BIN", str(program))
    found = find_renode(Settings(**python))
    assert (found.variable, found.path, found.runtime) == ("PYRENODE_BIN", program, "coreclr")
    monkeypatch.setenv("PYRENODE_PKG", str(package))
    with pytest.raises(SetupError, match="PYRENODE_BIN and PYRENODE_PKG are set"):
        find_renode(Settings(**python))


def test_what_is_missing_is_told_with_what_to_do(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SetupError) as error:
        find_renode(Settings(renode_python=sys.executable))
    assert "Renode: not found" in str(error.value)
    assert "--engine qemu" in str(error.value)
    with pytest.raises(SetupError, match="points to nothing: /nowhere/renode"):
        find_renode(Settings(renode="/nowhere/renode", renode_python=sys.executable))
    with pytest.raises(SetupError, match="/nowhere/python: not found"):
        find_renode(Settings(renode="/", renode_python="/nowhere/python"))
    monkeypatch.setenv("PYRENODE_RUNTIME", "java")
    with pytest.raises(SetupError, match="PYRENODE_RUNTIME = 'java'"):
        find_renode(Settings(renode="/", renode_python=sys.executable))


def test_without_renode_tests_are_skipped_with_what_to_do(bare: None, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.app('hello')\ndef test_it(machine):\n    raise AssertionError\n"
    )
    environment = {**os.environ, "PATH": "/usr/bin", "BOARDLESS_RENODE_PYTHON": sys.executable}
    environment.pop("BOARDLESS_RENODE", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "--engine", "renode", str(tmp_path)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "no engine renode here: Renode: not found" in done.stdout.replace("\n", " ")


# ---- the machine's description ----


def test_firmware_lies_at_the_boards_own_addresses() -> None:
    for name in ("arduino_nano_33_ble", "nucleo_l152re", "stm32f746g_disco", "nucleo_u575zi"):
        board = Board.load(name)
        layout = layout_of(board)
        assert (layout.flash, layout.ram) == (board.flash, board.ram)
        assert layout.room.size >= board.ram.size
        text = description(layout, mips=64)
        assert f"systickFrequency: {board.clock_hz}\n" in text
        assert f"@ sysbus {board.ram.origin:#x}\n" in text


def test_a_core_that_renode_does_not_have_is_refused() -> None:
    board = replace(Board.load("mps3_an547"), core="cortex-m9")
    with pytest.raises(UsageError, match="Renode has no core 'cortex-m9'"):
        layout_of(board)


@pytest.mark.parametrize(("version", "plays"), [("1.15.3", False), ("1.16.1", True), ("1.16", True), ("2.0.0", True)])
def test_a_core_of_a_newer_renode(version: str, plays: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RenodeEngine, "version", lambda _self: version)
    monkeypatch.setattr(RenodeEngine, "missing", lambda _self: "")
    engine, board = RenodeEngine(Settings.load({})), Board.load("mps3_an547")
    if plays:
        assert "cortex-m55" in engine.layout(board).machine
        return
    with pytest.raises(CannotPlay, match=f"Renode {version} has no core 'cortex-m55'"):
        engine.layout(board)


def test_nothing_of_renode_is_imported_here() -> None:
    code = (
        "import sys, sim, sim.engines.renode, sim.engines.renode.session\n"
        "print(sorted(n for n in sys.modules if n.split('.')[0] in ('pyrenode3', 'clr', 'clr_loader', 'pythonnet')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert NO_LIMIT > 10**18
