"""What may be given where a file, a number, a place or names go: anything else is one clear error."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import UsageError
from sim.firmware import Firmware
from sim.given import file, name, place, whole

DUMP: Callable[..., Firmware] = Firmware.from_binary


def test_what_is_meant_is_taken() -> None:
    assert whole(np.int64(3), "x", 0) == 3
    assert type(whole(np.int64(3), "x", 0)) is int
    assert place("f", "x") == "f"
    assert place(np.uint32(0xFFFFFFFF), "x") == 0xFFFFFFFF
    assert name("f", "x") == "f"
    assert file("a.elf", "x") == file(Path("a.elf"), "x") == Path("a.elf")


@pytest.mark.parametrize("given", ["a", b"x", None, 1.5, math.nan, [1], object(), np.array([1, 2]), True, -1, 8])
def test_what_is_no_number_in_the_range_is_an_error(given: Any) -> None:
    with pytest.raises(UsageError, match=r"^f\(n=\): a whole number from 0 to 7 goes there"):
        whole(given, "f(n=)", 0, 7)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda path: DUMP(path, load="x"), r"load='x'\): a whole number"),
        (lambda path: DUMP(path, load=math.nan), r"load=nan\): a whole number"),
        (lambda path: DUMP(path, load=-4), r"load=-4\): a whole number"),
        (lambda path: DUMP(path, load=0x0800_0000, symbols=[1]), "names and addresses go there"),
        (lambda path: DUMP(path, load=0x0800_0000, symbols={"f": "g"}), r"symbols={'f': 'g'}\): a whole number"),
        (lambda path: DUMP(path, load=0x0800_0000, symbols={1: 2}), "names and addresses go there"),
        (lambda path: DUMP(None, load=0x0800_0000), r"from_binary\(None\): the path of a file"),
        (lambda path: Firmware.from_elf(5), r"from_elf\(5\): the path of a file"),  # type: ignore[arg-type]
        (lambda path: DUMP(path, load=0x0800_0000, board="stm32f4_discovery"), r"a board goes there\n.*Board.load"),
    ],
)
def test_images(tmp_path: Path, call: Callable[[Path], object], text: str) -> None:
    dump = tmp_path / "product.bin"
    dump.write_bytes(bytes.fromhex("00100020 09000008 fee7fee7"))
    with pytest.raises(UsageError, match=text):
        call(dump)
