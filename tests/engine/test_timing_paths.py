"""Ways to get to a block, by two counts of the same: added up inline where that can be known, and looked up at each.

The second is what happens with -icount, where QEMU leaves blocks in their middle.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from bare import board_with, compiled, engine
from timing_bench import assembly

from sim.elf import load_elf
from sim.engines.protocol import Arm, Image, StopKind
from sim.timing import TimingProfile

FLASH = {
    "flash.wait_states": 5, "flash.miss": 1, "flash.prefetch": 0,
    "icache.size": 256, "icache.line": 32, "icache.sector": 8, "icache.ways": 0,
    "dcache.size": 64, "dcache.line": 32, "dcache.sector": 8, "dcache.ways": 0,
}  # fmt: skip
# What each leaves in r0 does not matter; r7 counts down in loops.
SHAPES = {
    "loop": "movs r7, #20\n1: adds r0, r0, r7\n subs r7, #1\n bne 1b",
    "loop behind a condition": "movs r7, #20\n cbz r7, 2f\n1: adds r0, r0, r7\n subs r7, #1\n bne 1b\n2:",
    "loop behind a condition, wide": "movs r7, #9\n cmp r7, #0\n beq.w 2f\n1: subs r7, #1\n bne.w 1b\n2:",
    "place that is run into and jumped to": "movs r7, #20\n1: tst r7, #1\n bne 2f\n adds r0, #1\n cmp r7, #7\n blt 2f\n"
    " adds r0, #2\n2: subs r7, #1\n bne 1b",
    "condition to the next instruction": "movs r7, #9\n1: cmp r7, #4\n beq 2f\n2: subs r7, #1\n bne 1b",
    "branch to the next instruction": "movs r7, #9\n1: b.w 2f\n2: subs r7, #1\n bne 1b",
    "call of what comes next": "mov r8, lr\n bl 1f\n1: mov lr, r8",
    "return by condition": "mov r8, lr\n movs r7, #9\n1: bl 2f\n subs r7, #1\n bne 1b\n b 3f\n"
    "2: cmp r7, #4\n it ne\n bxne lr\n adds r0, #1\n bx lr\n3: mov lr, r8",
    "switch": "movs r7, #12\n1: and r1, r7, #3\n tbb [pc, r1]\n2: .byte (3f-2b)/2, (4f-2b)/2, (5f-2b)/2, (6f-2b)/2\n"
    "3: adds r0, #1\n cmp r7, #8\n beq 5f\n4: adds r0, #2\n cmp r7, #5\n beq 6f\n5: adds r0, #3\n"
    "6: subs r7, #1\n bne 1b",
    "jump by register": "movs r7, #6\n1: adr r1, 3f\n cmp r7, #3\n bgt 2f\n adr r1, 4f\n2: orr r1, #1\n bx r1\n"
    ".balign 4\n3: adds r0, #1\n.balign 4\n4: subs r7, #1\n bne 1b",
    "across pages": ".balign 1024\n nop\n" + "add.w r0, r0, #1\n" * 600 + "ldr r0, [r4]\n" * 300,
    "loop across a page": ".balign 1024\n" + "nop\n" * 506 + "movs r7, #9\n1: ldr r0, [r4]\n" + "ldr r1, [r5]\n" * 8
    + "subs r7, #1\n bne 1b",
    "loads from flash": "adr.w r1, endless_data\n movs r7, #30\n1: ldrb r0, [r1], #1\n ldr r2, [r1, #3]\n subs r7, #1\n"
    " bne 1b\n b 2f\n.balign 4\nendless_data: .space 64\n2:",
    "literals": "movs r7, #9\n1: ldr r0, =0x12345678\n ldr r1, =0x87654321\n subs r7, #1\n bne 1b\n b 2f\n.ltorg\n2:",
    "device": "movs r7, #9\n ldr r1, =UART\n1: ldr r0, [r1, #4]\n adds r2, r0, #1\n ldr r0, [r1, #4]\n tst r0, #1\n"
    " bne 1b\n subs r7, #1\n bne 1b\n b 2f\n.ltorg\n2:",
    "pointer that a device comes between": "movs r7, #9\n ldr r1, =UART\n adr r3, 3f\n str r3, [r5]\n1: ldr r3, [r5]\n"
    " ldr r0, [r1, #4]\n ldr r2, [r3]\n adds r3, #8\n str r3, [r5]\n subs r7, #1\n bne 1b\n b 2f\n.balign 4\n"
    "3: .space 128\n.ltorg\n2:",
    "supervisor call": "movs r7, #5\n1: svc #1\n subs r7, #1\n bne 1b",
}  # fmt: skip
HANDLER = "\n.global SVC_Handler\n.type SVC_Handler, %function\n.thumb_func\nSVC_Handler: adds r3, r0, #1\n bx lr\n"


def cycles(path: Path, core: str, profile: TimingProfile, names: list[str], *, timers: bool) -> dict[str, list[int]]:
    elf, qemu = load_elf(path), engine()
    image = Image(path, qemu.layout(board_with(core)), elf.functions, stops=["boardless_main_returned"],
                  console_symbol="boardless_console_putc", timing=profile, timers=timers)  # fmt: skip
    session = qemu.start(image)
    try:
        for name in names:
            session.arm(name, Arm(region=True))
        assert session.resume(50_000_000).kind is StopKind.SYMBOL
        found: dict[str, list[int]] = {"total": [session.cycles or 0, session.instructions]}
        for run in session.regions():
            found.setdefault(run.symbol, []).append(run.end_cycles - run.start_cycles)
        return found
    finally:
        session.close()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, out = tmp_path_factory.mktemp("paths"), {}
    functions = {f"shape_{i}": body for i, body in enumerate(SHAPES.values())}
    source = folder / "paths.S"
    source.write_text(assembly(functions, [*functions, *functions]) + "\n.text" + HANDLER, encoding="utf-8")
    for core in ("cortex-m4", "cortex-m33"):
        out[core] = compiled(folder, core, [], flags=[str(source)], name="paths")
    return out


@pytest.mark.parametrize("level", ["core", "memory"])
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33"])
def test_both_counts_are_equal(images: dict[str, Path], core: str, level: str) -> None:
    profile = TimingProfile.of_core(core)
    assert profile is not None
    if level == "memory":
        profile = profile.changed(FLASH)
    names = [f"shape_{i}" for i in range(len(SHAPES))]
    inline = cycles(images[core], core, profile, names, timers=False)
    looked_up = cycles(images[core], core, profile, names, timers=True)
    assert inline["total"][1] == looked_up["total"][1]
    for name, shape in zip(names, SHAPES, strict=True):
        assert inline[name] == looked_up[name], shape
    assert inline["total"][0] == looked_up["total"][0]


def test_a_branch_to_what_comes_next_refills(images: dict[str, Path]) -> None:
    profile = TimingProfile.of_core("cortex-m4")
    assert profile is not None
    profile = profile.changed({"core.refill": 3, "core.refill_register": 3, "core.refill_wide": 0})
    name = f"shape_{list(SHAPES).index('branch to the next instruction')}"
    found = cycles(images["cortex-m4"], "cortex-m4", profile, [name], timers=False)[name]
    # The call, MOVS; nine times B, SUBS, BNE, both taken but for the last BNE; BX.
    assert found == [3 + 1 + 9 * (1 + 3 + 1 + 1 + 3) - 3 + 1] * 2
