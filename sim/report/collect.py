"""A record from what is there: a firmware, and a machine that has run it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sim.clock import model_with_parameters
from sim.energy.figures import energy_figures
from sim.report import contributors, providers
from sim.report import operators as operators_
from sim.report.figure import Figure, Provenance
from sim.report.record import Event, Operator, Record, Share
from sim.report.stimuli import traces

if TYPE_CHECKING:
    from sim.boards import Board
    from sim.engines.protocol import Layout
    from sim.firmware import Firmware
    from sim.machine import Machine, Measurement

INVOKE = "boardless_invoke"


def build_basis(board: Board) -> dict[str, str]:
    """What code for a board depends on: sizes and counts of two builds compare if it is equal."""
    return {"core": board.core, "fpu": board.fpu, "mve": str(board.mve).lower()}


def firmware_figures(firmware: Firmware, board: Board) -> list[Figure]:
    """Flash, static RAM and arena of an image; they need no machine."""
    basis = build_basis(board)  # not the compiler: what a new one does to the sizes is worth knowing
    said: list[tuple[str, int | None, str]] = [
        ("flash", firmware.flash, "ELF: bytes that are loaded"),
        ("ram_static", firmware.ram_static, "ELF: .data and .bss without arena, stack and heap"),
        ("arena_reserved", firmware.arena_reserved or None, "ELF"),
        ("arena", firmware.arena_used, "TFLM: arena_used_bytes()"),
        ("arena_smallest", firmware.arena_smallest, "run at this size, and not at less"),
    ]
    return [Figure(n, v, "B", "counted", source, basis) for n, v, source in said if v is not None]


def measured_figures(measured: Measurement, board: Board, machine: str) -> list[Figure]:
    """Cycles and instructions of one region; the value is the most of all runs."""
    basis = {**build_basis(board), "machine": machine}
    counted, cycles = measured.instructions, measured.cycles
    detail = {"runs": measured.runs, "min": counted.min, "median": counted.median}
    out = [Figure("instructions", counted.max, "instructions", "counted", measured.engine, basis, detail)]
    if cycles is not None:
        detail = {"runs": measured.runs, "min": cycles.min, "median": cycles.median}
        model = {**basis, "model": model_with_parameters(board.timing, measured.model)}
        source = f"{measured.engine}; {measured.model}"
        out.append(Figure("cycles", cycles.max, "cycles", "modelled", source, model, detail))
    return out


def latency_figure(machine: Machine) -> Figure | None:
    """The longest time from a sample to the decision on it, in s; None where nothing was decided, or where nobody knows
    when samples were taken (bus builds)."""
    latencies = sorted(d.latency for d in machine.decisions if not math.isnan(d.latency))
    if not latencies:
        return None
    basis = {
        **build_basis(machine.board),
        "machine": machine.layout.machine,
        "time": model_with_parameters(machine.board.timing, machine.time_base),
    }
    detail = {"runs": len(latencies), "min": latencies[0], "median": latencies[(len(latencies) - 1) // 2]}
    source = f"{machine.engine_text}; board time: {machine.time_base}"
    return Figure("latency", latencies[-1], "s", "modelled", source, basis, detail)


def of_firmware(test: str, outcome: str, firmware: Firmware, board: Board, layout: Layout | None = None) -> Record:
    """The record of a test that only looks at an image."""
    return Record(
        test=test,
        outcome=outcome,
        provenance=Provenance(board.name, "", "", "", firmware.sha256),
        figures=tuple(firmware_figures(firmware, board)),
        app=firmware.app,
        tflm=firmware.tree.version_text if firmware.tree else "",
        model_sha256=firmware.model.sha256 if firmware.model else "",
        contributors={"flash": contributors.flash(firmware), "ram_static": contributors.ram_static(firmware)},
        memory=contributors.memory(firmware, layout),
        unverified=board.unverified,
        notes=(firmware.parsed.relinked,) if firmware.parsed.relinked else (),
    )


def of_machine(
    test: str,
    outcome: str,
    machine: Machine,
    firmware: Firmware,
    *,
    own: Sequence[Figure] = (),
    seed: int | None = None,
    failure: str = "",
) -> Record:
    """The record of a test that has run a machine. `own`: figures that the test itself gave; they win."""
    from dataclasses import replace

    board = machine.board
    base = of_firmware(test, outcome, firmware, board, machine.layout)
    invoke = _invoke(machine)
    figures = list(base.figures)
    shares = dict(base.contributors)
    if invoke is not None:
        figures += measured_figures(invoke, board, machine.layout.machine)
    notes = list(base.notes)
    regions = _regions(machine, invoke)
    for name in ("cycles", "instructions"):
        if len(regions[name]) > 1:
            shares[name] = contributors.largest(regions[name])
    figures += _peaks(machine)
    latency = latency_figure(machine)
    if latency is not None:
        figures.append(latency)
        slowest = [Share(f"decision {d.number}: {d.label or d.index} at {d.time:.3f} s", d.latency)
                   for d in machine.decisions if not math.isnan(d.latency)]  # fmt: skip
        shares["latency"] = contributors.largest(slowest, 3)
    energy = energy_figures(machine, invoke)
    figures += energy.figures
    shares.update(energy.contributors)
    notes += energy.notes
    operators: tuple[Operator, ...] = operators_.of(machine, firmware)
    shares.update(operators_.shares(operators))
    for provider in providers.PROVIDERS:
        extra = provider(machine, firmware)
        figures = _with(figures, extra.figures)
        operators = operators or extra.operators
        shares.update(extra.contributors)
        notes += extra.notes
    engine = machine.engine
    return replace(
        base,
        provenance=Provenance(board.name, engine.name, engine.version(), machine.layout.machine, firmware.sha256, seed),
        figures=tuple(_with(figures, own)),
        board_time=machine.time,
        idle_time=machine.idle_time,
        time_base=machine.time_base,
        failure=failure,
        decisions=tuple(
            Event(d.time, d.label or str(d.index), d.score, None if math.isnan(d.latency) else d.latency)
            for d in machine.decisions
        ),
        stimuli=traces(machine),
        sensors=tuple(str(machine.sensor(slot)) for slot in board.parts if machine.sensor(slot).channel.opened),
        operators=operators,
        contributors=shares,
        unverified=(*board.unverified, *energy.unverified, *_unvalidated(board, invoke)),
        notes=tuple(notes),
    )


def _peaks(machine: Machine) -> list[Figure]:
    """Stack and heap, the most that was used so far, where the machine can tell."""
    use = getattr(machine, "memory", None)
    if use is None:
        return []
    basis = {**build_basis(machine.board), "machine": machine.layout.machine}
    peaks = (("stack", use.stack.peak), ("heap", use.heap.peak if use.heap is not None else None))
    source = f"{machine.engine_text}: painted from outside"
    return [Figure(name, peak, "B", "counted", source, basis) for name, peak in peaks if peak is not None]


def _invoke(machine: Machine) -> Measurement | None:
    """Every run of the inference that was measured: the whole test's if it was watched, else of `measure`."""
    if INVOKE not in machine.elf.functions:
        return None
    kept = machine.region_measured(INVOKE)
    if kept is not None:
        return kept
    given = [m for m in machine.measurements if machine.region_symbol(m.region) == INVOKE]
    return given[-1] if given else None


def _unvalidated(board: Board, invoke: Measurement | None) -> tuple[str, ...]:
    """A timing model that was never held against hardware is a mark on all that rests on it."""
    return ("timing",) if invoke is not None and invoke.cycles is not None and not invoke.validated else ()


def _regions(machine: Machine, invoke: Measurement | None) -> dict[str, list[Share]]:
    """The most that each measured function took."""
    out: dict[str, list[Share]] = {"cycles": [], "instructions": []}
    measured: Iterable[Measurement] = [*machine.measurements, *([invoke] if invoke else [])]
    for m in {machine.region_symbol(m.region): m for m in measured}.values():
        out["instructions"].append(Share(m.region, m.instructions.max))
        if m.cycles is not None:
            out["cycles"].append(Share(m.region, m.cycles.max))
    return out


def _with(figures: Sequence[Figure], more: Sequence[Figure]) -> list[Figure]:
    named = {f.name: f for f in (*figures, *more)}
    return list(named.values())
