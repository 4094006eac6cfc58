"""A board that takes one fault after another, each on clean ground."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import FirmwareFailure, UsageError
from sim.faults.shot import Outcome, Shot
from sim.machine.failing import NotSeen
from sim.machine.start import ENDINGS

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.sensors.recording import Recording
    from sim.target import Target


@dataclass(frozen=True)
class Clean:
    """The clean run: decisions, and RAM and registers behind each."""

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    ram: tuple[bytes, ...]
    registers: tuple[Mapping[str, int], ...]
    patience: float  # s of board time


class Gun:
    """One running board, and the next window that a fault can have."""

    def __init__(self, target: Target, elf: Path, sensor: str, stimulus: Recording) -> None:
        self._target, self._elf, self._sensor, self._stimulus = target, elf, sensor, stimulus
        self._machine: Machine | None = None
        self.window = 0

    def boot(self) -> Machine:
        """A fresh board, behind its first decision."""
        self.close()
        machine = self._machine = self._target.started(self._elf)
        machine.run_until_ready()
        machine.sensor(self._sensor).play(self._stimulus)
        machine.wait_for_decision(within="60 s")
        self.window = 1
        return machine

    def clean(self) -> Clean:
        """Play all of it without a fault."""
        machine = self.boot()
        if not machine.sensor(self._sensor).channel.opened:
            raise UsageError(f"{self._elf.name} does not read {self._sensor!r}: {self._stimulus.name} is never played",
                             hint="a recording for a sensor that it reads: --play, --sensor")  # fmt: skip
        ram, registers, times = [_ram(machine)], [machine.registers()], [0.0]
        while machine.sensor(self._sensor).channel.pending():
            before = machine.time
            with suppress(NotSeen):
                machine.wait_for_decision(within="10 s")
                ram.append(_ram(machine))
                registers.append(machine.registers())
                times.append(machine.time - before)
                continue
            break
        labels = [d.label for d in machine.decisions]
        if len(labels) < 3:
            raise UsageError(f"{self._stimulus.name}: {len(labels)} decisions, too few for a campaign",
                             hint="a longer recording: --play")  # fmt: skip
        # The last ones may come from behind the end of the recording.
        scores = tuple(d.score for d in machine.decisions[:-1])
        return Clean(tuple(labels[:-1]), scores, tuple(ram[:-1]), tuple(registers[:-1]), max(times) + 1.0)

    def fire(self, shot: Shot, clean: Clean, part: str) -> Outcome:
        """Flip, wait for the decision, put back."""
        machine = self._machine
        if machine is None or self.window >= len(clean.labels):
            machine = self.boot()
        window, self.window = self.window, self.window + 1
        expected = clean.labels[window]
        _flip(machine, shot)
        try:
            decision = machine.wait_for_decision(within=clean.patience)
        except NotSeen as failure:
            self.close()
            return Outcome(shot, "hang", window, expected, "", part, failure.reason)
        except FirmwareFailure as failure:
            self.close()
            return Outcome(shot, _class_of(failure.reason), window, expected, "", part, failure.reason)
        same = machine.registers() == clean.registers[window]
        machine.runner.memory.write_ram(machine.layout.ram.origin, clean.ram[window])
        _unflip_flash(machine, shot)
        if not same or len(machine.decisions) != window + 1:
            self.close()
        decided, moved = decision.label, abs(decision.score - clean.scores[window])
        kind = "masked" if decided == expected else "wrong decision"
        return Outcome(shot, kind, window, expected, decided, part, "", moved)

    def close(self) -> None:
        """End the board, if one runs."""
        if self._machine is not None:
            self._machine.close()
            self._machine = None


def _ram(machine: Machine) -> bytes:
    return machine.read(machine.layout.ram.origin, machine.layout.ram.size)


def _flip(machine: Machine, shot: Shot) -> None:
    for address, bit in shot.bits:
        machine.faults.hit(address, bit, shot.place)


def _unflip_flash(machine: Machine, shot: Shot) -> None:
    ram = machine.layout.ram
    for address, bit in shot.bits:
        if not ram.origin <= address < ram.end:
            machine.faults.hit(address, bit, shot.place)


def _class_of(reason: str) -> str:
    """ "detected": the firmware itself noticed; "hang": it goes nowhere; else a fault."""
    if any(reason.startswith(text) for text in ENDINGS.values()) or "gave up" in reason or "ended its run" in reason:
        return "detected"
    return "hang" if "sleeps" in reason or "halted" in reason or "endless loop" in reason else "fault"
