"""Faults of whole apps with the recorder in them: what the fault handler sends is diagnosed, and faults again here."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import app_bugs
import pytest
from app_bugs import Bug
from bare import engine

from sim.cli import main
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

pytestmark = pytest.mark.slow


def lived(bug: Bug, board: str, folder: Path) -> None:
    """uart.log and product.elf, of a device that faulted while it was shaken."""
    engine()
    where = Target.of(replace(Settings(), board=board, recorder="6 s"))
    elf = where.build(bug.plant(folder)).elf
    (folder / "product.elf").write_bytes(elf.read_bytes())
    with where.started(elf, on_fault="run") as machine:
        machine.run_until_ready()
        machine.imu.play(Recording.load(find_recording("running_07")))
        machine.run("9 s")
        (folder / "uart.log").write_bytes(machine.console.raw)


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code, capsys.readouterr()
    captured = capsys.readouterr()
    return captured.out + captured.err


def replayed(board: str, capsys: pytest.CaptureFixture[str]) -> str:
    out = said(capsys, "field", "import", "uart.log", "-b", board, "--firmware", "product.elf", "-o", "case.blrec")
    assert "dumped for fault" in out
    return said(capsys, "replay", "case.blrec", code=1)


def test_a_bus_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    lived(app_bugs.BUS_FAULT, "arduino_nano_33_ble", tmp_path)
    out = said(capsys, "field", "diagnose", "uart.log", "--firmware", "product.elf")
    fault = out.splitlines()[0]
    assert fault.startswith("BusFault: PRECISERR: data access that nothing answers at address 0xf0000010, in gain_of(")
    assert " at gesture.cc:" in fault
    trace = out.partition("backtrace:\n")[2].splitlines()
    assert [line.strip().split("+")[0] for line in trace[:4]] == [
        "gain_of(unsigned long)", "main", "start", "Reset_Handler"
    ]  # fmt: skip
    assert "last samples of imu: [" in out
    assert f"it fails: {fault}" in replayed("arduino_nano_33_ble", capsys)


def test_a_stack_overflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    lived(app_bugs.STACK, "arduino_nano_33_ble", tmp_path)
    out = said(capsys, "field", "diagnose", "uart.log", "--firmware", "product.elf")
    assert out.startswith("BusFault: PRECISERR: data access that nothing answers; STKERR: ")
    assert ", near loud_in_a_row(" in out.splitlines()[0]
    assert "  ? loud_in_a_row(" in out
    assert re.search(r"stack: overflow: the stack pointer is \d+ bytes below its 8192", out)
    assert "last samples of imu: [" in out
    assert "no pc: the exception frame could not be written, the stack had overflowed" in out
    # What stops it here is the look at the stack pointer, before anything has faulted.
    out = replayed("arduino_nano_33_ble", capsys)
    assert "it fails: stack overflow: the stack pointer has left the RAM" in out


def test_a_stack_overflow_with_a_stack_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Armv8-M: the instruction that would have gone too far is refused, so there is a frame."""
    monkeypatch.chdir(tmp_path)
    lived(app_bugs.STACK, "mps3_an547", tmp_path)
    out = said(capsys, "field", "diagnose", "uart.log", "--firmware", "product.elf")
    assert out.startswith("UsageFault: STKOF: the stack pointer went below its limit, in loud_in_a_row(")
    trace = out.partition("backtrace:\n")[2].partition("stack:")[0]
    assert trace.count("loud_in_a_row(") >= 2  # as deep as the dump goes
    assert "?" not in trace
    assert "it fails: UsageFault: STKOF" in replayed("mps3_an547", capsys)
