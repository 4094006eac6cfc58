"""What a figure rests on goes into its basis."""

from __future__ import annotations

from dataclasses import replace

from sim.boards import Board
from sim.clock import ONE_PER_INSTRUCTION, model_with_parameters
from sim.machine import Measurement, Spread
from sim.report.collect import measured_figures
from sim.report.compare import unlike
from sim.timing import TimingProfile

BOARD = Board.load("nucleo_l4r5zi")
MEASURED = Measurement(
    "invoke", 3, Spread(1, 2, 3), Spread(10, 20, 30), "cortex-m4: core and memory", True, "qemu", "a" * 64, {}
)


def test_other_parameters_of_the_timing_model_are_another_model() -> None:
    timing = BOARD.timing
    assert isinstance(timing, TimingProfile)
    same = replace(BOARD, timing=replace(timing, parameters=dict(reversed(list(timing.parameters.items())))))
    other = replace(BOARD, timing=timing.changed({"flash.wait_states": 7}))
    told = [model_with_parameters(board.timing, "m") for board in (BOARD, same, other)]
    assert told[0] == told[1] != told[2]
    assert model_with_parameters(timing, ONE_PER_INSTRUCTION) == ONE_PER_INSTRUCTION  # no parameter is in it
    assert model_with_parameters(None, "m") == "m"
    before, now = (measured_figures(MEASURED, board, "mps2-an386") for board in (BOARD, other))
    reasons = [unlike(b, n) for b, n in zip(before, now, strict=True)]
    assert reasons[0] == ()  # instructions are counted
    assert reasons[1][0].startswith("cycle model: cortex-m4: core and memory, parameters ")


def test_the_most_of_all_runs_is_the_figure() -> None:
    counted, cycles = measured_figures(MEASURED, BOARD, "mps2-an386")
    assert (counted.value, counted.how, counted.detail) == (3, "counted", {"runs": 3, "min": 1, "median": 2})
    assert (cycles.value, cycles.how, cycles.detail) == (30, "modelled", {"runs": 3, "min": 10, "median": 20})


def test_a_core_without_a_timing_model_has_no_cycles() -> None:
    bare = replace(MEASURED, cycles=None)  # type: ignore[arg-type]
    assert [f.name for f in measured_figures(bare, BOARD, "x")] == ["instructions"]
