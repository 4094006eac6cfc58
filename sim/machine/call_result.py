"""What `machine.call` gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.failure.prototypes import CType, Prototype
from sim.machine.arguments import WORD, number
from sim.machine.buffers import Buffer

_UNSIGNED, _FLOAT = CType("unsigned", 4, "word"), CType("float", 4, "float")


@dataclass(frozen=True)
class CallResult:
    """What a function gave. `value`: by its C type, None for void; without debug information r0, unsigned.

    `buffers`: the arrays that were given, as they are after the call. `instructions` and `cycles`: from the function's
    first instruction to its return; `cycles` is None where the board's core has no timing model. `replaced`: a Python
    function was called in its place (`machine.intercept`): nothing of it was executed, and both are 0.
    """

    function: str
    value: int | float | None
    word: int = field(repr=False)  # r0
    value64: int = field(repr=False)  # r1 and r0
    value_float: float = field(repr=False)  # as a C float
    value_double: float = field(repr=False)
    instructions: int
    cycles: int | None
    buffers: tuple[Any, ...] = field(repr=False)
    replaced: bool = False


def result_of(
    function: str,
    prototype: Prototype | None,
    back: Sequence[int],
    floats: bytes | None,
    instructions: int,
    cycles: int | None,
    buffers: Sequence[Buffer],
    replaced: bool,
) -> CallResult:
    long = back[1] << 32 | back[0]
    in_floats = long if floats is None else int.from_bytes(floats, "little")
    kind = prototype.result if prototype else _UNSIGNED
    single, double = number(in_floats & WORD, _FLOAT), number(in_floats, CType("float", 8, "double"))
    assert isinstance(single, float)
    assert isinstance(double, float)
    return CallResult(
        function=function,
        value=number(in_floats if kind.kind == "float" else long, kind),
        word=back[0],
        value64=long,
        value_float=single,
        value_double=double,
        instructions=instructions,
        cycles=cycles,
        buffers=tuple(b.given_back() for b in buffers),
        replaced=replaced,
    )
