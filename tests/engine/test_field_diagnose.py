"""A crash dump in words: what the virtual board says of its own fault must come out of a dump of it, too."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from bare import compiled, engine
from test_field_replay import target

from sim.cli import main
from sim.elf import load_elf
from sim.errors import FirmwareFailure, UsageError
from sim.field.build_id import build_id
from sim.field.crash import read_crash
from sim.field.diagnose import diagnose
from sim.field.wire import line
from sim.report.json_out import schema

DEEP = """
#include "bare.h"
volatile uint32_t depth;
static uint8_t buffer[64];
KEEP uint32_t third(uint32_t n) { return depth = REG(0xF0000000 + n), n + 1; }
KEEP uint32_t second(uint32_t n) { volatile uint32_t a[8]; a[n % 8] = third(n + 4); return a[n % 8] + buffer[n]; }
KEEP uint32_t first(uint32_t n) { return second(n + 4) * 3; }
int main(void) { depth = first(8); for (;;) {} }
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    engine()
    folder = tmp_path_factory.mktemp("crash")
    (folder / "deep_call.c").write_text(DEEP)
    return compiled(folder, "cortex-m4", [str(folder / "deep_call.c")], name="deep",
                    flags=["-g", "-Wl,--build-id=sha1"])  # fmt: skip


@pytest.fixture(scope="module")
def crashed(image: Path) -> tuple[dict[str, int], dict[int, bytes], str]:
    """Registers and stack of a fault, and the report of it."""
    with target().started(image) as machine, pytest.raises(FirmwareFailure) as failed:
        machine.run("1 s")
    text = failed.value.report
    crash = read_crash(text)
    with target().started(image) as machine:
        with pytest.raises(FirmwareFailure):
            machine.run("1 s")
        stack = {crash.registers["sp"]: machine.read(crash.registers["sp"], 96)}
    return {**crash.registers, **crash.fault}, stack, text


def trace_of(lines: tuple[str, ...] | list[str]) -> list[str]:
    start = list(lines).index("backtrace:") + 1
    return [text.strip() for text in lines[start:] if text.startswith("  ")]


def wire_dump(image: Path, registers: dict[str, int], stack: dict[int, bytes]) -> str:
    """As the recorder writes it."""
    names = ("cfsr", "hfsr", "mmfar", "bfar")
    out = [line(0, "H", 1, build_id(load_elf(image)), "deep", "fault")]
    values = {"mmfar": 0, "bfar": 0xF0000010, **registers}
    out.append(line(1, "F", "5", *(f"{values[n]:08x}" for n in names)))
    out.append(line(2, "R", *(f"{k}={v:08x}" for k, v in registers.items() if k not in names)))
    out += [line(3 + i, "K", f"{at:08x}", data.hex()) for i, (at, data) in enumerate(stack.items())]
    return "\n".join(["hello", *out, "bye"])


def test_the_recorders_dump(image: Path, crashed: tuple[dict[str, int], dict[int, bytes], str], tmp_path: Path) -> None:
    registers, stack, report = crashed
    (tmp_path / "uart.log").write_text(wire_dump(image, registers, stack))
    found = diagnose([tmp_path / "uart.log"], image)
    assert found.lines[0].startswith("BusFault: PRECISERR: data access that nothing answers at address 0xf0000010")
    assert "in third+0x" in found.lines[0]
    assert "at deep_call.c:5" in found.lines[0]
    own = trace_of(report.splitlines())
    assert len(own) >= 4
    trace = trace_of(found.lines)
    assert trace[: len(own)] == own
    assert any(text.startswith("stack: ") and "of 4096 bytes in use" in text for text in found.lines)
    assert found.remarks == ()


