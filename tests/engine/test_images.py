"""Images that boardless did not build, as they are: from an ELF, from a bare dump; by command, marker and fixture."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from bare import engine
from bench import bench_elf
from native import STM32, native_elf, product

import sim
from sim.boards import Board
from sim.cli import main
from sim.engines.protocol import Arm
from sim.errors import UsageError
from sim.machine import Machine, NotSeen

pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME", "")  # pytester moves it, and with it all caches


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native_elf(tmp_path_factory.mktemp("native"), flags=["-DSAYS"])


def dumped(elf: Path) -> Path:
    """The image as a bare dump of flash."""
    tool = shutil.which("arm-none-eabi-objcopy")
    assert tool is not None
    path = elf.with_suffix(".bin")
    subprocess.run([tool, "-O", "binary", str(elf), str(path)], check=True)
    return path


@pytest.mark.parametrize(
    ("board", "core", "flash", "ram", "machine"),
    [
        ("stm32f4_discovery", "cortex-m4", 0x0800_0000, 0x2000_0000, "netduinoplus2"),
        ("nucleo_l4r5zi", "cortex-m4", 0x0800_0000, 0x2000_0000, "netduinoplus2"),
        ("nucleo_l152re", "cortex-m3", 0x0800_0000, 0x2000_0000, "netduino2"),
        ("arduino_nano_33_ble", "cortex-m4", 0, 0x2000_0000, "mps2-an386"),
    ],
)
def test_the_boards_own_addresses(board: str, core: str, flash: int, ram: int, machine: str, tmp_path: Path) -> None:
    elf = native_elf(tmp_path, core=core, floats="soft", flash=flash, ram=ram)
    with product(elf, board) as there:
        assert there.layout.machine == machine
        assert there.call("add4", 1, 2, 3, 4).value == 30
        measured = there.measure("imu_read", runs=3)
        assert measured.instructions.min > 0
        if there.board.timing is not None:
            assert measured.cycles is not None
            assert measured.cycles.min >= measured.instructions.min
        there.write("g_byte", 7)
        assert there.read("g_byte") == b"\7"


def test_the_same_code_takes_the_same_time_from_a_dump(image: Path) -> None:
    names = ("main", "busy", "imu_read", "store_it")
    with product(image) as machine:
        wanted = machine.measure("busy", runs=5)
        functions = {name: machine.elf.functions[name] for name in names}
    firmware = sim.Firmware.from_binary(dumped(image), load=0x0800_0000, symbols=functions)
    assert firmware.elf.read_bytes()[:4] == b"\x7fELF"
    with product(firmware.elf) as machine:
        measured = machine.measure("busy", runs=5)
        assert (measured.instructions, measured.cycles) == (wanted.instructions, wanted.cycles)
        assert machine.call(functions["imu_read"] | 1, 6).word == 42
        assert machine.call(functions["busy"] | 1, 6).word != 0


def test_a_dump_without_any_symbol_is_called_by_address(image: Path) -> None:
    with product(image) as machine:
        address = machine.elf.functions["add4"] | 1
        wanted = machine.call("add4", 1, 2, 3, 4)
    firmware = sim.Firmware.from_binary(dumped(image), load=0x0800_0000)
    with product(firmware.elf, to_main=False) as machine:
        called = machine.call(address, 1, 2, 3, 4)
        assert (called.word, called.instructions) == (30, wanted.instructions)
        with pytest.raises(UsageError, match="has no symbols: 'add4' cannot be looked up"):
            machine.call("add4", 1, 2, 3, 4)


def test_run_shows_the_machines_own_uart(image: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    engine()
    result = tmp_path / "r.json"
    assert main(["run", str(image), "--board", STM32, "--for", "1 ms", "--json", str(result)]) == 0
    assert "ready" in capsys.readouterr().out
    assert json.loads(result.read_text())["engine"]["machine"] == "netduinoplus2"
    assert main(["run", str(dumped(image)), "--load", "0x08000000", "--board", STM32, "--for", "1 ms"]) == 0
    assert "ready" in capsys.readouterr().out
    assert main(["measure", str(image), "-r", "busy", "--board", STM32, "-n", "3"]) == 0
    assert "busy on stm32f4_discovery" in capsys.readouterr().out


def test_pytest_takes_it_by_marker(image: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    engine()
    monkeypatch.setenv("HOME", HOME)
    shutil.copy(image, pytester.path / "product.elf")
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.board("{STM32}")
        @pytest.mark.firmware("product.elf")
        def test_it(machine, request):
            assert ("boardless_engine", machine.engine_text) in request.node.user_properties
            assert "(netduinoplus2)" in machine.engine_text
            machine.console.expect("ready")
            assert machine.call("add4", 1, 2, 3, 4).value == 30
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


BAD = [
    (["run", "{bin}"], "a bare dump does not say where it lies\n  --load ADDRESS"),
    (["run", "{bin}", "--load", "x"], "--load x: no address"),
    (["run", "{bin}", "--load", "0x08000002"], "load=0x8000002: a multiple of 4"),
    (["run", "{bin}", "--load", "0x08010000"], "no vector table at its start"),
    (["run", "{bin}", "--load", "0xfffffffc"], "in 32 bits"),
    (["run", "{elf}", "--load", "0x08000000"], "an ELF, which says itself where it lies"),
    (["run", "{elf}", "--board", "stm32f746g_disco"], "0x08000000 to 0x0800"),
    (["run", "{elf}", "--board", "arduino_nano_33_ble"], "is memory of no machine for arduino_nano_33_ble"),
    (["run", "{zeros}", "--load", "0x08000000"], "no vector table at its start: the words there are 0x00000000"),
    (["run", "{hex}", "--load", "0x08000000"], "an Intel HEX file"),
    (["run", "{empty}", "--load", "0x08000000"], "no image: 0 bytes"),
    (["run", "{gone}", "--load", "0x08000000"], "cannot be read: No such file"),
]


@pytest.mark.parametrize(("words", "text"), BAD, ids=[" ".join(words[1:]) for words, _ in BAD])
def test_bad_images_are_one_clear_error(
    image: Path, words: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine()
    files = {"bin": dumped(image), "elf": image, "gone": tmp_path / "gone.bin"}
    for name, data in (("zeros", bytes(64)), ("hex", b":10010000214601360121470136007EFE09D2190140\n"), ("empty", b"")):
        files[name] = tmp_path / f"{name}.bin"
        files[name].write_bytes(data)
    given = [word.format(**files) for word in words]
    if "--board" not in given:
        given += ["--board", STM32]
    assert main(given) == 2
    out = capsys.readouterr()
    assert text in out.err
    assert out.out == ""


def test_what_cannot_be_measured_says_why(image: Path) -> None:
    with product(image) as machine:
        with pytest.raises(UsageError, match=r"measure\('busy', runs=0\): a whole number of at least 1"):
            machine.measure("busy", runs=0)
        with pytest.raises(UsageError, match="'g_byte' is data, not a function"):
            machine.measure("g_byte")
        with pytest.raises(UsageError, match="'__data_load' is a label, not a function"):
            machine.measure("__data_load")
        with pytest.raises(UsageError, match="no function 'bisy'") as caught:
            machine.measure("bisy")
        assert "busy" in str(caught.value)
        with pytest.raises(NotSeen, match=r"'main' runs and has not returned within 0\.000100 s of board time"):
            machine.measure("main", within="100 us")
        with pytest.raises(NotSeen, match="1 run of 'add4' did not come"):
            machine.measure("add4", within="100 us")
        with pytest.raises(UsageError, match="write to 0x08000000: 4 bytes at 0x08000000 are not in the board's RAM"):
            machine.write(0x0800_0000, 1)


def test_symbols_of_a_dump_lie_in_it(image: Path) -> None:
    with pytest.raises(UsageError, match="symbol 'far' at 0x9000001 is not in the image"):
        sim.Firmware.from_binary(dumped(image), load=0x0800_0000, symbols={"far": 0x0900_0001})


def test_an_image_linked_for_the_twin_goes_there(tmp_path: Path) -> None:
    with Machine.started(bench_elf(tmp_path), Board.load("arduino_nano_33_ble"), engine()) as machine:
        assert machine.layout.machine == "mps2-an386"
        assert not machine.layout.native


def test_a_board_file_that_names_no_such_machine(tmp_path: Path, image: Path) -> None:
    text = (Board.load(STM32).folder / "board.toml").read_text(encoding="utf-8")
    for name, value, message in (
        ("wrong", "netduino", "no machine 'netduino'"),
        ("core", "netduino2", "is a cortex-m4, but QEMU's netduino2 is a cortex-m3"),
        ("map", "mps2-an386", "has no memory where the board has its flash"),
    ):
        folder = tmp_path / f"board_{name}"
        folder.mkdir()
        (folder / "board.toml").write_text(text.replace('"netduinoplus2"', f'"{value}"'), encoding="utf-8")
        with pytest.raises(UsageError, match=message):
            Machine.started(image, Board.load(folder), engine())


@pytest.mark.slow
def test_nothing_is_lost_where_there_is_more_than_is_kept_at_a_time(tmp_path: Path) -> None:
    source = tmp_path / "more.c"
    source.write_text(
        "volatile unsigned n; __attribute__((noinline)) void single(void) { n++; }\n"
        "__attribute__((noinline)) void second(void) { n++; }\n"
        "__attribute__((noinline)) void first(void) { n++; second(); } /* a jump: both end at once */\n"
        "int main(void) { for (;;) { first(); single();\n"
        '  for (const char *p = "line\\n"; *p; p++) *(volatile unsigned *)0x40011004 = *p; } }\n'
    )
    with product(native_elf(tmp_path, flags=[str(source), "-Wl,--allow-multiple-definition"])) as machine:
        names = ("first", "second", "single")
        for name in names:
            machine.arm(name, Arm(region=True))
        machine.run("20 ms")
        counts = [len(machine.region_runs(name)) for name in names]
        times = [line.time_ps for line in machine.runner.log.lines]
    assert counts[0] > 3 * 4096
    assert max(counts) - min(counts) <= 1
    assert len(times) * 5 > 65536, "more bytes than the probe has places for"
    steps = [after - before for before, after in itertools.pairwise(times)]
    assert max(steps) < 1.2 * min(steps)
