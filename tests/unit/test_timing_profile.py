"""Timing profiles: what a board's file may say, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sim.board_file import Table
from sim.boards import all_boards
from sim.errors import UsageError
from sim.timing import TimingProfile, read_timing
from sim.timing.parameters import CORE_DEFAULTS, CORES, KINDS


def value(number: object, kind: str = "guessed") -> dict[str, object]:
    return {"value": number, "kind": kind, "source": "a test"}


def shape(size: int = 256, line: int = 32, sector: int = 8, ways: int = 0) -> dict[str, object]:
    return {"size": value(size), "line": value(line), "sector": value(sector), "ways": value(ways)}


def read(timing: dict[str, object], core: str = "cortex-m4") -> TimingProfile:
    found = read_timing(Table(Path("board.toml"), {"timing": timing}), core)
    assert found is not None
    return found


FLASH = {"wait_states": value(5, "documented"), "miss": value(1, "fitted")}


def test_without_a_table_the_core_has_its_own_and_memory_never_waits() -> None:
    found = read_timing(Table(Path("board.toml"), {}), "cortex-m4")
    assert found == TimingProfile.of_core("cortex-m4")
    assert found is not None
    assert (found.level, found.validated, found.value("core.exception")) == (1, False, 12)
    assert read_timing(Table(Path("board.toml"), {}), "cortex-m55") is None
    assert set(CORE_DEFAULTS) == set(CORES)


def test_what_a_file_says_stands_beside_the_cores_own() -> None:
    found = read({"flash": FLASH, "cache": shape(), "core": {"refill": value(1, "fitted")}})
    assert (found.level, found.value("core.refill"), found.value("flash.wait_states")) == (2, 1, 5)
    assert found.parameters["flash.miss"].kind == "fitted"
    assert found.worst == "guessed"
    assert found.core_only().level == 1
    assert found.changed({"core.refill": 3}).value("core.refill") == 3


def test_the_probe_gets_waits_and_shapes_in_its_order() -> None:
    found = read({"flash": FLASH, "icache": shape(1024), "dcache": shape(64, 8, 8, 1)})
    words = struct.unpack("<28I", found.pack(0x1000, 0x2000))
    assert words[:2] == (2, 4)
    assert words[7:12] == (0x1000, 0x2000, 6, 6, 0)
    assert words[13:21] == (1024, 32, 8, 0, 64, 8, 8, 1)
    unified = struct.unpack("<28I", read({"flash": FLASH, "cache": shape(8192, 16, 16, 2)}).pack(0, 1))
    assert unified[11] == 1
    assert unified[13:17] == (8192, 16, 16, 2)


@pytest.mark.parametrize(
    ("timing", "says"),
    [
        ({"flash": FLASH}, "needs"),
        ({"flash": FLASH, "cache": shape(), "icache": shape()}, "needs"),
        ({"cache": shape()}, "wait_states"),
        ({"core": {"refil": value(1)}}, "refil"),
        ({"core": {"refill": value(99)}}, "allowed: 0 to 8"),
        ({"core": {"refill": value(1.5)}}, "cannot be"),
        ({"core": {"refill": value(1, "known")}}, "kind"),
        ({"core": {"refill": {"value": 1, "kind": "guessed"}}}, "source"),
        ({"flash": FLASH, "cache": shape(line=24)}, "power of two"),
        ({"flash": FLASH, "cache": shape(sector=64)}, "do not go together"),
        ({"flash": FLASH, "cache": shape(ways=3)}, "that many ways"),
        ({"validated": True}, "against"),
    ],
)
def test_what_cannot_be_is_said(timing: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(timing)
    assert says in str(caught.value)
    assert "board.toml" in str(caught.value)


def test_a_core_without_published_timing_cannot_have_a_table() -> None:
    with pytest.raises(UsageError, match="cortex-m55"):
        read({"core": {"refill": value(1)}}, "cortex-m55")


def test_shipped_profiles_say_where_every_figure_is_from() -> None:
    for board in all_boards():
        if board.core == "cortex-m55":
            assert board.timing is None
            continue
        assert board.timing is not None
        for key, parameter in board.timing.parameters.items():
            assert parameter.kind in KINDS, key
            assert len(parameter.source) > 3, key
        assert board.timing.validated == (board.name in ("nucleo_l4r5zi", "nrf5340dk"))
        assert bool(board.timing.against) == board.timing.validated
