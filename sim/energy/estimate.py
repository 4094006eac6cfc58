"""Joules: each consumer's current, its time, and the supply. An estimate: no more exact than the currents are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.errors import UsageError
from sim.report.quantity import shown

if TYPE_CHECKING:
    from sim.boards import Board
    from sim.energy.cells import Cell
    from sim.energy.power import Power
    from sim.machine import Machine
    from sim.sensors.parts.base import Part


@dataclass(frozen=True)
class Consumer:
    """Something that takes `amperes` for `seconds`, at the board's supply."""

    name: str
    amperes: float
    seconds: float

    def joules(self, volts: float) -> float:
        return volts * self.amperes * self.seconds


@dataclass(frozen=True)
class Input:
    """What went into an estimate. `kind` and `source`: as for the figures of a board; `counted` for times."""

    name: str
    value: float
    unit: str
    kind: str
    source: str

    def __str__(self) -> str:
        return f"{self.name}: {shown(self.value, self.unit)} ({self.kind}: {self.source})"


@dataclass(frozen=True)
class Estimate:
    """Energy over `seconds` of board time; `times` is how many inferences or decisions that was for."""

    volts: float
    seconds: float
    consumers: tuple[Consumer, ...]
    inputs: tuple[Input, ...]
    times: int = 1

    @property
    def joules(self) -> float:
        """All together."""
        return sum(c.joules(self.volts) for c in self.consumers)

    @property
    def joules_each(self) -> float:
        """Of one inference or decision."""
        return self.joules / self.times

    @property
    def amperes(self) -> float:
        """Mean current at the supply."""
        return self.joules / self.volts / self.seconds if self.seconds else 0.0

    @property
    def unverified(self) -> tuple[str, ...]:
        """Names of the inputs that nobody looked up."""
        return tuple(i.name for i in self.inputs if i.kind == "unverified")

    def battery_life(self, cell: Cell, *, usable: float = 1.0, efficiency: float | None = None) -> float:
        """Seconds on that cell, if all goes on like this.

        `efficiency` of a switching converter (0.85); None: a linear regulator or none, where the cell gives the same
        current as the board takes. Raises UsageError.
        """
        amperes = self.amperes
        if efficiency is not None:
            if not 0 < efficiency <= 1:
                raise UsageError(f"efficiency = {efficiency}", hint="above 0, at most 1")
            amperes = self.amperes * self.volts / (cell.volts * efficiency)
        elif cell.volts < self.volts:
            raise UsageError(
                f"{cell.name} has {cell.volts:g} V, the board's currents are for {self.volts:g} V",
                hint="give the efficiency of the converter between them: efficiency=0.85",
            )
        return cell.life(amperes, usable=usable)

    def __str__(self) -> str:
        lines = [f"{shown(self.joules_each, 'J')} each, mean current {shown(self.amperes, 'A')} at {self.volts:g} V"]
        for c in sorted(self.consumers, key=lambda c: -c.amperes * c.seconds):
            part = f"{c.joules(self.volts) / self.joules * 100:5.1f} %" if self.joules else ""
            lines.append(f"  {part}  {c.name}: {shown(c.amperes, 'A')} for {shown(c.seconds, 's')}")
        lines += ["inputs:", *(f"  {i}" for i in self.inputs)]
        return "\n".join(lines)


def power_of(board: Board) -> Power:
    """The currents of a board. Raises UsageError where its file has none."""
    if board.power is None:
        raise UsageError(
            f"{board.name}: its board.toml has no [power], so its energy cannot be estimated",
            hint="docs/energy.md shows the table",
        )
    return board.power


def duty(board: Board, cycles: float, every: float, *, parts: Sequence[Part] = (), model: str = "") -> Estimate:
    """One inference of `cycles` every `every` seconds, asleep in between, those sensor parts on all the time.

    Raises UsageError when an inference takes longer than that.
    """
    power, busy = power_of(board), cycles / board.clock_hz
    if busy > every:
        raise UsageError(
            f"an inference takes {shown(busy, 's')} on {board.name}, so there cannot be one every {shown(every, 's')}",
            hint="a longer period, a smaller model or a faster board",
        )
    times = [
        Input("cycles of one inference", cycles, "cycles", "modelled", model or "given"),
        Input("period", every, "s", "chosen", "given"),
    ]
    return _estimate(board, power, busy, every - busy, [(part, every) for part in parts], times, 1)


def of_machine(machine: Machine) -> Estimate:
    """All that a machine has done so far, per decision (per run where it made none). Raises UsageError."""
    board, power = machine.board, power_of(machine.board)
    channels = [machine.sensor(slot).channel for slot in board.parts]
    on = [(c.part, machine.time - c.opened_ps / 1e12) for c in channels if c.opened]
    times = [
        Input("busy", machine.time - machine.idle_time, "s", "counted", machine.time_base),
        Input("waiting", machine.idle_time, "s", "counted", "board time until the next sample is there"),
    ]
    decisions = max(1, len(machine.decisions))
    return _estimate(board, power, machine.time - machine.idle_time, machine.idle_time, on, times, decisions)


def _estimate(
    board: Board,
    power: Power,
    busy: float,
    idle: float,
    parts: Sequence[tuple[Part, float]],
    times: Sequence[Input],
    count: int,
) -> Estimate:
    said = power.sources
    inputs = [
        *times,
        Input("core clock", board.clock_hz, "", board.sources["clock.hz"].kind, board.sources["clock.hz"].text),
        Input("supply (V)", power.volts, "", said["power.volts"].kind, said["power.volts"].text),
        Input("active current", power.active_ma / 1e3, "A",
              said["power.active_ma"].kind, said["power.active_ma"].text),
        Input(f"current asleep ({power.sleep_mode})", power.sleep_ma / 1e3, "A",
              said["power.sleep_ma"].kind, said["power.sleep_ma"].text),
    ]  # fmt: skip
    consumers = [
        Consumer("core, busy", power.active_ma / 1e3, busy),
        Consumer("core, asleep", power.sleep_ma / 1e3, idle),
    ]
    for part, seconds in parts:
        current = getattr(part, "current_ma", None)
        if current is None:
            inputs.append(Input(f"{part.name}, on", 0.0, "A", "unverified", "its part file has no current"))
            continue
        source = part.sources["current_ma"]
        consumers.append(Consumer(f"{part.name}, on", current / 1e3, seconds))
        inputs.append(Input(f"{part.name}, on", current / 1e3, "A", source.kind, source.text))
    return Estimate(power.volts, busy + idle, tuple(consumers), tuple(inputs), count)
