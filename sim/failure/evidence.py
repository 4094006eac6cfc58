"""Evidence gathered from a machine that stands still: registers, fault, backtrace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.failure import faults
from sim.failure.backtrace import lines_of
from sim.failure.debuginfo import debug_info
from sim.failure.unwind import Frame, Unwinder, frame_size

if TYPE_CHECKING:
    from sim.machine.runner import Runner

_PROCESS_STACK = 1 << 2  # EXC_RETURN: the frame lies on the process stack
_FRAME = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")  # Armv7-M ARM B1.5.6


@dataclass(frozen=True)
class Evidence:
    """`reason` in words, registers of the code that failed, decoded lines, backtrace."""

    reason: str
    registers: Mapping[str, int]
    lines: Sequence[str]
    backtrace: Sequence[str]

    @staticmethod
    def of_fault(machine: Runner, exception: int, registers: Mapping[str, int]) -> Evidence:
        """At the first instruction of a fault handler: the faulting code's registers are in the stacked frame."""
        fault = faults.decode(exception, machine.fault_word, machine.layout)
        lines = [fault.text, f"CFSR={fault.cfsr:08x} HFSR={fault.hfsr:08x}"]
        back = registers.get("lr", 0)
        on_process_stack = bool(back & _PROCESS_STACK)
        places = machine.process_stacks() if on_process_stack else [registers.get("sp", 0)]
        before, sp = dict(registers), 0
        for sp in places:
            frame = _read_frame(machine, sp)
            if frame and not fault.cfsr & faults.NO_FRAME:
                before.update(zip(_FRAME, frame, strict=True))
                before["sp"] = sp + frame_size(back, frame[7])
                break
        else:
            # Nothing says where it was: what still looks like return addresses on the stack is all there is.
            if fault.cfsr & faults.NO_FRAME:
                lines.append("the core could not save its registers: the stack pointer is out of bounds")
            else:
                what = "process stack" if on_process_stack else f"stack pointer {registers.get('sp', 0):#010x}"
                lines.append(f"no registers saved at the {what}: stack overflow, or overwritten")
            trace = _trace(machine, {"pc": registers.get("pc", 0), "sp": sp})[1]
            near = next((f", near {line.removeprefix('? ')}" for line in trace if line.startswith("? ")), "")
            return Evidence(fault.text + near, registers, lines, trace)
        frames, trace = _trace(machine, before)
        reason = fault.text
        if _is_semihosting(machine, before["pc"]):
            reason = "the firmware tried semihosting (BKPT 0xAB): nothing of the host is open to it"
        return Evidence(f"{reason}, in {_where(machine, frames, trace)}", before, lines, trace)

    @staticmethod
    def in_handler(machine: Runner, exception: int, registers: Mapping[str, int]) -> Evidence:
        """Somewhere in a fault handler."""
        fault = faults.decode(exception, machine.fault_word, machine.layout)
        lines = [fault.text, f"CFSR={fault.cfsr:08x} HFSR={fault.hfsr:08x}", "registers are those of the handler"]
        frames, trace = _trace(machine, registers)
        inner = next((i for i, frame in enumerate(frames) if frame.interrupted), None)
        reason = fault.text
        if inner is not None:
            reason += f", in {_where(machine, frames[inner:], trace[trace.index('-- exception --') + 1 :])}"
        return Evidence(reason, registers, lines, trace)

    @staticmethod
    def of_call(machine: Runner, pc: int) -> Evidence:
        """At the first instruction of a function that ends the run."""
        registers = {**machine.registers(), "pc": pc}
        return Evidence("", registers, [], _trace(machine, registers)[1])

    @staticmethod
    def of_state(machine: Runner) -> Evidence:
        """Wherever the core stands."""
        registers = machine.registers()
        return Evidence("", registers, [], _trace(machine, registers)[1] if registers else [])


def _trace(machine: Runner, registers: Mapping[str, int]) -> tuple[list[Frame], list[str]]:
    info = debug_info(machine.elf.path, machine.elf.sha256)
    process_stacks = machine.process_stacks() if registers.get("lr", 0) & 0xFFFFFF84 == 0xFFFFFF84 else []
    unwinder = Unwinder(machine.elf, info, machine.memory.readable, machine.layout.ram, process_stacks)
    frames = unwinder.frames(registers)
    return frames, lines_of(machine.elf, info, frames) + ([f"-- {unwinder.note} --"] if unwinder.note else [])


def _where(machine: Runner, frames: Sequence[Frame], trace: Sequence[str]) -> str:
    """The first frame that is code of the image."""
    for frame, line in zip(frames, (t for t in trace if not t.startswith(("--", "  "))), strict=False):
        if machine.elf.function_at(frame.site) is not None:
            return line if frame is frames[0] else f"{frames[0].address:#010x}, called from {line.removeprefix('? ')}"
    return f"{frames[0].address:#010x}" if frames else "code that is not of the image"


def _read_frame(machine: Runner, sp: int) -> list[int]:
    """The eight words of an exception frame; empty if there is none."""
    try:
        data = machine.memory.readable(sp, 32)
    except IndexError:
        return []
    words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, 32, 4)]
    # The program counter of a fault may be anything, but code ran in some function before.
    return words if words[6] or words[5] else []


def _is_semihosting(machine: Runner, pc: int) -> bool:
    try:
        return int.from_bytes(machine.memory.readable(pc, 2), "little") == faults.SEMIHOSTING
    except IndexError:
        return False
