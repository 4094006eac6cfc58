"""A firmware of somebody else's, outside the repository: examples/port, and what docs/port.md shows of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bare import engine
from pages import ROOT, blocks

from sim.boards import Board, Memory
from sim.engines.qemu.twins import TWINS
from sim.paths import data_root
from sim.port import mailbox

pytestmark = pytest.mark.slow  # seconds each: the quick tests have two minutes for all

EXAMPLE = ROOT / "examples" / "port"
PAGE = ROOT / "docs" / "port.md"
PORT = data_root() / "firmware" / "port"


def run(command: list[str], folder: Path, *, code: int = 0) -> str:
    # `boardless` is called by name, as users do: a script that runs this very Python stands in for the installed one.
    bin_folder = folder.parent / "bin"
    bin_folder.mkdir(exist_ok=True)
    script = bin_folder / "boardless"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sim "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def pytest_in(folder: Path, *arguments: str) -> str:
    return run([sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *arguments], folder)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, copied away and built there."""
    engine()
    for tool in ("make", "arm-none-eabi-gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = tmp_path_factory.mktemp("somewhere") / "product"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("build", "__pycache__"))
    run(["make"], folder)
    return folder


def test_its_own_tests_pass(product: Path) -> None:
    assert "5 passed" in pytest_in(product)


def test_it_notices_when_the_product_breaks(product: Path, tmp_path: Path) -> None:
    broken = tmp_path / "product"
    shutil.copytree(product, broken)
    main = broken / "src" / "main.c"
    main.write_text(main.read_text().replace("> shake_threshold", "< shake_threshold"))
    run(["make"], broken)
    done = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], broken, code=1)
    assert "test_rest_is_rest" in done


def test_copied_into_the_sources(product: Path, tmp_path: Path) -> None:
    copy = tmp_path / "product"
    shutil.copytree(product, copy)
    run(["boardless", "port", "src"], copy)
    run(["make", "clean"], copy)
    run(["make", "PORT=src"], copy)
    assert (copy / "build" / "product.elf").read_bytes()
    assert "5 passed" in pytest_in(copy)


def test_the_test_in_the_documentation(product: Path, tmp_path: Path) -> None:
    (shown,) = (b for b in blocks(PAGE) if b.language == "python" and "def test_" in b.text)
    folder = tmp_path / "p"
    folder.mkdir()
    shutil.copytree(product / "build", folder / "build")
    (folder / "test_shown.py").write_text(shown.text)
    assert "1 passed" in pytest_in(folder)


def test_built_for_the_product_itself_it_runs_where_the_board_has_its_addresses(product: Path, tmp_path: Path) -> None:
    folder = tmp_path / "product"
    shutil.copytree(product, folder)
    run(["make", "TWIN=", "-B"], folder)
    said = run(["boardless", "run", "build/product.elf", "--board", "stm32f4_discovery", "--for", "1 s"], folder)
    assert "in 1.000 s of board time" in said
    said = run(["boardless", "run", "build/product.elf", "--board", "nucleo_u575zi"], folder, code=2)
    assert "0x08000000" in said
    assert "which mps2-an505 plays: flash 0x10000000 to 0x10200000, RAM 0x80000000" in said
    assert "Traceback" not in said


