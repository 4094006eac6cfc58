"""What a machine looked like when it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.console import Line
from sim.durations import shown

_LONGEST = 400  # characters of one line of the log


@dataclass(frozen=True)
class Report:
    """Evidence, printed under the reason of a failure. Four parts: awaited, came, state, where the rest is."""

    awaited: str
    time_ps: int
    instructions: int
    time_base: str
    board: str
    engine: str
    firmware: str
    console: Sequence[Line]
    decisions: Sequence[str]
    sensors: Sequence[str]
    registers: Mapping[str, int]
    fault: Sequence[str] = ()
    backtrace: Sequence[str] = ()
    log: str = ""

    def __str__(self) -> str:
        out = []
        if self.awaited:
            out.append(f"awaited: {self.awaited}")
        if self.console:
            out += ["console, last lines:", *(f"  {_short(str(line))}" for line in self.console)]
        else:
            out.append("console: nothing was sent")
        if self.decisions:
            out += ["decisions, last:", *(f"  {d}" for d in self.decisions)]
        if self.sensors:
            out += ["sensors:", *(f"  {s}" for s in self.sensors)]
        out.append(f"state at board time {shown(self.time_ps)} ({self.instructions} instructions; {self.time_base}):")
        out.append(f"  board {self.board}, engine {self.engine}, firmware {self.firmware}")
        if self.fault:
            out += [f"  {line}" for line in self.fault]
        if self.registers:
            out += [f"  {line}" for line in _register_lines(self.registers)]
        if self.backtrace:
            out += ["backtrace:", *(f"  {line}" for line in self.backtrace)]
        if self.log:
            out.append(f"full log: {self.log}")
        return "\n".join(out)


def _register_lines(registers: Mapping[str, int]) -> list[str]:
    words = [f"{name:>5}={value:08x}" for name, value in registers.items()]
    return ["".join(words[i : i + 6]) for i in range(0, len(words), 6)]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text) - _LONGEST} more)"
