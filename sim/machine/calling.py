"""`machine.call`: one function of the image, called by a test."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from sim.durations import PS, picoseconds, shown
from sim.elf import Symbol
from sim.engines.protocol import REGISTERS, Arm
from sim.errors import CallWarning, UsageError
from sim.failure.prototypes import Prototype, prototype_of
from sim.machine import veneer as code
from sim.machine.arguments import check_count, in_float_registers
from sim.machine.call_frame import CallFrame
from sim.machine.call_result import CallResult, result_of
from sim.machine.functions import function_meant
from sim.machine.runner import Runner

_SP, _LR, _PC = 13, 14, 15
_KEPT = range(4, 12)  # registers that a function gives back as they were (AAPCS 6.1.1)


def call(
    runner: Runner, where: str | int, arguments: Sequence[Any], within: float | str, at: str | int | None
) -> CallResult:
    """See `Machine.call`."""
    check_can(runner)
    function = function_meant(runner.elf, where, runner.layout)
    prototype = prototype_of(runner.elf, function)
    name = runner.elf.shown_call(function.name)
    check_count(name, prototype, len(arguments))
    check_result(name, prototype)
    limit_ps = picoseconds(within)
    core = standing(runner)
    frame = CallFrame(runner, function, prototype, arguments, core, at)
    with runner.request_aside(), frame.in_memory():
        result = _called(runner, function, prototype, frame, core, limit_ps)
    if result.replaced:
        warnings.warn(f"{name} is replaced by a function of Python: nothing of the image's own was executed, so the "
                      "call has 0 instructions. remove() ends that", CallWarning, stacklevel=3)  # fmt: skip
    return result


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


def check_result(name: str, prototype: Prototype | None) -> None:
    """Raises UsageError for a function whose result has no place in r0 and r1: it would take r0 for an address."""
    result = None if prototype is None else prototype.result
    if result is not None and result.kind == "other" and result.size > 4:
        raise UsageError(f"{name} gives a {result.name} of {result.size} bytes, no number and no pointer",
                         hint="call a function around it")  # fmt: skip


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


def _called(
    runner: Runner, function: Symbol, prototype: Prototype | None, frame: CallFrame, core: Sequence[int], limit_ps: int
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
    name = runner.elf.shown_call(function.name)
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
    floats = runner.memory.readable(frame.arguments, 8) if in_float_registers(runner.elf, prototype) else None
    runner.steered.stand_at(core)
    waited_for = (n for n, address in runner.elf.functions.items() if address == function.address)
    replaced = instructions == 0 and any(n in runner.on_call for n in waited_for)
    return result_of(
        runner.elf.shown(function.name), prototype, back, floats, instructions, cycles, frame.buffers, replaced
    )


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
