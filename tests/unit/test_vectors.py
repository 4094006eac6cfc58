"""Vector tables of made-up images: where faults go, what loops for ever, whether timers matter."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sim.elf import Elf, Segment, Symbol
from sim.timer_words import has_timer_address
from sim.vectors import (
    endless_handlers,
    exception_name,
    fault_handlers,
    is_endless,
    tables,
    uses_timers,
    vector,
)

FLASH = 0x0800_0000
LOOP, CODE, OTHER, SHARED = FLASH + 0x400, FLASH + 0x410, FLASH + 0x420, FLASH + 0x430


def image(
    entries: dict[int, int],
    *,
    at: int = 0,
    size: int = 256,
    name: str = "",
    words: tuple[int, ...] = (),
    functions: dict[str, int] | None = None,
) -> Elf:
    data = bytearray(0x500)
    table = [0] * 64
    table[0], table[1], table[3] = 0x2000_1000, CODE | 1, LOOP | 1
    for number, address in entries.items():
        table[number] = address | 1 if address else 0
    data[at : at + 256] = struct.pack("<64I", *table)
    data[0x400:0x402] = struct.pack("<H", 0xE7FE)
    data[0x480 : 0x480 + 4 * len(words)] = struct.pack(f"<{len(words)}I", *words)
    symbols = {n: Symbol(n, a, 4, True) for n, a in (functions or {}).items()}
    if name:
        symbols[name] = Symbol(name, FLASH + at, size, False)
    return Elf(Path("x.elf"), "0", CODE, (Segment(FLASH, FLASH, bytes(data), 0x500),), symbols)


def test_handlers_of_the_table_at_reset() -> None:
    elf = image({3: LOOP, 4: CODE, 5: CODE, 6: OTHER})
    assert fault_handlers(elf, FLASH) == {LOOP, CODE, OTHER}
    assert vector(elf, FLASH, 6) == OTHER
    assert vector(elf, FLASH + 0x10000, 6) == 0


def test_handlers_of_a_table_that_only_a_symbol_tells() -> None:
    elf = image({3: OTHER}, at=0x200, name="g_pfnVectors")
    assert tables(elf, 0) == [0, FLASH + 0x200]
    assert fault_handlers(elf, 0) == {OTHER}


@pytest.mark.parametrize("name", ["interrupts_enabled", "vector_count"])
def test_a_symbol_that_is_no_table(name: str) -> None:
    elf = image({}, at=0x200, functions={name: FLASH + 0x80})
    assert tables(elf, 0) == [0]


def test_handlers_by_their_usual_names() -> None:
    elf = image({}, functions={"HardFault_Handler": 0x100, "z_arm_usage_fault": 0x200, "main": 0x300})
    assert fault_handlers(elf, 0) == {0x100, 0x200}


def test_endless_handlers() -> None:
    elf = image({2: LOOP, 15: CODE, 16: LOOP})
    assert endless_handlers(elf, FLASH) == {LOOP}
    assert is_endless(elf, LOOP)
    assert not is_endless(elf, CODE)
    assert not is_endless(elf, 0x4000_0000)


@pytest.mark.parametrize(
    ("entries", "words", "expected"),
    [
        ({}, (), False),
        ({14: LOOP, 15: LOOP, 16: LOOP, 17: LOOP}, (), False),  # a default that loops
        ({14: SHARED, 15: SHARED, 16: SHARED}, (), False),  # a default that does something
        ({14: SHARED, 15: OTHER, 16: SHARED}, (), True),  # SysTick has its own
        ({15: CODE}, (), True),
        ({40: CODE}, (), True),
        ({}, (0xE000_E010,), True),  # SysTick's address in a literal pool
        ({}, (0xE000_E018,), True),
        ({}, (0xE000_1004,), True),  # the cycle counter
        ({}, (0xE000_ED08,), False),  # VTOR alone
    ],
)
def test_whether_timers_matter(entries: dict[int, int], words: tuple[int, ...], expected: bool) -> None:
    assert uses_timers(image(entries, name="__vectors", words=words), FLASH) is expected


# ldr r2, [r3, #24]; ldr.w r2, [r3, #24]; ldr r2, [r3, #32]; ldr.w r2, [r3, #0xd88]; str.w r2, [r3, #0x100]
_LDR, _LDR_W, _OTHER, _CPACR, _ISER = 0x699A, 0x2018F8D3, 0x6A1A, 0x2D88F8D3, 0x2100F8C3
_MOV = 0x23E0F04F  # mov.w r3, #0xe000e000
_PAIRS = {"SysTick": (0x0318F24E, 0x0300F2CE), "VTOR": (0x5308F64E, 0x0300F2CE), "DWT": (0x0304F241, 0x0300F2CE)}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ((_MOV, _LDR), True),
        ((_MOV, _LDR_W), True),
        ((_MOV, _ISER), True),
        ((_MOV, _OTHER), False),
        ((_MOV, _CPACR), False),  # what every start-up has
        ((_MOV, *(0xBF00BF00,) * 20, _LDR), False),  # too far off to be of it
        ((0x22E0F04F, _LDR), False),  # in another register
        *((pair, name != "VTOR") for name, pair in _PAIRS.items()),  # movw, movt
    ],
)
def test_timers_whose_address_is_in_instructions(code: tuple[int, ...], expected: bool) -> None:
    assert has_timer_address(struct.pack(f"<{len(code)}I", *code)) is expected
    assert has_timer_address(struct.pack(f"<H{len(code)}IH", 0xBF00, *code, 0xBF00)) is expected  # at an odd halfword


def test_names_of_exceptions() -> None:
    assert [exception_name(n) for n in (2, 3, 15, 16, 23, 9)] == [
        "NMI", "HardFault", "SysTick", "interrupt 0", "interrupt 7", "exception 9",
    ]  # fmt: skip
