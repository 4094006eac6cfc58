"""Why a core stands still."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ENDED_BY_DEBUGGER = "the debugger has ended the machine"  # Stop.detail of that


class StopKind(Enum):
    """Why the core stands still."""

    START = "start"  # before the first instruction
    SYMBOL = "symbol"  # at the first instruction of an armed symbol
    LIMIT = "limit"  # the limit is reached, or there is much to take: console bytes, regions
    ENDED = "ended"  # the engine is gone: reset request, lock-up, crash (see `Stop.detail`)
    STUCK = "stuck"  # no instruction is executed: asleep with nothing to wake it
    ASLEEP = "asleep"  # the same, but bytes at its UART may wake it (see `sim.engines.protocol.InputSession`)
    RESET = "reset"  # the firmware asked for a reset; the core stands still behind the request
    STACK = "stack"  # the stack pointer has left `Image.stack`


@dataclass(frozen=True)
class Stop:
    """One stop. `symbol` is the armed name; `detail` says in words why an engine ended."""

    kind: StopKind
    pc: int = 0
    symbol: str = ""
    detail: str = ""
