"""Runs of handlers, wherever they come in: on either stack, behind one another, with a switch of tasks at their end."""

from __future__ import annotations

from pathlib import Path

import pytest
from bare import CORES, board_with, compiled, engine
from native import native_elf, product
from test_qemu_probe import regions

from sim.errors import UsageError
from sim.machine import Machine

# Instructions by hand, see tasks.S. A switch of tasks ends no run late: `other` takes 200 instructions and more.
LENGTHS = {
    "SysTick_Handler": [5, 13, 5, 5, 5, 5, 15, 14, 13, 5, 13, 5],
    "SVC_Handler": [10, 4, 4, 4],
    "NMI_Handler": [2],
    "PendSV_Handler": [13, 13],
}


@pytest.mark.parametrize("timers", [False, True], ids=["blocks", "icount"])
@pytest.mark.parametrize("core", CORES)
def test_handlers_have_the_hand_counted_length(tmp_path: Path, core: str, timers: bool) -> None:
    path = compiled(tmp_path, core, ["tasks.S"], name="tasks")
    together = regions(path, core, list(LENGTHS), timers=timers)
    for name, lengths in LENGTHS.items():
        assert [r.end - r.start for r in together if r.symbol == name] == lengths, name
    for name, lengths in LENGTHS.items():
        assert [r.end - r.start for r in regions(path, core, [name], timers=timers)] == lengths, name


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7", "cortex-m33"])
def test_a_machine_measures_them_and_counts_as_without(tmp_path: Path, core: str) -> None:
    """Looking at every block changes no count."""
    path = compiled(tmp_path, core, ["tasks.S"], name="tasks")
    with Machine.started(path, board_with(core), engine()) as machine:
        machine.run_to("done")
        alone = machine.instructions, machine.cycles
    with Machine.started(path, board_with(core), engine()) as machine:
        for name in LENGTHS:
            machine.keep_region(name)
        machine.run_to("done")
        assert (machine.instructions, machine.cycles) == alone
        measured = {name: machine.region_measured(name) for name in LENGTHS}
    for name, lengths in LENGTHS.items():
        of = measured[name]
        assert of is not None
        assert of.cycles is not None
        assert (of.runs, of.instructions.min, of.instructions.max) == (len(lengths), min(lengths), max(lengths))
        assert of.cycles.min >= of.instructions.min / 2


def test_a_handler_of_a_product_is_measured_wherever_it_comes_in(tmp_path: Path) -> None:
    """SysTick over straight code of main(), on a machine with RAM of its own; both stacks are one there."""
    with product(native_elf(tmp_path, flags=["-DTICKS=500"])) as machine:
        measured = machine.measure("SysTick_Handler", 20, within="10 ms")
        assert (measured.instructions.min, measured.instructions.max) == (5, 5)


def test_what_cannot_be_seen_is_said_at_once(tmp_path: Path) -> None:
    """The machine has memory there; the board has not, and the probe does not see it."""
    source = tmp_path / "far.c"
    source.write_text(
        'int main(void) { __asm volatile("msr psp, %0\\n msr control, %1\\n isb" :: "r"(0x21001000), "r"(2));\n'
        '  for (;;) __asm volatile("nop"); }\n'
    )
    flags = ["-DTICKS=500", str(source), "-Wl,--allow-multiple-definition"]
    with product(native_elf(tmp_path, flash=0, flags=flags), "arduino_nano_33_ble") as machine:
        said = "SysTick_Handler interrupts code whose stack is not in the RAM of the board: its runs cannot be measured"
        with pytest.raises(UsageError, match=said):
            machine.measure("SysTick_Handler")
        assert machine.time < 0.01
