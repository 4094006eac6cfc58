"""Images of boards that QEMU has no machine for: linked again by their relocations, and by their own link command."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from bare import HERE, engine
from native import FLOATS, native_elf, product

from sim.boards import Board
from sim.cli import main
from sim.elf import load_elf
from sim.errors import UsageError
from sim.machine import Machine
from sim.relink import relink_image

BOARDS = {"nucleo_u575zi": "cortex-m33", "nrf5340dk": "cortex-m33", "stm32f746g_disco": "cortex-m7"}


def image_for(board: Board, folder: Path, *flags: str) -> Path:
    return native_elf(folder, core=board.core, floats="soft", flash=board.flash.origin, ram=board.ram.origin,
                      flags=flags)  # fmt: skip


def check_runs(elf: Path, board: Board) -> None:
    with product(elf, board) as machine:
        assert not machine.layout.native
        assert machine.call("add4", 1, 2, 3, 4).value == 30
        assert machine.measure("busy", runs=3).instructions.min > 0
        machine.write("g_byte", 7)
        assert machine.read("g_byte") == b"\7"
        assert machine.backtrace()[-1].file.endswith("functions.c")  # debug information has moved too
        assert machine.elf.relinked in str(machine.report())


@pytest.mark.parametrize("name", BOARDS)
def test_by_its_relocations(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine()
    board = Board.load(name)
    elf = image_for(board, tmp_path, "-Wl,--emit-relocs")
    with pytest.raises(UsageError, match="boardless relink"):
        Machine.started(elf, board, engine())
    result = tmp_path / "r.json"
    assert main(["relink", str(elf), "--board", name, "--json", str(result)]) == 0
    twin = tmp_path / "product-twin.elf"
    assert f"relinked from product.elf {load_elf(elf).sha256[:12]}" in capsys.readouterr().out
    said = json.loads(result.read_text())
    assert said["elf"] == str(twin)
    assert said["relinked"] == load_elf(twin).relinked
    check_runs(twin, board)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("nucleo_u575zi", "-Tproduct.ld"),
        ("nrf5340dk", "-Wl,-T,product.ld,-Map,product.map"),
        ("stm32f746g_disco", "-Wl,--script=product.ld"),
        ("nrf5340dk", "-Wl,-T -Wl,product.ld"),
        ("nrf5340dk", "-Xlinker -Map=product.map -Xlinker -T -Xlinker product.ld"),
    ],
)
def test_by_its_link_command(name: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine()
    board = Board.load(name)
    command = link_command(board, tmp_path, option)
    monkeypatch.chdir(tmp_path)
    assert main(["relink", "--board", name, "-o", "twin.elf", "--", *command]) == 0
    assert not (tmp_path / "product.elf").exists()  # the product's own output and map are left alone
    assert not (tmp_path / "product.map").exists()
    assert (tmp_path / "twin.map").is_file()
    check_runs(tmp_path / "twin.elf", board)


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize(
    "flags", [(), ("-mpure-code",), ("-Os", "-mslow-flash-data")], ids=["literals", "movt", "slow"]
)
def test_addresses_in_every_form(name: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    board = Board.load(name)
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    script = tmp_path / "moved.ld"
    script.write_text(
        f"MEMORY {{ FLASH : ORIGIN = {board.flash.origin:#x}, LENGTH = 64K\n"
        f"RAM : ORIGIN = {board.ram.origin:#x}, LENGTH = 64K }}\n" + (HERE / "moved.ld").read_text(encoding="utf-8")
    )
    elf = tmp_path / "moved.elf"
    subprocess.run(
        [gcc, f"-mcpu={board.core}", "-mthumb", "-O2", *flags, "-g", "-ffreestanding", "-nostdlib", "-T", str(script),
         str(HERE / "moved.c"), "-Wl,--emit-relocs", "-Wl,--no-warn-rwx-segments", "-o", str(elf)],
        check=True,
    )  # fmt: skip
    assert "__in_ram_veneer" in load_elf(elf).symbols
    twin = relink_image(elf, board, engine().layout(board), tmp_path / "twin.elf")
    with product(twin, board) as machine:
        for x, wanted in ((3, 3 * 3), (4, 2 * 4)):
            assert machine.call("both", x).value == wanted + 100 + ord("h")


def test_both_ways_take_the_same_cycles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine()
    board = Board.load("nucleo_u575zi")
    (tmp_path / "a").mkdir()
    by_relocations = relink_image(
        image_for(board, tmp_path, "-Wl,--emit-relocs"), board, engine().layout(board), tmp_path / "a" / "twin.elf"
    )
    command = link_command(board, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["relink", "--board", "nucleo_u575zi", "-o", "twin.elf", "--", *command]) == 0
    spans = []
    for elf in (by_relocations, tmp_path / "twin.elf"):
        with product(elf, board) as machine:
            spans.append(machine.measure("busy", runs=3).cycles)
    assert spans[0] == spans[1]


def test_the_cycles_are_those_of_the_board_s_own_addresses(tmp_path: Path) -> None:
    """Where QEMU has a machine with the board's addresses, the image runs there and on the twin."""
    engine()
    board = Board.load("stm32f4_discovery")
    elf = image_for(board, tmp_path, "-Wl,--emit-relocs")
    twin = relink_image(elf, board, engine().layout(board), tmp_path / "twin.elf")
    counts = []
    for image, native in ((elf, True), (twin, False)):
        with product(image, board) as machine:
            assert machine.layout.native is native
            measured = machine.measure("busy", runs=5)
            counts.append((measured.instructions, measured.cycles, machine.cycles))
    assert counts[0] == counts[1]


