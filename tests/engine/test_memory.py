"""machine.memory on the emulator: peaks against every store, overflows at the first store, sizes against the ELF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bare import CORES, board_with, compiled, engine

from sim.errors import FirmwareFailure
from sim.inference import feed, zero_rows
from sim.machine import Machine
from sim.model import Model
from sim.paths import data_root
from sim.settings import Settings
from sim.target import Target

RECURSE, ARRAY, EXCEPTION, HEAP, TASK, INTERRUPT, TASK_INTERRUPT = 1, 2, 3, 4, 5, 6, 7


@contextmanager
def deep(folder: Path, core: str, case: int, value: int = 0, *, check: bool, script: str) -> Iterator[Machine]:
    elf = compiled(folder, core, ["deep.c"], layout_file=script)
    qemu, board = engine(), board_with(core)
    with Machine.started(elf, board, qemu, check_stack=check) as machine:
        machine.write("bare_case", case)
        machine.write("bare_value", value)
        yield machine


@pytest.mark.parametrize("core", CORES)
@pytest.mark.slow
def test_the_painted_peak_is_that_of_every_store(tmp_path: Path, core: str) -> None:
    peaks = []
    for depth in (0, 1, 7, 12):
        with deep(tmp_path, core, RECURSE, depth, check=True, script="upside.ld") as machine:
            machine.console.expect("done")
            assert machine.memory.stack.reserved == 0x400
            assert machine.memory.stack.peak == machine.memory.stack_by_stores
            peaks.append(machine.memory.stack.peak or 0)
    frame = peaks[1] - peaks[0]
    assert frame >= 16
    assert peaks == [peaks[0], peaks[0] + frame, peaks[0] + 7 * frame, peaks[0] + 12 * frame]


@pytest.mark.parametrize("core", CORES)
def test_the_first_store_below_the_stack_ends_the_run(tmp_path: Path, core: str) -> None:
    with deep(tmp_path, core, RECURSE, 200, check=True, script="upside.ld") as machine:
        with pytest.raises(FirmwareFailure, match=r"stack overflow: the store at 0x[0-9a-f]+ writes") as caught:
            machine.console.expect("done")
        limit = machine.elf.symbols["__stack_limit"].address
        written = int(caught.value.reason.split("writes ")[1].split(",")[0], 16)
        assert limit - 64 < written < limit
        assert "deeper" in str(caught.value)


def test_without_the_check_it_runs_on_over_the_data(tmp_path: Path) -> None:
    with deep(tmp_path, "cortex-m4", RECURSE, 40, check=False, script="upside.ld") as machine:
        machine.console.expect("done")  # the data below is gone, and nobody said so
        assert machine.memory.stack.peak == machine.memory.stack.reserved


def test_an_array_that_is_too_large_is_told_at_its_first_store_outside(tmp_path: Path) -> None:
    with (
        deep(tmp_path, "cortex-m4", ARRAY, check=True, script="upside.ld") as machine,
        pytest.raises(FirmwareFailure, match="stack overflow"),
    ):
        machine.console.expect("done")


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "cortex-m33"])
def test_an_exception_frame_below_the_stack_ends_the_run(tmp_path: Path, core: str) -> None:
    with (
        deep(tmp_path, core, EXCEPTION, check=True, script="upside.ld") as machine,
        pytest.raises(FirmwareFailure, match="the stack pointer is outside the stack") as caught,
    ):
        machine.console.expect("done")
    assert "PendSV_Handler" in str(caught.value)


def test_a_task_with_a_stack_of_its_own_is_no_overflow(tmp_path: Path) -> None:
    with deep(tmp_path, "cortex-m4", TASK, check=True, script="upside.ld") as machine:
        machine.console.expect("done")


@pytest.mark.parametrize("core", CORES)
@pytest.mark.slow
def test_the_stack_of_interrupts_apart(tmp_path: Path, core: str) -> None:
    with deep(tmp_path, core, RECURSE, 1, check=True, script="upside.ld") as machine:
        machine.console.expect("done")
        one, none = machine.memory.stack.peak or 0, machine.memory.stack.interrupts
        assert machine.memory.stack.main == one
        assert none == 0
    with deep(tmp_path, core, RECURSE, 0, check=True, script="upside.ld") as machine:
        machine.console.expect("done")
        frame = one - (machine.memory.stack.peak or 0)
    used = []
    for depth in (0, 2, 8):
        with deep(tmp_path, core, INTERRUPT, depth, check=True, script="upside.ld") as machine:
            machine.console.expect("done")
            used.append(machine.memory.stack)
            assert machine.memory.stack.why == ""
            assert machine.memory.as_json()["stack"]["interrupts"] == used[-1].interrupts
    interrupts = [stack.interrupts or 0 for stack in used]
    assert interrupts[0] >= 32 + 16  # the exception frame, and the handler's own
    assert [n - interrupts[0] for n in interrupts] == [0, 2 * frame, 8 * frame]
    assert len({stack.main for stack in used}) == 1
    assert used[0].main == used[0].peak  # main went further down than the handler reached
    for stack in used:
        assert (
            max(stack.main or 0, stack.interrupts or 0)
            <= (stack.peak or 0)
            <= (stack.main or 0) + (stack.interrupts or 0)
        )


def test_interrupts_of_a_task_have_no_frame_on_the_main_stack(tmp_path: Path) -> None:
    with deep(tmp_path, "cortex-m4", INTERRUPT, 3, check=True, script="upside.ld") as machine:
        machine.console.expect("done")
        with_frame = machine.memory.stack.interrupts or 0
    with deep(tmp_path, "cortex-m4", TASK_INTERRUPT, 3, check=True, script="upside.ld") as machine:
        machine.console.expect("done")
        assert machine.memory.stack.interrupts == with_frame - 32


def test_without_a_look_at_every_store_they_are_not_told_apart(tmp_path: Path) -> None:
    with deep(tmp_path, "cortex-m4", INTERRUPT, 3, check=False, script="upside.ld") as machine:
        machine.console.expect("done")
        stack = machine.memory.stack
        assert (stack.main, stack.interrupts) == (None, None)
        assert "check_stack" in stack.why


@pytest.mark.parametrize("used", [0, 1, 5, 4096])
def test_heap_peak_is_the_highest_word_written(tmp_path: Path, used: int) -> None:
    with deep(tmp_path, "cortex-m4", HEAP, used, check=False, script="upside.ld") as machine:
        machine.console.expect("done")
        heap = machine.memory.heap
        assert heap is not None
        assert heap.reserved == 4096
        assert heap.peak == (used + 3) // 4 * 4


OVERFLOWING = """
#include "app.h"

