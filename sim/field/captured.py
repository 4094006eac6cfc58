"""What stands in a recording beside the events: the board, the build, stimuli, dropouts, remarks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sim.clock import STILL
from sim.errors import FirmwareFailure
from sim.field.recorded import StimulusRecord

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine.runner import Runner
    from sim.sensors.channel import SensorChannel


def by_looking(failure: FirmwareFailure) -> bool:
    """Whether it was noticed by looking at a core that loops, so that its time says nothing."""
    return failure.reason.startswith("the firmware has halted")


def signature(reason: str) -> str:
    """The kind of a failure and the function where it happened, without addresses, offsets and lines."""
    text = re.sub(r"\+0x[0-9a-f]+ \(0x[0-9a-f]+\)", "", reason)
    text = re.sub(r" at [\w.+-]+:\d+", "", text)
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    return re.sub(r"\d+(\.\d+)?", "#", text)


def board_text(run: Runner) -> dict[str, Any]:
    """Name of the board, and a hash over what a run depends on."""
    b = run.board
    timing = {k: p.value for k, p in b.timing.parameters.items()} if b.timing else None
    whole = json.dumps([b.core, b.fpu, b.mve, b.clock_hz, b.flash.size, b.ram.size, sorted(b.parts.items()), timing])
    return {"name": b.name, "clock_hz": b.clock_hz, "figures": hashlib.sha256(whole.encode()).hexdigest()[:16]}


def build(firmware: Firmware | None) -> dict[str, Any]:
    if firmware is None or firmware.tree is None:
        return {}
    return {
        "app": firmware.app,
        "model": firmware.model.name if firmware.model else "",
        "model_sha256": firmware.model.sha256 if firmware.model else "",
        "tree": firmware.tree.version_text,
        "kernels": firmware.kernels,
        "compiler": firmware.compiler,
        "arena": firmware.arena_reserved,
    }


def dropouts(sensors: Mapping[str, SensorChannel]) -> list[dict[str, Any]]:
    """However they were asked for."""
    return [
        {"kind": "dropout", "sensor": slot, "time_ps": d.start_ps, "end_ps": d.end_ps, "how": d.kind}
        for slot, channel in sorted(sensors.items())
        for d in channel.dropouts
    ]


def stimuli(sensors: Mapping[str, SensorChannel]) -> tuple[StimulusRecord, ...]:
    from sim.sensors.recording import Recording

    out = []
    for slot, channel in sorted(sensors.items()):
        for began, stimulus in channel.played:
            if isinstance(stimulus, Recording) and stimulus.rate is not None and stimulus.values.nbytes <= 16 << 20:
                values = stimulus.values.astype("<f8").tobytes()
                out.append(StimulusRecord(slot, began, stimulus.name, stimulus.channels, stimulus.units,
                                          float(stimulus.rate), values))  # fmt: skip
    return tuple(replace(s, began_ps=max(0, s.began_ps)) for s in out)


def remarks(run: Runner) -> list[str]:
    out = []
    if run.on_call:
        out.append(f"Python was called at {', '.join(sorted(run.on_call))}: what it did is not repeated")
    if run.has_own_time:
        out.append(f"the image reads timers or takes interrupts: {STILL}")
    return out
