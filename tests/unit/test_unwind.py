"""Backtraces of made-up and of overwritten stacks."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.boards import Memory
from sim.elf import Elf, Segment, Symbol, load_elf
from sim.failure.backtrace import lines_of
from sim.failure.debuginfo import debug_info
from sim.failure.demangle import demangled
from sim.failure.unwind import MOST, Frame, Unwinder, frame_size, is_exception_return

RAM = Memory(0x2000_0000, 0x1000)
CODE = 0x100


def image(names: list[str]) -> Elf:
    """Functions of 32 bytes from CODE on; each has a BL at its 8th byte."""
    body = bytearray(b"\x00\xbf" * 16)
    body[8:12] = b"\x00\xf0\x00\xf8"
    symbols = {n: Symbol(n, CODE + 32 * i, 32, True) for i, n in enumerate(names)}
    data = bytes(CODE) + bytes(body) * len(names)
    return Elf(Path("x.elf"), "0", CODE, (Segment(0, 0, data, len(data)),), symbols)


def memory(elf: Elf, words: dict[int, int]) -> Callable[[int, int], bytes]:
    ram = bytearray(RAM.size)
    for at, word in words.items():
        ram[at - RAM.origin : at - RAM.origin + 4] = word.to_bytes(4, "little")

    def read(address: int, length: int) -> bytes:
        if RAM.origin <= address and address + length <= RAM.end:
            return bytes(ram[address - RAM.origin : address - RAM.origin + length])
        return elf.read(address, length)

    return read


def after_call(i: int) -> int:
    """The return address in function number `i`, with its Thumb bit."""
    return CODE + 32 * i + 12 | 1


def test_without_rules_the_stack_is_looked_through() -> None:
    elf = image(["inner", "middle", "outer"])
    sp = RAM.origin + 0x100
    read = memory(elf, {sp: 0x1234, sp + 4: after_call(1) + 4, sp + 8: after_call(1), sp + 20: after_call(2)})
    frames = Unwinder(elf, None, read, RAM).frames({"pc": CODE + 4, "sp": sp, "lr": 0xFFFFFFFF})
    assert lines_of(elf, None, frames) == [
        "inner+0x4 (0x00000104)",
        "? middle+0xc (0x0000012c)",
        "? outer+0xc (0x0000014c)",
    ]


def test_the_link_register_of_a_leaf() -> None:
    elf = image(["inner", "middle"])
    frames = Unwinder(elf, None, memory(elf, {}), RAM).frames({"pc": CODE, "sp": RAM.end - 8, "lr": after_call(1)})
    assert lines_of(elf, None, frames) == ["inner+0x0 (0x00000100)", "middle+0xc (0x0000012c)"]


@pytest.mark.parametrize("back", [0xFFFFFFF9, 0xFFFFFFF1, 0xFFFFFFE9, 0xFFFFFFBC | 1])
def test_through_an_exception(back: int) -> None:
    elf = image(["handler", "worker", "outer"])
    sp = RAM.origin + 0x200
    words = {sp + 20: after_call(2), sp + 24: CODE + 32 + 6, sp + 28: 0x0100_0000}
    frames = Unwinder(elf, None, memory(elf, words), RAM, [sp]).frames({"pc": CODE, "sp": sp, "lr": back})
    assert lines_of(elf, None, frames) == [
        "handler+0x0 (0x00000100)",
        "-- exception --",
        "worker+0x6 (0x00000126)",
        "outer+0xc (0x0000014c)",
    ]
    assert frames[1].sp == sp + (32 if back & 16 else 104)


def test_frame_sizes() -> None:
    assert frame_size(0xFFFFFFF9, 0x0100_0000) == 32
    assert frame_size(0xFFFFFFF9, 0x0100_0200) == 36
    assert frame_size(0xFFFFFFE9, 0x0100_0000) == 104
    assert is_exception_return(0xFFFFFFFD)
    assert not is_exception_return(0xFFFFFFFF)
    assert not is_exception_return(0x0800_0001)


def test_recursion_is_shown_once() -> None:
    elf = image(["inner", "deep", "outer"])
    sp = RAM.origin + 0x100
    words = {sp + 16 * i: after_call(1) for i in range(20)} | {sp + 16 * 20: after_call(2)}
    frames = Unwinder(elf, None, memory(elf, words), RAM).frames({"pc": CODE + 4, "sp": sp, "lr": 0})
    lines = lines_of(elf, None, frames)
    assert lines == [
        "inner+0x4 (0x00000104)",
        "? deep+0xc (0x0000012c)",
        "? deep+0xc (0x0000012c)",
        "  ... 18 more of the same",
        "? outer+0xc (0x0000014c)",
    ]


def test_a_stack_pointer_out_of_memory() -> None:
    elf = image(["inner"])
    for sp in (0, 0xFFFF_FFFC, RAM.end, RAM.origin - 4, 0x0000_0001):
        frames = Unwinder(elf, None, memory(elf, {}), RAM).frames({"pc": CODE, "sp": sp, "lr": 0})
        assert [f.address for f in frames] == [CODE]


def test_no_registers_no_frames() -> None:
    elf = image(["inner"])
    assert Unwinder(elf, None, memory(elf, {}), RAM).frames({}) == []


def test_code_that_is_none() -> None:
    elf = image(["inner"])
    assert lines_of(elf, None, [Frame(0xDEAD_BEE0, 0)]) == ["0xdeadbee0, where the image has no function"]


def test_names_of_cpp() -> None:
    if shutil.which("arm-none-eabi-c++filt") is None and shutil.which("c++filt") is None:
        pytest.skip("no c++filt")
    assert demangled(["_ZN6tflite16MicroInterpreter6InvokeEv", "main", "_Zinvalid"])[
        "_ZN6tflite16MicroInterpreter6InvokeEv"
    ] == "tflite::MicroInterpreter::Invoke()"  # fmt: skip
    assert demangled(["main"]) == {}


def test_names_of_cpp_without_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.failure.demangle.shutil.which", lambda name: None)
    assert demangled(["_ZN1a1bEv"]) == {}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    path = tmp_path_factory.mktemp("unwind") / "real.elf"
    source = """
      volatile int x;
      __attribute__((noinline)) int leaf(int n) { return n + x; }
      __attribute__((noinline)) int middle(int n, int m) { volatile int a[9];
        a[n & 7] = m; return leaf(a[1]) + leaf(m) + a[2]; }
      int main(void) { return middle(x, 3) + 1; }
    """
    flags = ["-mcpu=cortex-m4", "-mthumb", "-O2", "-g", "-nostdlib", "-Wl,-e,main", "-Wl,-Ttext=0x100"]
    subprocess.run(
        [gcc, *flags, "-Wl,-Tdata=0x20000000", "-x", "c", "-", "-o", str(path)], input=source, text=True, check=True
    )
    return path


def test_rules_and_lines(real: Path) -> None:
    elf = load_elf(real)
    info = debug_info(elf.path, elf.sha256)
    assert info is not None
    middle = elf.symbols["middle"]
    begin, inside = info.rules(middle.address), info.rules(middle.address + middle.size - 4)
    assert begin is not None
    assert (begin.cfa_register, begin.cfa_offset, dict(begin.saved)) == (13, 0, {})
    assert inside is not None
    assert info.rules(0xF000_0000) is None
    assert info.line(middle.address).startswith("<stdin>:4")
    assert info.line(0xF000_0000) == ""


def test_anything_on_the_stack(real: Path) -> None:
    """Random registers and stacks, with and without debug information: an end, and no error."""
    elf = load_elf(real)
    info = debug_info(elf.path, elf.sha256)
    rng = random.Random(3)
    code = [s.address + i for s in elf.symbols.values() if s.function for i in range(0, s.size, 2)]
    pool = [0, 1, 0xFFFFFFFF, 0xFFFFFFF9, 0xFFFFFFFD, 0xFFFFFFE9, RAM.origin, RAM.end, 0x0100_0000]
    for i in range(500):
        words = {}
        for at in range(RAM.origin, RAM.end, 4):
            if rng.random() < 0.5:
                words[at] = rng.choice(pool) if rng.random() < 0.3 else rng.choice(code) | 1
        registers = {f"r{n}": rng.choice(pool) for n in range(13)}
        registers["pc"] = rng.choice(code) if rng.random() < 0.8 else rng.choice(pool)
        registers["sp"] = rng.randrange(RAM.origin, RAM.end) if rng.random() < 0.8 else rng.choice(pool)
        registers["lr"] = rng.choice(pool + code)
        unwinder = Unwinder(elf, info if i % 2 else None, memory(elf, words), RAM, [rng.randrange(RAM.origin, RAM.end)])
        frames = unwinder.frames(registers)
        assert 1 <= len(frames) <= MOST
        lines_of(elf, info, frames[:3])


def test_damaged_debug_information(real: Path, tmp_path: Path) -> None:
    whole = real.read_bytes()
    rng = random.Random(5)
    path = tmp_path / "damaged.elf"
    elf = load_elf(real)
    for i in range(150):
        data = bytearray(whole)
        for _ in range(20):
            data[rng.randrange(0x400, len(data))] = rng.randrange(256)
        path.write_bytes(data)
        info = debug_info(path, str(i))
        if info is None:
            continue
        for symbol in elf.symbols.values():
            info.rules(symbol.address)
            info.line(symbol.address)