using namespace boardless;

extern "C" __attribute__((noinline)) int too_deep(int n) {
  volatile char here[256];
  here[0] = static_cast<char>(n);
  return too_deep(n + 1) + here[0];
}

int main() {
  Model model("overflowing");
  boardless_log("%d", too_deep(0));
}
"""


def test_an_app_of_ours_ends_at_its_first_store_outside_the_stack(tmp_path: Path) -> None:
    """Without any option: its stack is at the bottom of RAM."""
    folder = tmp_path / "overflowing"
    folder.mkdir()
    (folder / "app.toml").write_text('title = "Falls off its stack"\nmodel = "hello"\nsensors = []\n')
    (folder / "overflowing.cc").write_text(OVERFLOWING)
    target = Target.of(Settings.load({"board": "arduino_nano_33_ble"}))
    firmware = target.build(folder)
    with target.started(firmware.elf) as machine:
        with pytest.raises(FirmwareFailure, match="stack overflow") as caught:
            machine.run("1 s")
        assert machine.registers()["sp"] < target.layout.ram.origin + 512
    for said in ("too_deep", "main+", "overflowing.cc"):
        assert said in str(caught.value)


def test_what_the_image_takes_adds_up() -> None:
    target = Target.of(Settings.load({"board": "arduino_nano_33_ble"}))
    model = Model.load(data_root() / "models" / "gesture" / "gesture.tflite")
    firmware = target.build("invoke", model)
    with target.started(firmware.elf, check_stack=True) as machine:
        machine.run_until_ready()
        machine.port.inputs = feed(zero_rows(model))
        machine.port.on_output = lambda slot, data: None
        machine.run_to_exit()
        memory = machine.memory
        loaded = [s for s in memory.sections if s.kind in ("flash", "data")]
        assert sum(memory.libraries().values()) == sum(s.size for s in loaded)
        assert 0 <= memory.flash - sum(s.size for s in loaded) < 64  # between sections
        assert memory.libraries()["libtflm.a"] > 10_000
        assert memory.symbols("flash")["boardless_model_data"] == len(model.data)
        ram = target.layout.ram
        assert memory.ram_left == ram.size - sum(s.size for s in memory.sections if s.address >= ram.origin)
        assert memory.arena.reserved == firmware.arena_reserved
        assert memory.arena.used == firmware.arena_used
        assert memory.stack.peak == memory.stack_by_stores
        assert 100 < (memory.stack.peak or 0) < 4096
