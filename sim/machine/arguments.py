"""Arguments of a C function in registers and on the stack.

Procedure Call Standard for the Arm Architecture (AAPCS, IHI 0042), 6.5 and, where floats are given in floating-point
registers, 7.1.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.elf import Elf
from sim.errors import UsageError
from sim.failure.prototypes import CType, Prototype

WORD = 0xFFFFFFFF
_CODES = {("float", 4): "<f", ("float", 8): "<d"}


@dataclass(frozen=True)
class Value:
    """An argument as the core has it: 4 or 8 bytes."""

    bits: int
    size: int
    floating: bool = False


@dataclass(frozen=True)
class Place:
    """Where an argument goes: `core` r0.., `float` s0.., or `stack` (offset in bytes)."""

    where: str
    index: int


def places(values: Sequence[tuple[int, bool]], hard_float: bool) -> tuple[list[Place], int]:
    """Where arguments of these (size, floating) go, and the bytes of stack that they take."""
    out: list[Place] = []
    core, stack = 0, 0
    free = [True] * 16  # single registers; a later float fills the gap that an aligned double left
    for size, floating in values:
        words = size // 4
        if hard_float and floating:
            found = next((i for i in range(0, 17 - words, words) if all(free[i : i + words])), None)
            if found is not None:
                free[found : found + words] = [False] * words
                out.append(Place("float", found))
                continue
            free = [False] * 16
        else:
            core += core % 2 if words == 2 else 0
            if core + words <= 4:
                out.append(Place("core", core))
                core += words
                continue
            core = 4
        stack += -stack % size
        out.append(Place("stack", stack))
        stack += size
    return out, -(-stack // 8) * 8


def in_float_registers(elf: Elf, prototype: Prototype | None) -> bool:
    """Whether floats go in floating-point registers: by the image's ABI, but never of a variadic function (7.1.2)."""
    return elf.hard_float and not (prototype is not None and prototype.variadic)


@dataclass
class Placed:
    """Registers and stack of a call."""

    core: list[int] = field(default_factory=lambda: [0] * 4)
    floats: list[int] = field(default_factory=lambda: [0] * 16)
    stack: bytearray = field(default_factory=bytearray)

    @staticmethod
    def of(values: Sequence[Value], hard_float: bool) -> Placed:
        """All of a call's arguments where the function looks for them."""
        found, size = places([(v.size, v.floating) for v in values], hard_float)
        out = Placed(stack=bytearray(size))
        for value, place in zip(values, found, strict=True):
            words = [value.bits >> 32 * i & WORD for i in range(value.size // 4)]
            if place.where == "stack":
                out.stack[place.index : place.index + value.size] = b"".join(w.to_bytes(4, "little") for w in words)
            else:
                into = out.core if place.where == "core" else out.floats
                into[place.index : place.index + len(words)] = words
        return out


def value_of(given: Any, kind: CType | None, who: str) -> Value:
    """A number, or None for a null pointer, as the function takes it. Raises UsageError where it does not fit.

    `kind` is the type that the function has there, None where nobody knows: then a Python float is a C float, and
    numpy's scalars are what they say.
    """
    if given is None:
        given = 0
    dtype = getattr(given, "dtype", None)
    if kind is None and dtype is not None:
        kind = CType(
            {"i": "signed", "u": "unsigned", "f": "float"}.get(dtype.kind, "other"), dtype.itemsize, dtype.name
        )
    given = given.item() if dtype is not None else given
    if isinstance(given, bool):
        given = int(given)
    if not isinstance(given, int | float):
        raise UsageError(f"{who}: a {type(given).__name__} cannot be given to a function",
                         hint="numbers, None, bytes and numpy arrays can")  # fmt: skip
    if kind is None:
        kind = CType("float", 4, "float") if isinstance(given, float) else CType("int", 4, "32-bit integer")
    if kind.kind == "float" and (kind.kind, kind.size) in _CODES:
        try:
            data = struct.pack(_CODES[kind.kind, kind.size], given)
        except (OverflowError, struct.error):  # the latter for an integer that is no double
            raise UsageError(f"{who}: {given} does not fit into a {kind.name}") from None
        return Value(int.from_bytes(data, "little"), kind.size, floating=True)
    if kind.kind in ("other", "void", "float"):
        raise UsageError(
            f"{who}: {kind.name}: only numbers and pointers can be given", hint="call a function around it"
        )
    if isinstance(given, float):
        raise UsageError(f"{who}: {given} is no integer, and the function takes {kind.name}")
    low, high = _range(kind)
    if not low <= given <= high:
        raise UsageError(f"{who}: {given} does not fit into {kind.name} ({low} to {high})",
                         hint="numpy.int64(...) is given as 64 bits" if kind.kind == "int" else "")  # fmt: skip
    size = 8 if kind.size > 4 else 4
    return Value(given & (1 << 8 * size) - 1, size)


def _range(kind: CType) -> tuple[int, int]:
    bits = 8 * kind.size
    if kind.kind == "bool":
        return 0, 1
    if kind.kind == "int":  # signed or not: nobody knows
        return -(1 << 31), WORD
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if kind.kind == "signed" else (0, (1 << bits) - 1)


def number(bits: int, kind: CType) -> int | float | None:
    """What bits in registers mean; None for void."""
    if kind.kind == "void":
        return None
    if (kind.kind, kind.size) in _CODES:
        data = (bits & (1 << 8 * kind.size) - 1).to_bytes(kind.size, "little")
        return float(struct.unpack(_CODES[kind.kind, kind.size], data)[0])
    size = 8 * (kind.size or 4)
    bits &= (1 << size) - 1
    return bits - (1 << size) if kind.kind == "signed" and bits >> size - 1 else bits


def check_count(name: str, prototype: Prototype | None, given: int) -> None:
    """Raises UsageError where a function takes more or fewer arguments."""
    if prototype is None or prototype.variadic:
        return
    takes = len(prototype.parameters)
    if takes != given:
        raise UsageError(f"{name} takes {takes} argument{'s' * (takes != 1)}, {given} given: {prototype}")
