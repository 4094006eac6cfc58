"""Two versions of QEMU count the same. Needs a second one: BOARDLESS_OTHER_QEMU is the path of its qemu-system-arm.

7.2 and 10 are worlds apart here: another plugin interface, blocks cut at other places, and device accesses that leave
blocks in their middle.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bare import board_with, compiled, engine
from test_timing_paths import FLASH
from timing_bench import assembly

from sim.boards import Board
from sim.elf import load_elf
from sim.engines import find_engine
from sim.engines.protocol import Arm, Engine, Image, StopKind
from sim.measure.profile import profile
from sim.paths import data_root
from sim.settings import Settings
from sim.target import Target

OTHER = os.environ.get("BOARDLESS_OTHER_QEMU", "")
pytestmark = pytest.mark.skipif(
    not OTHER, reason="one QEMU only: BOARDLESS_OTHER_QEMU=/path/of/qemu-system-arm of another version"
)
MODELS = ("gesture", "keyword", "image")
# Device accesses in mid-block, and what comes behind them there: nothing, loads from flash by a pointer that was there
# before and by one that comes from memory, another access, a byte to the console, a double word, a call.
DEVICES = {
    "read": "1: adds r0, r0, #1\n ldr r0, [r1, #4]\n adds r2, r0, #1\n muls r2, r0, r2\n subs r7, #1\n"
    " bne 1b",
    "flash behind it": "adr r3, 3f\n1: ldr r0, [r1, #4]\n ldr r2, [r3], #4\n ldr r2, [r3, #12]\n"
    " subs r7, #1\n bne 1b\n"
    " b 2f\n.balign 4\n3: .space 64\n2:",
    "pointer behind it": "adr r3, 3f\n str r3, [r5]\n1: ldr r3, [r5]\n ldr r0, [r1, #4]\n ldr r2, [r3]\n"
    " adds r3, #8\n"
    " str r3, [r5]\n subs r7, #1\n bne 1b\n b 2f\n.balign 4\n3: .space 128\n2:",
    "pointer from behind it": "adr r3, 3f\n str r3, [r5]\n1: ldr r0, [r1, #4]\n ldr r3, [r5]\n"
    " ldr r2, [r3]\n adds r3, #8\n"
    " str r3, [r5]\n subs r7, #1\n bne 1b\n b 2f\n.balign 4\n3: .space 128\n2:",
    "two of them": "1: ldr r0, [r1, #4]\n adds r2, r0, #1\n ldr r2, [r1, #4]\n ldr r3, [r4]\n"
    " adds r2, r0, #1\n"
    " subs r7, #1\n bne 1b",
    "console": "movs r0, #65\n1: adds r2, r7, #1\n str r0, [r1]\n ldr r3, [r4]\n adds r2, #1\n"
    " str r0, [r1]\n adds r2, #1\n"
    " subs r7, #1\n bne 1b",
    "double word": "1: adds r2, r7, #1\n ldrd r2, r3, [r1, #4]\n adds r2, #1\n ldr r2, [r4]\n"
    " subs r7, #1\n bne 1b",
    "loop from the middle": "ldr r0, [r1, #4]\n1: ldr r0, [r4]\n ldr r2, [r1, #4]\n2: adds r2, #1\n"
    " subs r7, #1\n beq 3f\n"
    " tst r7, #1\n bne 1b\n b 2b\n3:",
    "call behind it": "mov r8, lr\n1: ldr r0, [r1, #4]\n adds r2, r0, #1\n bl 2f\n subs r7, #1\n"
    " bne 1b\n b 3f\n"
    "2: ldr r0, [r1, #4]\n adds r0, #1\n bx lr\n3: mov lr, r8",
    "in a condition": "1: lsls r2, r7, #31\n ittee eq\n ldreq r0, [r1, #4]\n addeq r0, #1\n"
    " ldrne r0, [r4]\n addne r0, #2\n"
    " adds r2, #1\n subs r7, #1\n bne 1b",
}  # fmt: skip


def other() -> Engine:
    return find_engine(replace(Settings.load(), engine="qemu", qemu=OTHER))


def differences(a: Any, b: Any, at: str = "") -> Iterator[str]:
    """What is not equal, by its place."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from differences(a[key], b[key], f"{at}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences(x, y, f"{at}[{i}]")
    elif a != b:
        yield f"{at}: {a} and {b}"


def test_they_are_two_versions() -> None:
    assert engine().version() != other().version()


@pytest.mark.parametrize("name", MODELS)
def test_profile(name: str) -> None:
    found = []
    for qemu in (engine(), other()):
        target = replace(Target.of(Settings.load({"board": "nucleo_l4r5zi"})), engine=qemu)
        said = profile(data_root() / "models" / name / f"{name}.tflite", target=target).as_json()
        found.append({key: value for key, value in said.items() if key not in target.described()})
    assert list(differences(*found)) == []
    assert found[0]["cycles"] > found[0]["instructions"]["shown"]


@pytest.mark.parametrize("timers", [False, True], ids=["blocks", "icount"])
@pytest.mark.parametrize("level", ["core", "memory"])
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33"])
def test_device_accesses(tmp_path: Path, core: str, level: str, timers: bool) -> None:
    functions = {f"device_{i}": f"ldr r1, =UART\n movs r7, #9\n {body}" for i, body in enumerate(DEVICES.values())}
    source = tmp_path / "devices.S"
    source.write_text(assembly(functions, [*functions, *functions]), encoding="utf-8")
    path = compiled(tmp_path, core, [], flags=[str(source)], name="devices")
    timing = Board.load("nucleo_l4r5zi" if core == "cortex-m4" else "nrf5340dk").timing
    assert timing is not None
    timing = timing.changed(FLASH) if level == "memory" else timing.core_only()
    names, found = dict(zip(functions, DEVICES, strict=True)), []
    for qemu in (engine(), other()):
        elf = load_elf(path)
        image = Image(path, qemu.layout(board_with(core)), elf.functions, stops=["boardless_main_returned"],
                      timing=timing, timers=timers)  # fmt: skip
        session = qemu.start(image)
        try:
            for name in functions:
                session.arm(name, Arm(region=True))
            assert session.resume(50_000_000).kind is StopKind.SYMBOL
            runs = [(names[r.symbol], r.end - r.start, r.end_cycles - r.start_cycles) for r in session.regions()]
            found.append({
                "instructions": session.instructions,
                "regions": runs,
                "console": list(session.console()[1]),
                "stalls": vars(session.stalls()),
                "cycles": session.cycles,
            })  # fmt: skip
        finally:
            session.close()
    assert list(differences(*found)) == []
    assert len(found[0]["regions"]) == 2 * len(DEVICES)
    assert len(found[0]["console"]) == 36
