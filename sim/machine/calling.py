"""`machine.call`: one function of the image, called by a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.boards import Memory
from sim.durations import PS, picoseconds, shown
from sim.elf import Symbol
from sim.engines.protocol import REGISTERS, Arm
from sim.errors import UsageError
from sim.failure.prototypes import CType, Prototype, prototype_of
from sim.machine import veneer as code
from sim.machine.arguments import WORD, Placed, Value, check_count, number, value_of
from sim.machine.buffers import Buffer, buffer_of, is_buffer
from sim.machine.functions import function_meant
from sim.machine.runner import Runner
from sim.measure.stack import places

_OWN = 256  # bytes of stack that are left to the function at least
_SP, _LR, _PC = 13, 14, 15
_KEPT = range(4, 12)  # registers that a function gives back as they were (AAPCS 6.1.1)
_UNSIGNED, _FLOAT = CType("unsigned", 4, "word"), CType("float", 4, "float")


@dataclass(frozen=True)
class CallResult:
    """What a function gave. `value`: by its C type, None for void; without debug information r0, unsigned.

    `buffers`: the arrays that were given, as they are after the call. `instructions` and `cycles`: from the function's
    first instruction to its return; `cycles` is None where the board's core has no timing model.
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


def call(
    runner: Runner, where: str | int, arguments: Sequence[Any], within: float | str, at: str | int | None
) -> CallResult:
    """See `Machine.call`."""
    check_can(runner)
    function = function_meant(runner.elf, where, runner.layout)
    prototype = prototype_of(runner.elf, function)
    check_count(function.name, prototype, len(arguments))
    limit_ps = picoseconds(within)
    core = standing(runner)
    frame = _Frame(runner, function, prototype, arguments, core, at)
    with runner.request_aside(), frame.in_memory():
        return _called(runner, function, prototype, frame, core, limit_ps)


def check_can(runner: Runner) -> None:
    """Raises UsageError where functions of this image cannot be called or replaced."""
    if REGISTERS not in runner.engine.capabilities:
        raise UsageError(f"engine {runner.engine.name} cannot set the core's registers", hint="QEMU can")
    if runner.veneer is None:
        raise UsageError(
            f"{runner.elf.path.name} reaches to the end of the code memory of {runner.layout.machine}: the few "
            "instructions that a call from outside needs have no place there"
        )
    if runner.standing_in:
        raise UsageError(f"the machine stands still in {runner.standing_in}: nothing can be called from there")


def standing(runner: Runner) -> Sequence[int]:
    """r0 to r15 where a call can come in between: where the core stands, or the next such place."""
    starts = set(runner.elf.functions.values())
    while True:
        core = runner.steered.core() if runner.failure is None else ()
        # In an IT block the next instructions are conditional, those of another function would be too.
        if core and (core[_PC] in starts or not runner.session.registers().get("xpsr", 0) & 0x0600FC00):
            return core
        runner.advance(runner.time_ps + PS, _asked_twice(), slice_=1)


def _asked_twice() -> Callable[[], bool]:
    """For `advance`: one stop is enough."""
    answers = iter((False,))
    return lambda: next(answers, True)


