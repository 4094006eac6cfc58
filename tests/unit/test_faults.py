"""Fault registers in words."""

from __future__ import annotations

import pytest

from sim.failure.faults import BFAR, CFSR, HFSR, MMFAR, SFSR, decode


def words(**registers: int) -> dict[int, int]:
    names = {"cfsr": CFSR, "hfsr": HFSR, "bfar": BFAR, "mmfar": MMFAR, "sfsr": SFSR}
    return {names[name]: value for name, value in registers.items()}


@pytest.mark.parametrize(
    ("exception", "registers", "text"),
    [
        (5, words(cfsr=0x8200, bfar=0xF0000000),
         "BusFault: PRECISERR: data access that nothing answers at address 0xf0000000"),
        (3, words(cfsr=0x10000, hfsr=0x40000000), "HardFault: UNDEFINSTR: undefined instruction"),
        (3, words(hfsr=0x40000000), "HardFault: FORCED: another fault was escalated"),
        (3, words(hfsr=0x80000000), "HardFault: DEBUGEVT: breakpoint without a debugger"),
        (3, words(hfsr=2), "HardFault: VECTTBL: the vector table could not be read"),
        (4, words(cfsr=0x82, mmfar=0x10),
         "MemManage: DACCVIOL: data access that the memory protection forbids at address 0x00000010"),
        (6, words(cfsr=0x2000000), "UsageFault: DIVBYZERO: division by zero"),
        (6, words(cfsr=0x100000), "UsageFault: STKOF: the stack pointer went below its limit"),
        (6, words(cfsr=0x30000), "UsageFault: UNDEFINSTR: undefined instruction; INVSTATE: jump to an address with "
         "the Thumb bit clear (a bad function pointer?)"),
        (7, words(sfsr=0x48), "SecureFault: AUVIOL"),
        (6, {}, "UsageFault: no cause recorded"),
        (9, {}, "exception 9: no cause recorded"),
    ],
)  # fmt: skip
def test_decoded(exception: int, registers: dict[int, int], text: str) -> None:
    assert decode(exception, registers.get).text == text


def test_every_bit_alone_gives_a_text() -> None:
    for bit in (0, 1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 24, 25):
        assert "no cause" not in decode(6, {CFSR: 1 << bit}.get).text


def test_registers_that_cannot_be_read() -> None:
    fault = decode(3, lambda address: None)
    assert (fault.cfsr, fault.hfsr, fault.address) == (0, 0, None)
