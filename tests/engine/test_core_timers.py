"""What firmware on the port sees that reads the core's own timers: docs/port.md, "Board time"."""

from __future__ import annotations

from pathlib import Path

import pytest
from bare import CORES, board_with, compiled, engine

from sim.clock import STILL
from sim.machine import Machine

SYSTICK_HZ = {"cortex-m33": 20_000_000, "cortex-m55": 32_000_000}  # of QEMU's machine; else 25 MHz
INSTRUCTION = 8e-9  # s, QEMU's virtual time of one
WORK = 300_000  # instructions, at least
# As GCC compiles `SysTick->VAL`: mov of the page and an offset; movw and movt; a word in the literal pool.
WAYS = {"offset": ["-DNO_DWT"], "halves": ["-DNO_DWT", "-mslow-flash-data"], "word": []}


def seen(elf: Path, core: str) -> tuple[dict[str, int], Machine]:
    with Machine.started(elf, board_with(core), engine()) as machine:
        machine.runner.advance(10**12, lambda: machine.port.exit_code is not None)
        return dict(machine.port.info), machine


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("way", WAYS)
def test_it_is_known_and_counts_instructions(core: str, way: str, tmp_path: Path) -> None:
    """Were it not known, SysTick would follow the host's clock."""
    elf = compiled(tmp_path, core, ["timers.c"], name=way, flags=WAYS[way])
    got, machine = seen(elf, core)
    assert machine.has_own_time
    assert STILL in machine.time_base
    ticks = WORK * INSTRUCTION * SYSTICK_HZ.get(core, 25_000_000)
    assert got["work.systick"] == pytest.approx(ticks, rel=0.01)
    assert got["work.us"] >= WORK / 64  # board time: at least a cycle an instruction
    assert 84_000 < got["wait.us"] < 84_100  # ten samples at 119 Hz
    assert got["wait.systick"] < 20  # stands still
    assert got["work.dwt"] == got["wait.dwt"] == 0  # QEMU's cores have no cycle counter
    assert seen(elf, core)[0] == got


def test_a_clock_of_its_own_can_be_that_of_the_board(tmp_path: Path) -> None:
    elf = compiled(tmp_path, "cortex-m4", ["timers.c"], name="millis")
    with Machine.started(elf, board_with("cortex-m4"), engine()) as machine:
        machine.intercept("millis", lambda call: int(call.time * 1000))
        machine.runner.advance(10**12, lambda: machine.port.exit_code is not None)
        assert machine.port.info["wait.ms"] == 84
