"""ELF files: real ones, damaged ones, wrong ones."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from sim.elf import Elf, Symbol, load_elf
from sim.errors import UsageError


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    path = tmp_path_factory.mktemp("elf") / "good.elf"
    source = (
        "int data[3] = {1, 2, 3}, bss[5]; int f(int x) { return x * data[1]; } int main(void) { return f(bss[0]); }"
    )
    flags = ["-mcpu=cortex-m4", "-mthumb", "-O1", "-fno-inline", "-nostdlib", "-Wl,-e,main", "-Wl,-Ttext=0x100"]
    subprocess.run(
        [gcc, *flags, "-Wl,-Tdata=0x20000000", "-x", "c", "-", "-o", str(path)], input=source, text=True, check=True
    )
    return path


def test_symbols_and_segments(good: Path) -> None:
    elf = load_elf(good)
    assert elf.functions["f"] & 1 == 0
    assert elf.symbols["data"] == Symbol("data", 0x2000_0000, 12, False)
    assert elf.symbols["bss"].size == 20
    assert elf.read(0x2000_0000, 12) == struct.pack("<3i", 1, 2, 3)
    assert elf.word(0x2000_0004) == 2
    assert elf.entry == elf.functions["main"]
    assert len(elf.sha256) == 64
    assert not any(name.startswith("$") for name in elf.symbols)


def test_function_at(good: Path) -> None:
    elf = load_elf(good)
    main = elf.symbols["main"]
    for offset in range(main.size):
        assert elf.function_at(main.address + offset) == main
    assert elf.function_at(0) is None
    assert elf.function_at(0xFFFF_FFFE) is None


def test_read_outside(good: Path) -> None:
    elf = load_elf(good)
    for address, length in ((0x4000_0000, 4), (0x2000_0000, 13), (0xFFFF_FFFF, 4), (0x2000_0000, 1 << 32)):
        with pytest.raises(IndexError, match="are not in the image"):
            elf.read(address, length)


def test_loaded_once_while_it_is_the_same(good: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.elf"
    shutil.copy(good, copy)
    first = load_elf(copy)
    assert load_elf(copy) is first
    copy.write_bytes(copy.read_bytes() + b"\0")
    assert load_elf(copy) is not first


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "not an ELF, or a damaged one"),
        (b"\x7fELF", "not an ELF, or a damaged one"),
        (b"hello", "not an ELF"),
        (b"\0" * 1000, "not an ELF"),
    ],
)
def test_not_an_elf(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "x.elf"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=text):
        load_elf(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.elf", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            load_elf(path)


def test_wrong_machine(good: Path, tmp_path: Path) -> None:
    data = bytearray(good.read_bytes())
    data[18:20] = struct.pack("<H", 62)
    path = tmp_path / "x86.elf"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="not a 32-bit little-endian Arm image"):
        load_elf(path)


def test_an_object_file_is_not_linked(tmp_path: Path) -> None:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    path = tmp_path / "x.o"
    subprocess.run(
        [gcc, "-c", "-mcpu=cortex-m4", "-mthumb", "-x", "c", "-", "-o", str(path)],
        input="int x;", text=True, check=True,
    )  # fmt: skip
    with pytest.raises(UsageError, match="not linked"):
        load_elf(path)


def test_damaged_files_are_refused_or_read(good: Path, tmp_path: Path) -> None:
    """Every truncation, and bytes flipped all over: never anything but UsageError."""
    whole = good.read_bytes()
    rng = random.Random(7)
    path = tmp_path / "damaged.elf"
    for i in range(400):
        data = bytearray(whole)
        if i % 2:
            del data[rng.randrange(len(data)) :]
        else:
            for _ in range(rng.randrange(1, 9)):
                at = rng.randrange(min(len(data), 64)) if rng.random() < 0.5 else rng.randrange(len(data))
                data[at] = rng.randrange(256)
        path.write_bytes(data)
        try:
            elf = load_elf(path)
        except UsageError:
            continue
        assert isinstance(elf, Elf)


@pytest.mark.parametrize(("cpu", "profile"), [("cortex-a9", "A"), ("cortex-r5", "R")])
def test_not_for_a_cortex_m(tmp_path: Path, cpu: str, profile: str) -> None:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    path = tmp_path / "x.elf"
    subprocess.run(
        [gcc, f"-mcpu={cpu}", "-nostdlib", "-Wl,-e,f", "-x", "c", "-", "-o", str(path)],
        input="int f(void) { return 1; }", text=True, check=True,
    )  # fmt: skip
    with pytest.raises(UsageError, match=f"built for a Cortex-{profile}, not a Cortex-M"):
        load_elf(path)
