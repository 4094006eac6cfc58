"""The energy figures of a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.clock import model_with_parameters
from sim.energy.estimate import Estimate, of_machine
from sim.report.figure import Figure
from sim.report.record import Share

if TYPE_CHECKING:
    from sim.machine import Machine, Measurement


@dataclass(frozen=True)
class EnergyFigures:
    """What a machine's run gives; nothing but a note where the board has no currents."""

    figures: tuple[Figure, ...] = ()
    contributors: dict[str, tuple[Share, ...]] = field(default_factory=dict)
    unverified: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def energy_figures(machine: Machine, invoke: Measurement | None) -> EnergyFigures:
    """Energy of one inference from its cycles, and per decision from the whole run."""
    board = machine.board
    if board.power is None:
        return EnergyFigures(notes=(f"no energy: {board.name} has no [power] in its board.toml",))
    figures: list[Figure] = []
    shares: dict[str, tuple[Share, ...]] = {}
    notes: list[str] = []
    basis = {
        "core": board.core,
        "clock": f"{board.clock_hz} Hz",
        "power": board.power.described,
        "machine": machine.layout.machine,
    }
    if invoke is not None and invoke.cycles is not None:
        joules = board.power.volts * board.power.active_ma / 1e3 * invoke.cycles.max / board.clock_hz
        source = f"{invoke.model}; {board.power.described}"
        figures.append(
            Figure(
                "energy",
                joules,
                "J",
                "estimated",
                source,
                {**basis, "model": model_with_parameters(board.timing, invoke.model)},
            )
        )
    if machine.decisions and not machine.has_own_time:
        run = of_machine(machine)
        parts = ", ".join(c.name for c in run.consumers[2:])
        source = f"{machine.time_base}; {board.power.described}" + (f"; {parts}" if parts else "")
        figures.append(
            Figure("energy_per_decision", run.joules_each, "J", "estimated", source,
                   {**basis, "time": model_with_parameters(board.timing, machine.time_base), "parts": _parts(run)})
        )  # fmt: skip
        each = [Share(c.name, c.joules(run.volts) / run.times) for c in run.consumers]
        shares["energy_per_decision"] = tuple(sorted(each, key=lambda s: -s.value))
    elif machine.decisions:
        notes.append("no energy per decision: the image reads timers or takes interrupts, so waiting is not counted")
    return EnergyFigures(tuple(figures), shares, board.power.unverified, tuple(notes))


def _parts(run: Estimate) -> str:
    return ", ".join(f"{c.name} {c.amperes * 1e3:g} mA" for c in run.consumers[2:]) or "none"
