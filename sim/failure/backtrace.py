"""Backtrace of a machine that stands still, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from sim.elf import Elf, Symbol
from sim.failure.debuginfo import DebugInfo
from sim.failure.unwind import Frame


def lines_of(elf: Elf, info: DebugInfo | None, frames: Sequence[Frame]) -> list[str]:
    """A line each: `name+0x12 (0x00000112) at file.c:7`; recursion is shown once.

    `?` before a name: that only looks like a return address. `-- exception --` stands between a handler and the
    code that it interrupted.
    """
    symbols = [elf.function_at(frame.site) for frame in frames]
    out: list[str] = []
    repeated = 0
    for i, (frame, symbol) in enumerate(zip(frames, symbols, strict=True)):
        if i > 1 and not frame.interrupted and frame.address == frames[i - 1].address == frames[i - 2].address:
            repeated += 1
            continue
        if repeated:
            out.append(f"  ... {repeated} more of the same")
            repeated = 0
        if frame.note:
            out.append(f"-- {frame.note} --")
        if frame.interrupted:
            out.append("-- exception --")
        out.append(_line(elf, frame, symbol, info))
    if repeated:
        out.append(f"  ... {repeated} more of the same")
    return out


def _line(elf: Elf, frame: Frame, symbol: Symbol | None, info: DebugInfo | None) -> str:
    sure = "" if frame.sure else "? "
    if symbol is None:
        return f"{sure}{frame.address:#010x}, where the image has no function"
    source = info.line(frame.site) if info is not None else ""
    name = f"{elf.shown(symbol.name)}+{frame.address - symbol.address:#x}"
    return f"{sure}{name} ({frame.address:#010x})" + (f" at {source}" if source else "")