def test_what_fault_handlers_print(
    image: Path, crashed: tuple[dict[str, int], dict[int, bytes], str], tmp_path: Path
) -> None:
    registers, stack, report = crashed
    names = {"xpsr": "PSR", "sp": "MSP"}
    text = "*** HARD FAULT ***\r\n"
    text += "\r\n".join(f"{names.get(k, k.upper())} = 0x{v:08X}" for k, v in registers.items())
    for at, data in stack.items():
        for i in range(0, len(data), 16):
            words = " ".join(f"{int.from_bytes(data[i + k : i + k + 4], 'little'):08x}" for k in range(0, 16, 4))
            text += f"\r\n{at + i:08x}: {words}"
    (tmp_path / "uart.log").write_text(text)
    found = diagnose([tmp_path / "uart.log"], image)
    own = trace_of(report.splitlines())
    assert trace_of(found.lines)[: len(own)] == own
    assert found.remarks == ("nobody can tell whether this is the very build of the dump: no build id",)


def test_another_build_is_refused(
    image: Path, crashed: tuple[dict[str, int], dict[int, bytes], str], tmp_path: Path
) -> None:
    registers, stack, _ = crashed
    good = wire_dump(image, registers, stack)
    other = "\n".join([line(0, "H", 1, "ab" * 20, "deep", "fault"), *good.splitlines()[2:]])
    (tmp_path / "uart.log").write_text(other)
    with pytest.raises(UsageError, match="but the dump is of build abababababab"):
        diagnose([tmp_path / "uart.log"], image)


def test_less_in_the_dump_is_less_in_the_words(
    image: Path, crashed: tuple[dict[str, int], dict[int, bytes], str], tmp_path: Path
) -> None:
    registers, _, _ = crashed
    (tmp_path / "uart.log").write_text(f"PC: {registers['pc']:08x} LR: {registers['lr']:08x}")
    found = diagnose([tmp_path / "uart.log"], image)
    assert "in third+0x" in found.lines[0]
    assert "no stack in the dump: the backtrace ends at what the registers say" in found.remarks
    (tmp_path / "uart.log").write_text("all is well")
    with pytest.raises(UsageError, match="no crash dump in it"):
        diagnose([tmp_path / "uart.log"], image)


def test_without_a_pc_the_stack_tells(
    image: Path, crashed: tuple[dict[str, int], dict[int, bytes], str], tmp_path: Path
) -> None:
    dump = wire_dump(image, *crashed[:2]).splitlines()
    (tmp_path / "uart.log").write_text("\n".join(text for text in dump if " R " not in text))
    found = diagnose([tmp_path / "uart.log"], image)
    assert found.lines[0].startswith("BusFault: PRECISERR")
    assert ", near " in found.lines[0]
    assert any(text.startswith("? main+") for text in trace_of(found.lines))
    assert found.remarks == ("no pc in the dump: its line is missing, or torn",)


def test_by_command(
    image: Path,
    crashed: tuple[dict[str, int], dict[int, bytes], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    monkeypatch.chdir(tmp_path)
    Path("uart.log").write_text(wire_dump(image, *crashed[:2]))
    assert main(["field", "diagnose", "uart.log", "--firmware", str(image), "--json", "r.json"]) == 0
    data = json.loads(Path("r.json").read_text())
    jsonschema.validate(data, schema("field"))
    assert "third" in capsys.readouterr().out
    assert main(["field", "diagnose", "none.log", "--firmware", str(image)]) == 2
    assert "none.log: cannot be read" in capsys.readouterr().err


def test_mutated_dumps_neither_crash_nor_hang(
    image: Path, crashed: tuple[dict[str, int], dict[int, bytes], str], tmp_path: Path
) -> None:
    rng = random.Random(3)
    good = wire_dump(image, *crashed[:2]) + "\n" + crashed[2]
    path = tmp_path / "uart.log"
    said = 0
    for _ in range(100):
        data = bytearray(good.encode())
        for _ in range(rng.randrange(1, 30)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        try:
            said += bool(diagnose([path], image).lines)
        except UsageError:
            continue
    assert said > 30