def link_command(board: Board, folder: Path, script_option: str = "-Tproduct.ld") -> list[str]:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    (folder / "memory.x").write_text(
        f"FLASH_SIZE = 64K; /* {{ }} */\nMEMORY {{ FLASH (rx) : ORIGIN = {board.flash.origin:#x} + 0, "
        f"LENGTH = FLASH_SIZE\n RAM (rw) : org = {board.ram.origin:#x}, len = 2*32K }}\n"
    )
    script = (HERE / "native.ld").read_text(encoding="utf-8")
    script = script.replace("ORIGIN(RAM) + LENGTH(RAM)", f"{board.ram.origin + 0x10000:#010x}")
    (folder / "product.ld").write_text(f'INCLUDE "memory.x"\n{script}')
    flags = [f"-mcpu={board.core}", "-mthumb", *FLOATS["soft"], "-O2", "-g", "-ffreestanding", "-fno-builtin"]
    for source in ("native.c", "functions.c"):
        subprocess.run([gcc, *flags, "-c", str(HERE / source), "-o", f"{source}.o"], check=True, cwd=folder)
    return [gcc, *flags, "-nostdlib", "-Wl,--cref,-Map=product.map", *script_option.split(), "native.c.o",
            "functions.c.o", "-lgcc", "-Wl,--no-warn-rwx-segments", "-o", "product.elf"]  # fmt: skip


BAD = [
    ([], "relink what?"),
    (["gone.elf"], "gone.elf: cannot be read"),
    (["plain.elf"], "plain.elf has no relocations: nobody knows which of its words are addresses\n  link it with"),
    (["far.elf"], ".far at 0x10000000"),
    (["twin.elf"], "is one already: relinked from"),
    (["--", "rm", "-rf"], "'rm' is no linker"),
    (["--", "make"], "'make' is no linker"),
    (["--"], "'nothing' is no linker"),
    (["plain.elf", "far.elf"], "relink plain.elf far.elf: one ELF, or behind -- a link command"),
    (["plain.elf", "--", "arm-none-eabi-gcc"], "relink plain.elf arm-none-eabi-gcc: one ELF, or behind --"),
    (["--", "no-such-gcc", "x.o"], "no-such-gcc is not installed"),
    (["--", "arm-none-eabi-gcc", "x.o"], "the link command has no linker scripts"),
    (["--", "arm-none-eabi-gcc", "-c", "x.c"], "does not link an executable"),
    (["--", "arm-none-eabi-gcc", "-T", "gone.ld"], "no linker script 'gone.ld'"),
    (["--", "arm-none-eabi-gcc", "-T", "empty.ld"], "empty.ld has no MEMORY"),
    (["--", "arm-none-eabi-gcc", "-T", "odd.ld"], "region FLASH: 'START' is no number, and START is not set"),
    (["--", "arm-none-eabi-gcc", "-T", "sum.ld"], "region FLASH: '(1' cannot be read"),
    (["--", "arm-none-eabi-gcc", "-T", "other.ld"], "none of its memory is the board's"),
    (["--", "arm-none-eabi-gcc", "-T", "good.ld", "gone.o"], "gone.o"),
    (["--", "arm-none-eabi-gcc", "@gone.rsp"], "@gone.rsp: cannot be read"),
]


def test_the_product_s_own_files_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    own = image_for(Board.load("nucleo_u575zi"), tmp_path, "-Wl,--emit-relocs")
    before = own.read_bytes()
    assert main(["relink", "--board", "nucleo_u575zi", "-o", own.name, str(own)]) == 2
    linking = ["arm-none-eabi-gcc", "-T", "x.ld", "-o", own.name]
    assert main(["relink", "--board", "nucleo_u575zi", "-o", str(own), "--", *linking]) == 2
    assert capsys.readouterr().err.count("is the product's own file") == 2
    assert own.read_bytes() == before


def test_objects_of_another_core_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine()
    board = replace(Board.load("nucleo_u575zi"), core="cortex-m55")
    monkeypatch.chdir(tmp_path)
    command = link_command(board, tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["relink", "--board", "nucleo_u575zi", "-o", "twin.elf", "--", *command]) == 2
    said = capsys.readouterr().err
    assert "what it links is built for another core than the Cortex-M33 of nucleo_u575zi" in said
    assert "Armv8.1-M Mainline" in said
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("words", "text"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_input_is_one_clear_error(
    words: list[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine()
    monkeypatch.chdir(tmp_path)
    board = Board.load("nucleo_u575zi")
    for name, flags in (("plain", ()), ("far", ("-Wl,--emit-relocs", "-DFAR", "-Wl,--section-start=.far=0x10000000"))):
        image_for(board, tmp_path, *flags).rename(f"{name}.elf")
    relink_image(image_for(board, tmp_path, "-Wl,--emit-relocs"), board, engine().layout(board), Path("twin.elf"))
    for name, region in (
        ("odd", "START"), ("sum", "(1"), ("other", "0x60000000"), ("good", "0x08000000"),
    ):  # fmt: skip
        Path(f"{name}.ld").write_text(f"MEMORY {{ FLASH : ORIGIN = {region}, LENGTH = 64K }}\n")
    Path("empty.ld").write_text("SECTIONS {}\n")
    capsys.readouterr()
    assert main(["relink", "--board", "nucleo_u575zi", "-o", "out.elf", *words]) == 2
    out = capsys.readouterr()
    assert text in out.err
    assert "Traceback" not in out.err
    assert not Path("out.elf").exists()
