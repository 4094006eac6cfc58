"""`machine.backtrace`: the calls that led to where the core stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.failure.backtrace import lines_of
from sim.failure.debuginfo import debug_info
from sim.failure.unwind import Unwinder
from sim.machine.runner import Runner


@dataclass(frozen=True)
class TraceFrame:
    """One level. `function` and `file` are empty, `line` 0 where the image does not say.

    `sure`: from unwind rules or registers; else it only looks like a return address. `interrupted`: an exception came
    here; the frames before it are those of its handler.
    """

    function: str
    file: str
    line: int
    address: int
    sure: bool = True
    interrupted: bool = False


@dataclass(frozen=True)
class Backtrace:
    """Frames from the innermost outwards; as text a line each."""

    frames: tuple[TraceFrame, ...]
    text: str

    def __getitem__(self, index: int) -> TraceFrame:
        return self.frames[index]

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[TraceFrame]:
        return iter(self.frames)

    def __str__(self) -> str:
        return self.text


def backtrace(runner: Runner) -> Backtrace:
    """Of a machine that stands still; empty where its engine is gone and left no registers."""
    elf, info = runner.elf, debug_info(runner.elf.path, runner.elf.sha256)
    registers = runner.registers()
    stacks = runner.process_stacks() if registers.get("lr", 0) & 0xFFFFFF84 == 0xFFFFFF84 else []
    unwinder = Unwinder(elf, info, runner.memory.readable, runner.layout.ram, stacks)
    found = unwinder.frames(registers)
    symbols = [elf.function_at(frame.site) for frame in found]
    frames = []
    for frame, symbol in zip(found, symbols, strict=True):
        source = info.line(frame.site) if info is not None else ""
        file, _, line = source.rpartition(":")
        name = elf.shown(symbol.name) if symbol is not None else ""
        frames.append(TraceFrame(name, file, int(line or 0), frame.address, frame.sure, frame.interrupted))
    return Backtrace(tuple(frames), "\n".join(lines_of(elf, info, found)))
