"""Evidence gathered from a machine that stands still: registers, fault, backtrace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.failure import faults
from sim.failure.backtrace import backtrace

if TYPE_CHECKING:
    from sim.machine import Machine

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
    def of_fault(machine: Machine, exception: int, registers: Mapping[str, int]) -> Evidence:
        """At the first instruction of a fault handler: the faulting code's registers are in the stacked frame."""
        fault = faults.decode(exception, machine.fault_word)
        lines = [fault.text, f"CFSR={fault.cfsr:08x} HFSR={fault.hfsr:08x}"]
        before = dict(registers)
        sp = registers.get("sp", 0)
        if registers.get("lr", 0) & _PROCESS_STACK:
            lines.append("the faulting code ran on the process stack: its frame is not shown")
            return Evidence(fault.text, before, lines, [])
        try:
            frame = machine.readable(sp, 32)
        except IndexError:
            lines.append(f"the stack pointer {sp:#010x} is not in RAM: stack overflow, or overwritten")
            return Evidence(fault.text, before, lines, [])
        for i, name in enumerate(_FRAME):
            before[name] = int.from_bytes(frame[4 * i : 4 * i + 4], "little")
        before["sp"] = sp + 32
        reason = fault.text
        if _is_semihosting(machine, before["pc"]):
            reason = "the firmware tried semihosting (BKPT 0xAB): nothing of the host is open to it"
        trace = backtrace(machine.elf, before, machine.readable)
        where = trace[0] if trace else f"{before['pc']:#010x}"
        return Evidence(f"{reason}, in {where}", before, lines, trace)

    @staticmethod
    def of_call(machine: Machine, pc: int) -> Evidence:
        """At the first instruction of a function that ends the run."""
        registers = {**machine.registers(), "pc": pc}
        return Evidence("", registers, [], backtrace(machine.elf, registers, machine.readable))

    @staticmethod
    def of_state(machine: Machine) -> Evidence:
        """Wherever the core stands."""
        registers = machine.registers()
        return Evidence("", registers, [], backtrace(machine.elf, registers, machine.readable) if registers else [])


def _is_semihosting(machine: Machine, pc: int) -> bool:
    try:
        return int.from_bytes(machine.readable(pc, 2), "little") == faults.SEMIHOSTING
    except IndexError:
        return False