def test_with_cmake_as_the_documentation_says(product: Path, tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    (shown,) = (b for b in blocks(PAGE) if b.language == "cmake")
    folder = tmp_path / "product"
    shutil.copytree(product, folder)
    head = (
        "cmake_minimum_required(VERSION 3.13)\nset(CMAKE_SYSTEM_NAME Generic)\n"
        "set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)\nset(CMAKE_C_COMPILER arm-none-eabi-gcc)\n"
        "project(product C)\nfile(GLOB SOURCES src/*.c)\nadd_executable(product ${SOURCES})\n"
        "target_compile_options(product PRIVATE -mcpu=cortex-m4 -mthumb -Os -fno-builtin\n"
        "  -fno-tree-loop-distribute-patterns -DUART_BASE=0x40004000u)\n"
        "target_link_options(product PRIVATE -mcpu=cortex-m4 -mthumb -nostdlib -T ${CMAKE_SOURCE_DIR}/product.ld\n"
        "  -Wl,--defsym=FLASH_AT=0 -Wl,--defsym=RAM_AT=0x21000000)\n"
    )
    (folder / "CMakeLists.txt").write_text(head + shown.text)
    run(["cmake", "-S", ".", "-B", "out"], folder)
    run(["cmake", "--build", "out"], folder)
    (elf,) = (p for p in (folder / "out").iterdir() if p.name.startswith("product"))
    assert "5 passed" in pytest_in(folder, "--firmware", str(elf))


@pytest.mark.parametrize("language", [["-x", "c", "-std=c99", "-pedantic"], ["-x", "c++", "-std=c++11", "-pedantic"]])
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_the_port_is_plain_c_for_any_core(core: str, language: list[str], tmp_path: Path) -> None:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    file = PORT / "boardless_port.c"
    if "c++" in language:
        file = tmp_path / "use.cc"
        file.write_text('#include "boardless_port.h"\nint use() { return bl_ready("x") + bl_exit(0); }\n')
    command = [gcc, f"-mcpu={core}", "-mthumb", "-Wall", "-Wextra", "-Werror", "-Os", "-ffreestanding", *language]
    run([*command, f"-I{PORT}", "-c", str(file), "-o", str(tmp_path / "x.o")], tmp_path)


def test_without_a_host_every_call_says_so(product: Path) -> None:
    """On the product nobody stops at the doorbell. Here: QEMU alone, without boardless."""
    qemu = shutil.which("qemu-system-arm")
    if qemu is None:
        pytest.skip("qemu-system-arm is not installed")
    command = [qemu, "-M", "mps2-an386", "-nographic", "-monitor", "none", "-kernel", "build/product.elf"]
    with subprocess.Popen(command, cwd=product, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline().strip() for _ in range(2)]
        running.kill()
    assert lines == [b"shake detector 1.0", b"no sensor"]


# ---- the tables of the page are those of the code ----


def rows(first: str) -> list[list[str]]:
    """The cells of the table of docs/port.md whose first column has that heading, without backquotes."""
    text = PAGE.read_text(encoding="utf-8")
    table = re.search(rf"^\| {first} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table, first
    return [[c.strip().replace("`", "") for c in line.strip("|").split("|")] for line in table[1].splitlines()]


def test_table_of_the_twins() -> None:
    for (core, machine, code, vectors, ram, uart), (name, twin) in zip(rows("core"), TWINS.items(), strict=True):
        assert core.lower() == name
        assert machine == twin.machine
        assert [int(x, 16) for x in (code, vectors, ram, uart)] == [
            twin.code.origin, twin.vectors, twin.ram.origin, twin.uart]  # fmt: skip


def test_tables_of_the_mailbox() -> None:
    header = (PORT / "boardless_port.h").read_text(encoding="utf-8")
    fields = re.findall(r"^  \w+ (\w+)(?:\[\d\])?;\s*/\* ?\s*(\d+):", header, re.MULTILINE)
    assert [(name, at) for at, _, name, _ in rows("offset")] == fields
    ops = {name: int(n) for name, n in re.findall(r"BL_OP_(\w+) = (\d+)", header)}
    assert {name: int(n) for n, name, *_ in rows("op")} == ops == {op.name: int(op) for op in mailbox.Op}
    for *_, function in rows("op"):
        assert re.search(rf"\b{function}\(", header)
    statuses = {name: int(n) for name, n in re.findall(r"(BL_(?!OP)\w+) = (-?\d+)", header)}
    assert {name: int(n) for n, name, _ in rows("status")} == statuses
    assert f"{mailbox.MAGIC:#010x}" in rows("offset")[0][3]


def test_an_image_that_is_too_large_is_refused(product: Path) -> None:
    from dataclasses import replace

    from sim.elf import load_elf
    from sim.errors import UsageError
    from sim.machine.placed import check_placed

    board = Board.load("stm32f4_discovery")
    layout = engine().layout(board)
    elf = load_elf(product / "build" / "product.elf")
    check_placed(elf, board, layout)
    small = Memory(layout.ram.origin, 64)
    with pytest.raises(UsageError, match="is not memory of stm32f4_discovery"):
        check_placed(elf, board, replace(layout, ram=small))
