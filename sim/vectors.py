"""The vector table of an image: which addresses mean that something went wrong, and whether it uses timers.

Exception numbers: Armv7-M Architecture Reference Manual (DDI 0403), B1.5.2; Armv8-M (DDI 0553), B3.30.
"""

from __future__ import annotations

from sim.elf import Elf

NMI, HARD_FAULT, SVCALL, PENDSV, SYSTICK = 2, 3, 11, 14, 15
FAULTS = {
    2: "NMI",
    3: "HardFault",
    4: "MemManage",
    5: "BusFault",
    6: "UsageFault",
    7: "SecureFault",
}
_INTERRUPTS = range(16, 16 + 240)

# Words that only code which reads a timer or enables an interrupt has in its literal pools: SysTick, NVIC, DWT.
_TIMER_WORDS = frozenset(
    {0xE000E000, 0xE000E004, 0xE000E100, 0xE0001000, 0xE0001004, *range(0xE000E010, 0xE000E020, 4)}
)


def vector(elf: Elf, table: int, number: int) -> int:
    """Handler address of an exception, Thumb bit clear; 0 where the table has no such entry."""
    try:
        return elf.word(table + 4 * number) & ~1
    except IndexError:
        return 0


def fault_handlers(elf: Elf, table: int) -> dict[int, list[int]]:
    """Handler address -> exception numbers of the faults that go there."""
    out: dict[int, list[int]] = {}
    for number in FAULTS:
        address = vector(elf, table, number)
        if address:
            out.setdefault(address, []).append(number)
    return out


def uses_timers(elf: Elf, table: int) -> bool:
    """Whether virtual time can matter to the image: it takes interrupts or could read a timer.

    Errs on the side of yes, which costs speed and nothing else: any interrupt with a handler of its own, or any
    word of the image that is the address of SysTick, the interrupt controller or the cycle counter.
    """
    size = next((s.size for s in elf.symbols.values() if s.address == table and s.size >= 64), 256)
    handlers = {vector(elf, table, n) for n in (PENDSV, SYSTICK, *_INTERRUPTS) if 4 * n < size}
    handlers -= {0}
    if len(handlers) > 1:
        return True
    for segment in elf.segments:
        whole = len(segment.data) // 4 * 4
        words = memoryview(segment.data)[:whole].cast("I")
        if not _TIMER_WORDS.isdisjoint(words):
            return True
    return False
