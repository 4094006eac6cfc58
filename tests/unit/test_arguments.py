"""Where arguments of a C function go, by the procedure call standard."""

from __future__ import annotations

import numpy as np
import pytest

from sim.errors import UsageError
from sim.failure.prototypes import CType
from sim.machine.arguments import Placed, Value, number, places, value_of
from sim.machine.buffers import buffer_of

W, L, F, D = (4, False), (8, False), (4, True), (8, True)


def shown(kinds: list[tuple[int, bool]], hard: bool) -> str:
    return " ".join(f"{p.where[0]}{p.index}" for p in places(kinds, hard)[0])


# Worked out by hand from AAPCS 6.5 and 7.1, and compared with what GCC 12 does for these signatures.
@pytest.mark.parametrize(
    ("kinds", "soft", "hard"),
    [
        ([W, W, W, W, W], "c0 c1 c2 c3 s0", "c0 c1 c2 c3 s0"),
        ([W, L, W], "c0 c2 s0", "c0 c2 s0"),
        ([W, W, W, L, W], "c0 c1 c2 s0 s8", "c0 c1 c2 s0 s8"),
        ([W] * 5 + [L], "c0 c1 c2 c3 s0 s8", "c0 c1 c2 c3 s0 s8"),
        ([F, D, F, F], "c0 c2 s0 s4", "f0 f2 f1 f4"),
        ([F, W, D, W], "c0 c1 c2 s0", "f0 c0 f2 c1"),
        ([D] * 8 + [F], "c0 c2 s0 s8 s16 s24 s32 s40 s48", "f0 f2 f4 f6 f8 f10 f12 f14 s0"),
        ([F] + [D] * 8 + [F], "c0 c2 s0 s8 s16 s24 s32 s40 s48 s56", "f0 f2 f4 f6 f8 f10 f12 f14 s0 s8"),
    ],
)
def test_places(kinds: list[tuple[int, bool]], soft: str, hard: str) -> None:
    assert shown(kinds, False) == soft
    assert shown(kinds, True) == hard


def test_registers_and_stack_of_a_call() -> None:
    placed = Placed.of([Value(1, 4), Value(2 << 32 | 3, 8), Value(4, 4), Value(5 << 32, 8)], hard_float=False)
    assert placed.core == [1, 0, 3, 2]
    assert placed.stack == bytes([4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0])


def test_without_debug_information_a_number_is_what_it_looks_like() -> None:
    assert value_of(-1, None, "f") == Value(0xFFFFFFFF, 4)
    assert value_of(0xFFFFFFFF, None, "f") == Value(0xFFFFFFFF, 4)
    assert value_of(True, None, "f") == Value(1, 4)
    assert value_of(None, None, "f") == Value(0, 4)
    assert value_of(1.0, None, "f") == Value(0x3F800000, 4, True)
    assert value_of(np.float64(1.0), None, "f") == Value(0x3FF0000000000000, 8, True)
    assert value_of(np.int64(-1), None, "f") == Value(0xFFFFFFFFFFFFFFFF, 8)
    assert value_of(np.uint8(200), None, "f") == Value(200, 4)
    with pytest.raises(UsageError, match=r"numpy\.int64"):
        value_of(1 << 32, None, "f")


def test_numbers_come_back_by_their_type() -> None:
    assert number(0xFFFF_FF80, CType("signed", 1, "int8_t")) == -128
    assert number(0xFFFF_FF80, CType("unsigned", 1, "uint8_t")) == 128
    assert number(0x3F800000, CType("float", 4, "float")) == 1.0
    assert number(7, CType("void", 0, "void")) is None
    assert number(0x2000_0000, CType("pointer", 4, "int *")) == 0x2000_0000


def test_arrays() -> None:
    halves = CType("pointer", 4, "int16_t *", CType("signed", 2, "int16_t"))
    assert buffer_of([1, -1], halves, "f").data == b"\1\0\xff\xff"
    assert buffer_of(np.array([1, -1], dtype=">i2"), halves, "f").data == b"\1\0\xff\xff"
    assert buffer_of(np.arange(4.0)[::2], None, "f").data == np.array([0.0, 2.0]).tobytes()
    with pytest.raises(UsageError, match="nothing says of what"):
        buffer_of([1, 2], None, "f")
    with pytest.raises(UsageError, match=r"array\.astype\('int16'\)"):
        buffer_of(np.zeros(2), halves, "f")
    with pytest.raises(UsageError, match="0 elements"):
        buffer_of(np.zeros(0, dtype=np.int16), halves, "f")
