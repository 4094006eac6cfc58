"""Firmware that writes nonsense, floods, or reaches for the host: its test fails with that reason, and nothing else."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bare import board_with, compiled, engine

from sim.errors import FirmwareFailure
from sim.machine import Machine

CORE = "cortex-m4"
RAM, RAM_END = 0x2100_0000, 0x2101_0000
FLOAT_NAN, FLOAT_INF = 0x7FC0_0001, 0x7F80_0000


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("hostile"), CORE, ["hostile.c"], name="hostile")


@pytest.fixture
def machine(hostile: Path) -> Iterator[Machine]:
    machine = Machine.started(hostile, board_with(CORE), engine())
    yield machine
    machine.close()


def run(machine: Machine, case: int, value: int = 0, within: str = "1 s") -> None:
    machine.write("bare_case", case)
    machine.write("bare_value", value)
    machine.console.expect("still there", within=within)


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def reason(machine: Machine, case: int, value: int = 0, within: str = "1 s") -> str:
    with pytest.raises(FirmwareFailure) as caught:
        run(machine, case, value, within)
    # Whatever was wrong, the machine is over, and the report is one that people read.
    assert "state at board time" in caught.value.report
    assert len(str(caught.value)) < 10_000
    return caught.value.reason


@pytest.mark.parametrize(
    ("case", "value", "text"),
    [
        (4, 0, "its magic is 0x00000000"),
        (4, 0xFFFFFFFF, "its magic is 0xffffffff"),
        (5, 0, "version 0"),
        (5, 2, "version 2"),
        (7, 63, "63 bytes"),
        (6, 0, "request 0 is none of version 1"),
        (6, 0xFFFFFFFF, "request 4294967295 is none"),
        (8, 0, ""),  # the vector table: odd, but a text
        (8, 0xFFFFFFFE, "4 bytes at 0xfffffffe"),
        (8, 0x4000_4000, "4 bytes at 0x40004000"),
        (8, RAM_END - 2, "4 bytes at 0x2100fffe"),
        (9, 256, "a text of 256 bytes"),
        (9, 0xFFFFFFFF, "a text of 4294967295 bytes"),
        (10, 0, "96 bytes at 0x00000000 are not in the board's RAM"),
        (10, RAM - 8, "are not in the board's RAM"),
        (10, RAM_END - 8, "are not in the board's RAM"),
        (10, 0xFFFFFFF8, "are not in the board's RAM"),
        (11, 0, "read of 0 samples"),
        (11, 0xFFFFFFFF, "read of 4294967295 samples"),
        (11, 0x10000, "are not in the board's RAM"),
        (12, 1, "read of sensor handle 1, but 1 are open"),
        (12, 0xFFFFFFFF, "read of sensor handle 4294967295"),
        (13, 0, "the mailbox holds nonsense: its magic is"),
        (14, FLOAT_NAN, "a score that is not a number: nan"),
        (14, FLOAT_INF, "a score that is not a number: inf"),
        (15, 0xFFFFFFFF, "the firmware sleeps for 18446744073709551615 ns"),
        (16, 0xFFFFFFF0, "64 bytes at 0xfffffff0"),
        (16, 0x4000_4000, "64 bytes at 0x40004000"),
        (17, 0xFFFFFFFF, "output: 4294967295 bytes"),
        (22, 4, "the firmware opens sensor 'boar', but the board has"),
        (23, 0, "has no rate of 0 Hz"),
        (23, 0xFFFFFFFF, "has no rate of 4.29497e+06 Hz"),
        (24, 0xFFFFFFFF, "4.29497e+09"),
        (25, 0, "asks for an input (bl_input), and the test gives none"),
        (30, 3, "ended its run (bl_exit)"),
    ],
)  # fmt: skip
def test_mailbox_nonsense(machine: Machine, case: int, value: int, text: str) -> None:
    if text:
        assert text in reason(machine, case, value)
    else:
        run(machine, case, value)


def test_input_to_a_place_that_is_none(machine: Machine) -> None:
    machine.port.inputs = lambda slot, capacity: b"x" * 64
    assert "64 bytes at 0x00000040 are not in the board's RAM" in reason(machine, 25, 0x40)


def test_input_larger_than_the_buffer(machine: Machine) -> None:
    machine.port.inputs = lambda slot, capacity: b"x" * 65
    assert "65 bytes, but the firmware has room for 64" in reason(machine, 25, RAM + 0x8000)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (1, "floods the UART"),
        (2, "floods the UART"),
        (3, "floods the UART"),
        (18, "floods the port with outputs"),
        (19, "floods the port with decisions"),
        (20, "floods the port with figures: more than 1024 keys"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_floods_end_soon_and_take_no_memory(machine: Machine, case: int, text: str) -> None:
    begun, before = time.process_time(), resident()
    assert text in reason(machine, case, within="60 s")
    assert time.process_time() - begun < 15  # of this process, on a slow machine; 1 to 4 s here
    assert resident() - before < 200e6


def test_a_flood_without_a_console_function(tmp_path: Path) -> None:
    """Without the symbol every store to the UART is watched: the same bound."""
    elf = compiled(tmp_path, CORE, ["hostile.c"], flags=["-Dboardless_console_putc=putc_of_its_own"])
    with Machine.started(elf, board_with(CORE), engine()) as machine:
        assert "floods the UART" in reason(machine, 3, within="60 s")


def test_a_million_opens_leave_one_sensor(machine: Machine) -> None:
    machine.write("bare_case", 21)
    machine.write("bare_value", 20_000)
    machine.console.expect("opened", within="10 s")
    assert len(machine.port._handles) == 1


@pytest.mark.slow
def test_ringing_for_ever_is_stopped_by_board_time(machine: Machine) -> None:
    assert "did not come within" in reason(machine, 29, within="20 ms")


@pytest.mark.slow
def test_sleeping_nothing_for_ever_is_stopped_by_board_time(machine: Machine) -> None:
    assert "did not come within" in reason(machine, 31, within="20 ms")


@pytest.mark.parametrize("operation", [0x01, 0x04, 0x0E, 0x12, 0x18])
def test_semihosting_is_refused(
    machine: Machine, operation: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "the firmware tried semihosting (BKPT 0xAB)" in reason(machine, 26, operation)
    for folder in (tmp_path, Path("/"), Path.home()):
        assert not (folder / "boardless-was-here").exists()


def test_the_doorbell_cannot_be_overwritten(machine: Machine) -> None:
    assert "a store to the board's flash" in reason(machine, 27)
    assert not machine.port.ready


def test_jump_into_the_doorbell(machine: Machine) -> None:
    run(machine, 28)
    assert not machine.port.ready
