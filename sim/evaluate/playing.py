"""Plays the recordings of a unit on a virtual board and reads the decisions back."""

from __future__ import annotations

import math
import warnings
from contextlib import suppress

from sim.engines import find_engine
from sim.errors import FirmwareFailure, SetupError
from sim.evaluate.labelled import Playable
from sim.evaluate.unit import Place, Played, Seen, Unit
from sim.machine import Machine, NotSeen
from sim.target import Target

RESTART = "boardless_restart"  # in images that can start again without a reset
_COME_BACK = "2 s"  # of board time, for an app to end its run and be ready again


def run_unit(place: Place, unit: Unit) -> list[Played]:
    """Every recording from the same state: just started. Raises SetupError where the engine is another."""
    target = Target(place.settings, place.board, find_engine(place.settings), place.layout)
    if target.engine.version() != place.engine_version:
        raise SetupError(
            f"this machine has {target.engine.name} {target.engine.version()}, the others {place.engine_version}",
            hint="figures of unlike engines are never mixed: install the same version everywhere",
        )
    played: list[Played] = []
    machine: Machine | None = None
    restart = place.restart
    try:
        for stimulus in unit.stimuli:
            if machine is None:
                machine = target.started(place.elf)
            found, back = _played(machine, place, stimulus, restart)
            played.append(found)
            restart = restart and (back or bool(found.failure))  # it does not come back by itself: a boot for each
            if not back:
                machine.close()
                machine = None
        return played
    finally:
        if machine is not None:
            machine.close()


def _finished(machine: Machine, restart: bool) -> bool:
    """Let the firmware finish what it is at, and start again. False where it does not, or is not meant to.

    One that reads on although there is nothing more will not finish: `stimulus_ended` is set anew.
    """
    port = machine.port
    port.stimulus_ended, port.again = False, restart
    if restart:
        for slot in machine.board.parts:
            machine.sensor(slot).channel.opened = False  # what is played next waits for the firmware to open it
    try:
        machine.run_until(
            lambda: port.exit_code is not None or port.stimulus_ended or (restart and port.ready and not port.again),
            _COME_BACK,
            "the end of the firmware's run",
        )
    except FirmwareFailure:
        return False
    return restart and not port.again and not port.stimulus_ended


def _played(machine: Machine, place: Place, stimulus: Playable, restart: bool) -> tuple[Played, bool]:
    """One recording, and whether the machine is ready for the next one."""
    before, failure = len(machine.decisions), ""
    sensor = machine.sensor(place.slot)
    machine.port.ends_with_stimulus = True
    try:
        machine.run_until_ready()
        # An app that does not ask for more at the end has said what it had to say.
        with suppress(NotSeen), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of saturation: it is counted
            sensor.play(stimulus)
            machine.run_until(
                lambda: machine.port.stimulus_ended or machine.port.exit_code is not None,
                stimulus.duration + place.tail_ps / 1e12,
                "the stimulus to be taken",
            )
    except FirmwareFailure as error:
        failure = error.reason
    channel = sensor.channel
    said = channel.statistics()
    began_ps = channel.played[-1][0] if channel.played else 0
    first = channel.taken(began_ps)
    total = said.total or 0
    back = not failure and _finished(machine, restart)
    decisions = []
    for d in machine.decisions[before:]:
        taken = d.samples.get(place.slot, 0) - first
        if taken <= total:  # what came after the end is no part of the recording
            latency = None if math.isnan(d.latency) else round(d.latency * 1e9)
            at = round(d.time * 1e9) - began_ps // 1000
            decisions.append(Seen(d.label, d.index, d.score, at, latency, taken))
    return Played(tuple(decisions), total, said.overrun, said.saturated, failure), back
