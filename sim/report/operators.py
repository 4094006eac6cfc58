"""What each operator of the model took in a test: watched from outside, the firmware is not changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import UsageError
from sim.report.record import Operator, Share

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine import Machine

INVOKE = "boardless_invoke"


def watch(machine: Machine) -> None:
    """Measure the operators from now on; the machine is ready (its resolver is filled). Images without one: nothing."""
    from sim.measure.operators import operator_functions

    try:
        names = operator_functions(machine)
    except UsageError:
        return  # not built by boardless: its operators cannot be told apart
    for name in names:
        machine.keep_region(name)


def of(machine: Machine, firmware: Firmware) -> tuple[Operator, ...]:
    """The operators of the longest inference so far; empty where they were not watched, or cannot be told apart."""
    from sim.measure.operators import Counted, operator_functions, within

    if firmware.model is None or INVOKE not in machine.elf.functions:
        return ()
    try:
        names = operator_functions(machine)
    except UsageError:
        return ()
    runs = [run for name in names for run in machine.region_runs(name)]
    invokes = machine.region_runs(INVOKE)
    if not runs or not invokes:
        return ()
    longest = max(invokes, key=lambda run: run.end - run.start)
    parts = within(runs, longest)
    if len(parts) != len(firmware.model.operators):
        return ()
    counted = [Counted.of(run) for run in parts]
    return tuple(
        Operator(o.index, o.kind, o.layer, o.macs, c.instructions, c.cycles)
        for o, c in zip(firmware.model.operators, counted, strict=True)
    )


def shares(operators: tuple[Operator, ...]) -> dict[str, tuple[Share, ...]]:
    """The same as contributors of cycles and instructions, largest first."""
    out: dict[str, tuple[Share, ...]] = {}
    if operators:
        named = [(f"{o.kind} {o.layer}", o) for o in operators]
        out["instructions"] = tuple(Share(name, o.instructions) for name, o in named)
        if all(o.cycles is not None for o in operators):
            out["cycles"] = tuple(Share(name, o.cycles or 0) for name, o in named)
        else:  # a model of one cycle an instruction: its cycles are made of the same
            out["cycles"] = out["instructions"]
    return {key: tuple(sorted(items, key=lambda s: (-s.value, s.name))) for key, items in out.items()}
