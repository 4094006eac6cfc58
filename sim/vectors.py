"""The vector table of an image: which addresses mean that something went wrong, and whether it uses timers.

Exception numbers: Armv7-M Architecture Reference Manual (DDI 0403), B1.5.2; Armv8-M (DDI 0553), B3.30.
"""

from __future__ import annotations

from sim.elf import Elf
from sim.timer_words import has_timer_address

NMI, HARD_FAULT, SVCALL, PENDSV, SYSTICK = 2, 3, 11, 14, 15
FAULTS = {
    3: "HardFault",
    4: "MemManage",
    5: "BusFault",
    6: "UsageFault",
    7: "SecureFault",
}
EXCEPTIONS = {2: "NMI", **FAULTS, 11: "SVCall", 12: "DebugMonitor", 14: "PendSV", 15: "SysTick"}
_INTERRUPTS = range(16, 16 + 240)

# What the handlers are called: CMSIS, libopencm3, Zephyr, Pico SDK, NuttX.
_HANDLERS = frozenset(
    name
    for fault in ("HardFault", "MemManage", "BusFault", "UsageFault", "SecureFault")
    for name in (f"{fault}_Handler", f"{fault}_IRQHandler", f"isr_{fault.lower()}")
) | {
    "hard_fault_handler", "mem_manage_handler", "bus_fault_handler", "usage_fault_handler",
    "z_arm_hard_fault", "z_arm_mpu_fault", "z_arm_bus_fault", "z_arm_usage_fault", "z_arm_secure_fault",
    "arm_hardfault", "arm_memfault", "arm_busfault", "arm_usagefault", "arm_securefault",
}  # fmt: skip
_ENDLESS = 0xE7FE  # b .


def vector(elf: Elf, table: int, number: int) -> int:
    """Handler address of an exception, Thumb bit clear; 0 where the table has no such entry."""
    try:
        return elf.word(table + 4 * number) & ~1
    except IndexError:
        return 0


def _is_table(elf: Elf, table: int) -> bool:
    """Whether a vector table can be there: reset and HardFault go to code of the image, in Thumb state."""
    for number in (1, HARD_FAULT):
        try:
            entry = elf.word(table + 4 * number)
            elf.read(entry & ~1, 2)
        except IndexError:
            return False
        if not entry & 1:
            return False
    return True


def tables(elf: Elf, reset_table: int) -> list[int]:
    """Where the image has vector tables: where the core looks at reset, and those that are called so."""
    named = [s.address for name, s in elf.symbols.items() if "vector" in name.lower() or "isr" in name.lower()]
    return list(dict.fromkeys([reset_table, *sorted(at for at in set(named) if at % 128 == 0 and _is_table(elf, at))]))


def fault_handlers(elf: Elf, table: int) -> set[int]:
    """Addresses that mean a fault: the handlers of every table, and functions with the usual names.

    An image may give one handler to everything: who stops there looks at the number of the exception.
    """
    out = {vector(elf, at, number) for at in tables(elf, table) for number in FAULTS}
    out |= {address for name, address in elf.functions.items() if name in _HANDLERS}
    return out - {0}


def endless_handlers(elf: Elf, table: int) -> set[int]:
    """Handlers that are nothing but an endless loop: an exception that goes there ends the firmware."""
    out = set()
    for at in tables(elf, table):
        for number in range(2, 16 + 240):
            handler = vector(elf, at, number)
            if handler == 0 and number >= 16:
                break  # behind the table's end, most likely
            if handler and is_endless(elf, handler):
                out.add(handler)
    return out


def is_endless(elf: Elf, address: int) -> bool:
    """Whether the code there is a branch to itself."""
    try:
        return int.from_bytes(elf.read(address, 2), "little") == _ENDLESS
    except IndexError:
        return False


def exception_name(number: int) -> str:
    """`SysTick`, `interrupt 7`."""
    return EXCEPTIONS.get(number) or (f"interrupt {number - 16}" if number >= 16 else f"exception {number}")


def uses_timers(elf: Elf, table: int) -> bool:
    """Whether virtual time can matter to the image: it takes interrupts or could read a timer.

    Errs on the side of yes, which costs speed and nothing else: any interrupt with a handler of its own, or any
    address of SysTick, the interrupt controller or the cycle counter in its code. An endless loop is no handler, nor
    is one that several exceptions share: that is the default of a start-up file.
    """
    uses: dict[int, int] = {}
    for at in tables(elf, table):
        size = next((s.size for s in elf.symbols.values() if s.address == at and s.size >= 64), 256)
        for number in (PENDSV, SYSTICK, *_INTERRUPTS):
            handler = vector(elf, at, number) if 4 * number < size else 0
            if handler and not is_endless(elf, handler):
                uses[handler] = uses.get(handler, 0) + 1
        if any(count == 1 for count in uses.values()):
            return True
        uses.clear()
    return any(has_timer_address(bytes(segment.data)) for segment in elf.segments)
