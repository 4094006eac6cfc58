"""Images of every core against boards of every core: those that would fault are refused, by what the compiler wrote."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sim.boards import CORES, Board
from sim.built_for import check_core
from sim.elf import load_elf
from sim.errors import UsageError
from sim.firmware import Firmware
from sim.firmware.binary import binary_as_elf

SP4, SP5, DP5 = "fpv4-sp-d16", "fpv5-sp-d16", "fpv5-d16"


def image(folder: Path, *flags: str) -> Path:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    path = folder / "product.elf"
    source = "int main(void) { return 0; }"
    flags = (*flags, "-nostdlib", "-Wl,-e,main", "-Wl,-Ttext=0x100", "-x", "c", "-", "-o", str(path))
    subprocess.run([gcc, *flags], input=source, text=True, check=True)
    return path


def board(core: str, fpu: str) -> Board:
    return replace(Board.load("arduino_nano_33_ble"), core=core, fpu=fpu, mve=core == "cortex-m55")


def error(path: Path, there: Board) -> str:
    """What is said of the image on that board; empty: it is taken."""
    try:
        check_core(path.name, load_elf(path).built, there)
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("cpu", "runs_on"),
    [
        ("cortex-m0", ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"]),
        ("cortex-m3", ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"]),
        ("cortex-m4", ["cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"]),
        ("cortex-m7", ["cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"]),
        ("cortex-m23", ["cortex-m33", "cortex-m55"]),
        ("cortex-m33", ["cortex-m33", "cortex-m55"]),
        ("cortex-m55", ["cortex-m55"]),
    ],
)
def test_architecture(tmp_path: Path, cpu: str, runs_on: list[str]) -> None:
    path = image(tmp_path, f"-mcpu={cpu}", "-mthumb", "-mfloat-abi=soft")
    assert [core for core in CORES if not error(path, board(core, CORES[core][0]))] == runs_on
    for core in CORES:
        if core not in runs_on:
            said = error(path, board(core, CORES[core][0]))
            assert said.startswith("product.elf is built for another core than the Cortex-M")
            assert "Tag_CPU_arch" in said
            assert f"-mcpu={core}" in said


@pytest.mark.parametrize(
    ("flags", "core", "fpu", "text"),
    [
        (["-mcpu=cortex-m4", f"-mfpu={SP4}", "-mfloat-abi=hard"], "cortex-m4", SP4, ""),
        (["-mcpu=cortex-m4", f"-mfpu={SP4}", "-mfloat-abi=hard"], "cortex-m33", SP5, ""),
        (["-mcpu=cortex-m4", f"-mfpu={SP4}", "-mfloat-abi=hard"], "cortex-m4", "none", "-mfloat-abi=hard"),
        (["-mcpu=cortex-m4", f"-mfpu={SP4}", "-mfloat-abi=softfp"], "cortex-m4", "none", "for an FPU (Tag_FP_arch)"),
        (["-mcpu=cortex-m4", f"-mfpu={SP4}", "-mfloat-abi=soft"], "cortex-m4", "none", ""),
        (["-mcpu=cortex-m7", f"-mfpu={SP5}", "-mfloat-abi=hard"], "cortex-m4", SP4, "an FPU of FPv5"),
        (["-mcpu=cortex-m7", f"-mfpu={DP5}", "-mfloat-abi=hard"], "cortex-m7", DP5, ""),
        (["-mcpu=cortex-m7", f"-mfpu={DP5}", "-mfloat-abi=hard"], "cortex-m7", SP5, "double precision"),
        (["-mcpu=cortex-m55", "-mfloat-abi=hard"], "cortex-m55", "auto", ""),
        (["-marm"], "cortex-m4", SP4, "begins in Arm state"),
        (["-mcpu=arm7tdmi", "-mthumb"], "cortex-m4", SP4, ""),
    ],
)
def test_floating_point_and_state(tmp_path: Path, flags: list[str], core: str, fpu: str, text: str) -> None:
    thumb = [] if "-marm" in flags or "-mthumb" in flags else ["-mthumb"]
    said = error(image(tmp_path, *flags, *thumb), board(core, fpu))
    assert (text in said) if text else (said == "")


def test_vectors_without_the_extension(tmp_path: Path) -> None:
    path = image(tmp_path, "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")
    assert "MVE" in error(path, replace(board("cortex-m55", "auto"), mve=False))


def test_where_an_image_is_loaded(tmp_path: Path) -> None:
    path = image(tmp_path, "-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=soft")
    with pytest.raises(UsageError, match="built for another core than the Cortex-M4 of stm32f4_discovery"):
        Firmware.from_elf(path, board=Board.load("stm32f4_discovery"))


def test_without_attributes_it_is_taken(tmp_path: Path) -> None:
    dump = tmp_path / "product.bin"
    dump.write_bytes(bytes.fromhex("00100020 09000008 fee7fee7"))
    elf = binary_as_elf(dump, 0x0800_0000, {})
    assert all(not error(elf, board(core, CORES[core][0])) for core in CORES)
