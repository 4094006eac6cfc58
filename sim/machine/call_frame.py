"""What a call needs in the memory of the machine: saved registers, arguments, arrays, and a stack for the function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.boards import Memory
from sim.elf import Symbol
from sim.errors import UsageError
from sim.failure.prototypes import CType, Prototype
from sim.given import place as place_meant
from sim.machine import veneer as code
from sim.machine.arguments import Placed, Value, in_float_registers, value_of
from sim.machine.buffers import Buffer, buffer_of, is_buffer
from sim.machine.functions import symbol_meant
from sim.machine.runner import Runner
from sim.measure.stack import places

_OWN = 256  # bytes of stack that are left to the function at least
_SP = 13
_PROMOTED = CType("float", 8, "double")  # what a float is behind the ... of a variadic function


def _is_numpy_float(given: object) -> bool:
    dtype = getattr(given, "dtype", None)
    return dtype is not None and dtype.kind == "f" and getattr(given, "ndim", 0) == 0


class CallFrame:
    """What a call needs in memory, below the stack pointer: saved registers, arguments, buffers, its stack."""

    def __init__(
        self,
        runner: Runner,
        function: Symbol,
        prototype: Prototype | None,
        arguments: Sequence[Any],
        core: Sequence[int],
        at: str | int | None,
    ) -> None:
        self._runner = runner
        name = runner.elf.shown_call(function.name)
        top = core[_SP] & ~7
        self.save = top - code.SAVED
        self.arguments = self.save - code.ARGUMENTS
        low, buffers, values = self.arguments, [], []
        place = None if at is None else _place(runner, at)
        for i, given in enumerate(arguments):
            kind = prototype.parameters[i] if prototype and i < len(prototype.parameters) else None
            if kind is None and prototype and (isinstance(given, float) or _is_numpy_float(given)):
                kind = _PROMOTED
            who = f"{name}, argument {i + 1}"
            if not is_buffer(given):
                values.append(value_of(given, kind, who))
                continue
            buffer = buffer_of(given, kind, who)
            if place is None:
                low -= -(-len(buffer.data) // 8) * 8
                buffer.address = low
            else:
                buffer.address = place.origin
                step = -(-len(buffer.data) // 8) * 8
                place = Memory(place.origin + step, place.size - step)
            buffers.append(buffer)
            values.append(Value(buffer.address, 4))
        if place is not None and place.size < 0:
            raise UsageError(f"{name}: the arrays do not fit at {at!r}: {-place.size} bytes too many")
        self.buffers: list[Buffer] = buffers
        self.placed = Placed.of(values, in_float_registers(runner.elf, prototype))
        self.sp = low - len(self.placed.stack)
        self._span = Memory(self.sp, top - self.sp)
        self._check_room(name, core[_SP])

    def _check_room(self, name: str, sp: int) -> None:
        ram = self._runner.layout.ram
        if not ram.origin < sp <= ram.end:
            raise UsageError(f"the stack pointer is {sp:#010x}, which is not RAM: nothing can be called",
                             hint="let the firmware set up its stack first: machine.run(...)")  # fmt: skip
        low = self._stack_low(sp)
        if self.sp - _OWN < low:
            raise UsageError(
                f"{name}: its arguments take {self._span.size} bytes, and between the stack pointer "
                f"{sp:#010x} and {low:#010x} are {sp - low}",
                hint="give the arrays a place of their own: machine.call(..., at=address or symbol)",
            )

    def _stack_low(self, sp: int) -> int:
        """Where the stack ends that `sp` is in."""
        elf, ram = self._runner.elf, self._runner.layout.ram
        own = [s for s in elf.symbols.values() if not s.function and s.address < sp <= s.address + s.size]
        if own:  # the stack of a task is an array
            return max(s.address for s in own)
        stack = places(elf, self._runner.layout).stack
        return stack.origin if stack is not None and stack.origin < sp <= stack.end else ram.origin

    def in_memory(self) -> _InMemory:
        """Inside, everything is where the function looks for it; behind it, memory is as before."""
        parts = [(self.sp, bytes(self.placed.stack))] if self.placed.stack else []
        floats = b"".join(w.to_bytes(4, "little") for w in (*self.placed.floats, *self.placed.core))
        parts += [(self.arguments, floats), *((b.address, b.data) for b in self.buffers)]
        outside = [Memory(b.address, len(b.data)) for b in self.buffers]
        return _InMemory(
            self._runner, [self._span, *(m for m in outside if m.origin < self.sp or m.origin >= self._span.end)], parts
        )


class _InMemory:
    def __init__(self, runner: Runner, spans: Sequence[Memory], parts: Sequence[tuple[int, bytes]]) -> None:
        self._memory, self._spans, self._parts = runner.memory, spans, parts

    def __enter__(self) -> None:
        self._before = [(m.origin, self._memory.readable(m.origin, m.size)) for m in self._spans]
        for address, data in self._parts:
            self._memory.write_ram(address, data)

    def __exit__(self, *error: object) -> None:
        for address, data in self._before:
            self._memory.write_ram(address, data)


def _place(runner: Runner, at: str | int) -> Memory:
    """Memory that was named for arrays. Raises UsageError."""
    at = place_meant(at, f"at={at!r}")
    if isinstance(at, int):
        place = Memory(at, runner.layout.ram.end - at)
    else:
        symbol = symbol_meant(runner.elf, at)
        if symbol.size == 0:
            raise UsageError(f"at={at!r}: {runner.elf.path.name} does not say its size", hint="give its address")
        place = Memory(symbol.address, symbol.size)
    try:
        runner.memory.check_ram(place.origin, max(place.size, 1))
    except IndexError as error:
        raise UsageError(f"at={at!r}: {error}") from None
    if place.origin % 4:
        raise UsageError(f"at={at!r}: {place.origin:#010x} is not a multiple of 4")
    return place
