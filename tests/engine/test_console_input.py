"""A dialogue with firmware of others over its UART: send, prompt, expect; on QEMU, and on Renode where there is one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bare import HERE, engine

from sim.boards import Board
from sim.engines.fake import FakeEngine, fake_elf
from sim.engines.protocol import Engine
from sim.engines.renode import RenodeEngine
from sim.errors import CannotPlay, UsageError
from sim.machine import Machine, NotSeen
from sim.settings import Settings

BOARD = Board.load("stm32f4_discovery")
# Which UART the machine's console is, and its interrupt: USART1 of QEMU's netduinoplus2, USART2 of the board's .repl.
UARTS = {"qemu": (0x4001_1000, 37), "renode": (0x4000_4400, 38)}


def engine_named(name: str) -> Engine:
    if name == "qemu":
        return engine()
    renode = RenodeEngine(replace(Settings.load(), engine="renode"))
    if renode.missing():
        pytest.skip(renode.missing())
    return renode


def echo(folder: Path, name: str, *flags: str) -> Path:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    (folder / "echo.ld").write_text(
        f"SECTIONS {{ . = {BOARD.flash.origin:#x}; .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) }}\n"
        f" . = {BOARD.ram.origin:#x}; .bss (NOLOAD) : {{ __bss_start = .; *(.bss*) *(COMMON) __bss_end = .; }}\n"
        f" __stack_top = {BOARD.ram.origin + 0x10000:#x}; }}"
    )
    uart, interrupt = UARTS[name]
    elf = folder / "echo.elf"
    subprocess.run(
        [gcc, "-mcpu=cortex-m4", "-mthumb", "-O1", "-ffreestanding", "-nostdlib", "-Wall", "-Wextra", "-Werror",
         f"-DUART={uart:#x}", f"-DUART_IRQ={interrupt}", *flags, "-Wl,--no-warn-rwx-segments", "-T", folder / "echo.ld",
         HERE / "echo.c", "-o", elf],
        check=True,
    )  # fmt: skip
    return elf


@pytest.fixture(params=["qemu", "renode"])
def place(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def talk(place: str, tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    opened: list[Machine] = []

    def start(*flags: str) -> Machine:
        machine = Machine.started(echo(tmp_path, place, *flags), BOARD, engine_named(place))
        opened.append(machine)
        return machine

    yield start
    for machine in opened:
        machine.close()


@pytest.mark.parametrize("flags", [(), ("-DSLEEPS",)], ids=["polls", "sleeps"])
@pytest.mark.slow
def test_a_dialogue(talk: Callable[..., Machine], flags: tuple[str, ...]) -> None:
    console = talk(*flags).console
    console.expect("ready", within="1 s")
    console.prompt("> ", within="1 s")
    for text in ("hello", "", "a longer line, of some 40 characters in all"):
        console.send(f"{text}\n")
        console.expect(f"heard: {text}\n", within="1 s")
        console.prompt(within="1 s")
    assert console.text.count("> ") == 4


def test_a_byte_that_wakes_the_core_is_taken_before_the_next(talk: Callable[..., Machine]) -> None:
    console = talk("-DSLEEPS", "-DDWELL=200000").console  # a third of the time between two bytes of that line
    console.prompt(within="1 s")
    for _ in range(3):
        console.send("hello\n", baud=1200)
        console.expect("heard: hello\n", within="1 s")
        console.prompt(within="1 s")


@pytest.mark.slow
def test_bytes_come_at_the_pace_of_the_line(talk: Callable[..., Machine]) -> None:
    machine = talk()
    machine.console.prompt(within="1 s")
    before = machine.time
    machine.console.send("x" * 29 + "\n", baud=9600)
    machine.console.expect("heard", within="1 s")
    assert 29 * 10 / 9600 <= machine.time - before < 31 * 10 / 9600 + 0.004  # the first byte goes at once


def test_two_dialogues_are_alike(talk: Callable[..., Machine]) -> None:
    seen = []
    for _ in range(2):
        machine = talk()
        machine.console.prompt(within="1 s")
        machine.console.send("again\n")
        machine.console.prompt(within="1 s")
        seen.append(([(line.time_ps, line.text) for line in machine.console.lines], machine.instructions))
    assert seen[0] == seen[1]


@pytest.mark.slow
def test_a_prompt_that_does_not_come(talk: Callable[..., Machine]) -> None:
    machine = talk()
    machine.console.prompt(within="1 s")
    with pytest.raises(NotSeen, match=r"the prompt '> ' on the console did not come within 0.02"):
        machine.console.prompt(within="20 ms")  # the one there was has been seen
    with pytest.raises(UsageError, match="a prompt ''"):
        machine.console.prompt("")
    with pytest.raises(UsageError, match="baud=0"):
        machine.console.send("x", baud=0)


def test_firmware_that_reads_nothing_is_told_of(tmp_path: Path) -> None:
    with Machine.started(echo(tmp_path, "qemu", "-DDEAF"), BOARD, engine()) as machine:
        machine.console.prompt(within="1 s")
        machine.console.send("x" * 3000, baud=10_000_000)
        with pytest.raises(UsageError, match="reads nothing, 2048 bytes wait at its UART"):
            machine.run("10 ms")


def test_the_same_in_robot(place: str, tmp_path: Path) -> None:
    pytest.importorskip("robot", reason='pip install "boardless[robot]"')
    engine_named(place)
    echo(tmp_path, place)
    (tmp_path / "echo.robot").write_text(
        "*** Settings ***\nLibrary    sim.robot    board=stm32f4_discovery\nTest Teardown    Stop Board\n\n"
        "*** Test Cases ***\nIt Answers\n    Start Board    firmware=echo.elf\n    Wait For Prompt\n"
        "    Send To Console    hello\\n\n    Wait For Console    heard: hello    within=1 s\n    Wait For Prompt\n"
    )
    chosen = ["--outputdir", tmp_path, "--variable", f"ENGINE:{place}"]
    done = subprocess.run(
        [sys.executable, "-m", "robot", *chosen, tmp_path / "echo.robot"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_where_no_uart_takes_input_it_is_said(place: str) -> None:
    from sim.target import Target

    engine_named(place)
    there = Target.of(replace(Settings.load(), engine=place, board="stm32f4_discovery"))
    with (
        there.boot(there.build("hello").elf) as machine,
        pytest.raises(CannotPlay, match=r"has no UART (of the product )?that takes input"),
    ):
        machine.console.send("x")


def test_an_engine_without_input_refuses() -> None:
    board = Board.load("arduino_nano_33_ble")
    with (
        Machine.started(fake_elf(board), board, FakeEngine()) as machine,
        pytest.raises(CannotPlay, match="engine fake cannot send to a UART"),
    ):
        machine.console.send("x")
