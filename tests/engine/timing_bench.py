"""Own assembly for the timing model: each snippet 4 and 14 times, the difference by ten is its cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bare import board_with, compiled, engine

from sim.elf import load_elf
from sim.engines.protocol import Arm, Image, RegionRun, Stalls, StopKind
from sim.timing import TimingProfile

FEW, MANY = 4, 14
_HEAD = '.syntax unified\n.thumb\n.section .text.timing,"ax"\n.balign 16\n'
_FUNCTION = ".global {0}\n.type {0}, %function\n.thumb_func\n.balign 16\n{0}:\n{1}\n bx lr\n.size {0}, .-{0}\n"
# What snippets may use: r4, r5: buffers in RAM (r4's first word points to r5's), r6: 0, r0 to r3, r7, r8: anything.
_SET_UP = " ldr r4, =bench_a\n ldr r5, =bench_b\n movs r6, #0\n str r5, [r4]\n movs r7, #1\n"
_DATA = "\n.ltorg\n.section .bss\n.balign 16\nbench_a: .space 256\nbench_b: .space 256\n"


@dataclass(frozen=True)
class Ran:
    """Regions by function, in order, and what flash made wait in all."""

    regions: Mapping[str, list[RegionRun]]
    stalls: Stalls

    def cycles(self, name: str) -> list[int]:
        """Cycles of each call, entry to return."""
        return [run.end_cycles - run.start_cycles for run in self.regions[name]]


def assembly(functions: Mapping[str, str], calls: list[str], data: str = "") -> str:
    """A program: main sets up the registers anew before each call."""
    text = _HEAD + "".join(_FUNCTION.format(name, body) for name, body in functions.items())
    body = " push {r4-r11, lr}\n" + "".join(f"{_SET_UP} bl {name}\n" for name in calls)
    # A pool of literals every few calls: it must lie near.
    body = "".join(
        line + ("\n b 1f\n .ltorg\n1:" if line.startswith(" bl") and i % 25 == 24 else "") + "\n"
        for i, line in enumerate(body.splitlines())
    )
    text += ".global main\n.type main, %function\n.thumb_func\n.balign 16\nmain:\n" + body
    return text + " pop {r4-r11, pc}\n" + _DATA + data


def run(folder: Path, core: str, text: str, names: list[str], profile: TimingProfile) -> Ran:
    """Runs the program on that core's twin; regions of the named functions."""
    source = folder / "timing.S"
    source.write_text(text, encoding="utf-8")
    path = compiled(folder, core, [], flags=[str(source)], name="timing")
    elf = load_elf(path)
    board = board_with(core)
    qemu = engine()
    image = Image(path, qemu.layout(board), elf.functions, stops=["boardless_main_returned"],
                  console_symbol="boardless_console_putc", timing=profile)  # fmt: skip
    session = qemu.start(image)
    try:
        for name in names:
            session.arm(name, Arm(region=True))
        stop = session.resume(50_000_000)
        assert stop.kind is StopKind.SYMBOL, stop
        regions: dict[str, list[RegionRun]] = {}
        for done in session.regions():
            regions.setdefault(done.symbol, []).append(done)
        return Ran(regions, session.stalls())
    finally:
        session.close()


def snippets(folder: Path, core: str, cases: Mapping[str, str], profile: TimingProfile) -> dict[str, float]:
    """Cycles of each snippet (`@` in it: the number of the copy, for labels)."""
    functions, names = {}, {}
    for i, (key, text) in enumerate(cases.items()):
        for copies in (FEW, MANY):
            name = f"case_{i}_{copies}"
            functions[name] = "\n".join(
                text.replace("@", f"_{i}_{copies}_{c}").replace(";", "\n") for c in range(copies)
            )
            names[key, copies] = name
    # Twice: nothing must depend on what ran before.
    ran = run(folder, core, assembly(functions, [*functions, *functions]), list(functions), profile)
    out = {}
    for key in cases:
        few, many = ran.cycles(names[key, FEW]), ran.cycles(names[key, MANY])
        assert len(few) == 2, key
        assert few[0] == few[1], key
        assert many[0] == many[1], key
        out[key] = (many[0] - few[0]) / (MANY - FEW)
    return out
