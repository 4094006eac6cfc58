"""Fault registers of Cortex-M in words.

Bits: Armv7-M Architecture Reference Manual (DDI 0403E), B3.2.15 to B3.2.18; Armv8-M (DDI 0553), CFSR, HFSR, SFSR.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.engines.protocol import Layout
from sim.vectors import FAULTS as FAULTS

CFSR, HFSR, MMFAR, BFAR, SFSR = 0xE000ED28, 0xE000ED2C, 0xE000ED34, 0xE000ED38, 0xE000EDE4

_CFSR_BITS = {
    0: "IACCVIOL: execution from a place that the memory protection forbids",
    1: "DACCVIOL: data access that the memory protection forbids",
    3: "MUNSTKERR: memory protection fault while returning from an exception",
    4: "MSTKERR: memory protection fault while entering an exception (stack overflow?)",
    5: "MLSPERR: memory protection fault while saving floating-point registers",
    8: "IBUSERR: instruction fetch from an address where nothing is",
    9: "PRECISERR: data access that nothing answers",
    10: "IMPRECISERR: a buffered store to an address where nothing is",
    11: "UNSTKERR: bus fault while returning from an exception",
    12: "STKERR: bus fault while entering an exception (stack overflow?)",
    13: "LSPERR: bus fault while saving floating-point registers",
    16: "UNDEFINSTR: undefined instruction",
    17: "INVSTATE: jump to an address with the Thumb bit clear (a bad function pointer?)",
    18: "INVPC: illegal return from an exception",
    19: "NOCP: coprocessor or floating-point instruction while it is off or not there",
    20: "STKOF: the stack pointer went below its limit",
    24: "UNALIGNED: unaligned access",
    25: "DIVBYZERO: division by zero",
}
_HFSR_BITS = {
    1: "VECTTBL: the vector table could not be read",
    30: "FORCED: another fault was escalated",
    31: "DEBUGEVT: breakpoint without a debugger",
}
_SFSR_BITS = {0: "INVEP", 1: "INVIS", 2: "INVER", 3: "AUVIOL", 4: "INVTRAN", 5: "LSPERR", 7: "LSERR"}
_MMARVALID, _BFARVALID = 7, 15
NO_FRAME = 1 << 4 | 1 << 12 | 1 << 20  # CFSR.MSTKERR, STKERR, STKOF: the exception frame may not have been written
SEMIHOSTING = 0xBEAB  # BKPT 0xAB, what a semihosting call is on Cortex-M


@dataclass(frozen=True)
class Fault:
    """One fault. `address` is the data address it is about, where the core knows it."""

    name: str
    causes: tuple[str, ...]
    address: int | None
    cfsr: int
    hfsr: int
    place: str = ""  # what that address is on this board

    @property
    def text(self) -> str:
        """One line: what happened."""
        about = f" at address {self.address:#010x}" if self.address is not None else ""
        about += f" ({self.place})" if self.place else ""
        return f"{self.name}: " + ("; ".join(self.causes) or "no cause recorded") + about


def place_of(address: int, layout: Layout) -> str:
    """In words, an address near the board's memory where an access is a bus fault; empty for others."""
    flash, ram = layout.flash, layout.ram
    if flash.origin <= address < flash.end:
        return "a store to the board's flash"
    for what, memory, room in (("RAM", ram, layout.room.size), ("flash", flash, layout.flash_room)):
        if memory.end <= address < memory.origin + room:
            behind = address - memory.end
            return f"{behind} bytes behind the end of the board's {memory.size // 1024} KB of {what}"
    return ""


def decode(exception: int, word: Callable[[int], int | None], layout: Layout | None = None) -> Fault:
    """The fault with that exception number, from the core's registers as `word(address)` reads them.

    `layout`: where the board's memory is, to say what a fault's address is there.
    """
    cfsr, hfsr = word(CFSR) or 0, word(HFSR) or 0
    causes = [text for bit, text in _CFSR_BITS.items() if cfsr >> bit & 1]
    causes += [text for bit, text in _HFSR_BITS.items() if hfsr >> bit & 1 and (bit != 30 or not causes)]
    if exception == 7:
        causes += [text for bit, text in _SFSR_BITS.items() if (word(SFSR) or 0) >> bit & 1]
    address = None
    if cfsr >> _MMARVALID & 1:
        address = word(MMFAR)
    elif cfsr >> _BFARVALID & 1:
        address = word(BFAR)
    place = ""
    if layout is not None and address is not None and cfsr >> _BFARVALID & 1:
        place = place_of(address, layout)
    return Fault(FAULTS.get(exception, f"exception {exception}"), tuple(causes), address, cfsr, hfsr, place)