class _Frame:
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
        top = core[_SP] & ~7
        self.save = top - code.SAVED
        self.arguments = self.save - code.ARGUMENTS
        low, buffers, values = self.arguments, [], []
        place = None if at is None else _place(runner, at)
        for i, given in enumerate(arguments):
            kind = prototype.parameters[i] if prototype and i < len(prototype.parameters) else None
            who = f"{function.name}(), argument {i + 1}"
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
            raise UsageError(f"{function.name}(): the arrays do not fit at {at!r}: {-place.size} bytes too many")
        self.buffers: list[Buffer] = buffers
        self.placed = Placed.of(values, runner.elf.hard_float)
        self.sp = low - len(self.placed.stack)
        self._span = Memory(self.sp, top - self.sp)
        self._check_room(function, core[_SP])

    def _check_room(self, function: Symbol, sp: int) -> None:
        ram = self._runner.layout.ram
        if not ram.origin < sp <= ram.end:
            raise UsageError(f"the stack pointer is {sp:#010x}, which is not RAM: nothing can be called",
                             hint="let the firmware set up its stack first: machine.run(...)")  # fmt: skip
        low = self._stack_low(sp)
        if self.sp - _OWN < low:
            raise UsageError(
                f"{function.name}(): its arguments take {self._span.size} bytes, and between the stack pointer "
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
    if isinstance(at, int):
        place = Memory(at, runner.layout.ram.end - at)
    else:
        runner.memory.read(at)  # whether there is such a symbol
        place = Memory(runner.elf.symbols[at].address, runner.elf.symbols[at].size)
    try:
        runner.memory.check_ram(place.origin, max(place.size, 1))
    except IndexError as error:
        raise UsageError(f"at={at!r}: {error}") from None
    if place.origin % 4:
        raise UsageError(f"at={at!r}: {place.origin:#010x} is not a multiple of 4")
    return place


def _called(
    runner: Runner, function: Symbol, prototype: Prototype | None, frame: _Frame, core: Sequence[int], limit_ps: int
) -> CallResult:
    session, veneer = runner.session, runner.veneer
    assert veneer is not None
    bits = code.FLOATS * (runner.elf.hard_float and any(frame.placed.floats))
    if session.instructions == 0:
        fill_data(runner)
        bits |= code.SWITCH_ON * (runner.board.fpu != "none")
    registers = list(core)
    registers[5:9] = 0, frame.save, frame.arguments, bits
    registers[_SP], registers[_PC] = frame.sp, veneer.at(code.ENTER)
    _go(runner, registers, code.CALL, PS, "the call to begin")
    registers = list(runner.steered.core())
    # Instead of the call that stands here: so nothing is executed between the counts and the first instruction.
    registers[_LR], registers[_PC] = veneer.at(code.RETURNED) | 1, function.address
    instructions, cycles = session.instructions, session.cycles
    name = f"{function.name}()"
    try:
        _go(runner, registers, code.RETURNED, limit_ps, f"{name} to return")
    except _NotReturned:
        raise runner.failed(f"{name} has not returned within {shown(limit_ps)} of board time",
                            awaited=f"{name} to return") from None  # fmt: skip
    back = list(runner.steered.core())
    instructions = session.instructions - instructions
    cycles = None if cycles is None or session.cycles is None else session.cycles - cycles
    changed = [f"r{i}" for i in _KEPT if back[i] != registers[i]] + ["sp"] * (back[_SP] != registers[_SP])
    if changed:
        raise runner.failed(f"{name} returned with other {', '.join(changed)} than it was called with")
    for buffer in frame.buffers:
        buffer.after = runner.memory.readable(buffer.address, len(buffer.data))
    registers = list(back)
    registers[6:9] = frame.save, frame.arguments, code.FLOATS * runner.elf.hard_float
    registers[_PC] = veneer.at(code.LEAVE)
    _go(runner, registers, code.LEFT, PS, "the call to end")
    floats = runner.memory.readable(frame.arguments, 8) if runner.elf.hard_float else None
    runner.steered.stand_at(core)
    return _result(function, prototype, back, floats, instructions, cycles, frame.buffers)


class _NotReturned(Exception):
    """The board time of a call is over."""


def _go(runner: Runner, registers: Sequence[int], to: str, limit_ps: int, awaited: str) -> None:
    """The core goes on with these registers, and stands still at the label `to`."""
    there = False

    def arrived() -> None:
        nonlocal there
        there = True

    runner.on_call[to] = arrived
    runner.session.arm(to, Arm(stop=True))
    try:
        runner.steered.set_core(registers)
        runner.advance(runner.time_ps + limit_ps, lambda: there, awaited)
    finally:
        runner.session.arm(to, Arm())
        del runner.on_call[to]
    if not there:
        raise _NotReturned


def fill_data(runner: Runner) -> None:
    """What start-up code does before main(), where it has not run: variables have their values."""
    ram = runner.layout.ram
    for segment in runner.elf.segments:
        if ram.origin <= segment.address and segment.address + len(segment.data) <= ram.end:
            runner.memory.write_ram(segment.address, segment.data)


def _result(
    function: Symbol,
    prototype: Prototype | None,
    back: Sequence[int],
    floats: bytes | None,
    instructions: int,
    cycles: int | None,
    buffers: Sequence[Buffer],
) -> CallResult:
    long = back[1] << 32 | back[0]
    in_floats = long if floats is None else int.from_bytes(floats, "little")
    kind = prototype.result if prototype else _UNSIGNED
    single, double = number(in_floats & WORD, _FLOAT), number(in_floats, CType("float", 8, "double"))
    assert isinstance(single, float)
    assert isinstance(double, float)
    return CallResult(
        function=function.name,
        value=number(in_floats if kind.kind == "float" else long, kind),
        word=back[0],
        value64=long,
        value_float=single,
        value_double=double,
        instructions=instructions,
        cycles=cycles,
        buffers=tuple(b.given_back() for b in buffers),
    )
