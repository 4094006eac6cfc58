"""`boardless compare-engines`: the same app, model and stimulus on two engines, event by event."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import add_target_arguments, check_outputs, settings_of
from sim.durations import PS
from sim.errors import SetupError, UsageError

if TYPE_CHECKING:
    from sim.field.engines import Compared
    from sim.field.events import Event
    from sim.machine import Machine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", help="app (name or folder)")
    add_target_arguments(parser)
    parser.add_argument("--with", dest="other", default="renode", metavar="ENGINE",
                        help="the other engine (default: renode)")  # fmt: skip
    parser.add_argument("--model", type=Path, metavar="M.tflite", help="model of the app (default: its own)")
    parser.add_argument("--play", metavar="FILE", help="recording to play: a file, or the name of a shipped one")
    parser.add_argument("--sensor", metavar="SLOT", help="where to play it (default: the sensor that it fits)")
    parser.add_argument(
        "--for", dest="duration", default="5 s", metavar="TIME", help="board time to run (default: 5 s)"
    )
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.cli.run import firmware_of, fitting
    from sim.durations import picoseconds
    from sim.field.engines import Side, compare
    from sim.report import json_out
    from sim.sensors.find import find_recording
    from sim.sensors.recording import Recording
    from sim.target import Target

    check_outputs(args.json)
    picoseconds(args.duration)
    recording = Recording.load(find_recording(args.play)) if args.play else None

    def start(machine: Machine) -> None:
        if recording is not None:
            machine.sensor(args.sensor or fitting(machine, recording)).play(recording)

    settings = settings_of(args)
    targets = [Target.of(replace(settings, engine=engine)) for engine in (settings.engine, args.other)]
    for target in targets:
        missing = getattr(target.engine, "missing", str)()
        if missing:
            raise SetupError(f"no engine {target.engine.name} here: {missing}")
    sides = []
    for target in targets:
        firmware = firmware_of(args.app, args.model, target)
        if firmware.layout is None:
            raise UsageError(f"{args.app}: a finished image is linked for one engine", hint="compare an app")
        sides.append(Side(target, firmware.elf, start))
    result = compare(sides[0], sides[1], args.duration)
    if args.json:
        json_out.write("compare-engines", _as_json(result), args.json)
    if args.json != "-":
        print("\n".join(result.lines()))
    return 0 if result.index is None else 1


def _as_json(result: Compared) -> dict[str, Any]:
    common = result.last_common
    return {
        "same": result.index is None,
        "same_decisions": result.same_decisions,
        "decision_hash": list(result.decision_hashes),
        "engines": [dict(r.engine) for r in (result.first, result.second)],
        "events": [len(r.events) for r in (result.first, result.second)],
        "difference": None
        if result.index is None
        else {
            "event": result.index,
            "last_common": None if common is None else [_event(e) for e in common],
            "was": [None if e is None else _event(e) for e in result.different],
            "states": list(result.states),
        },
    }


def _event(event: Event) -> dict[str, Any]:
    return {"time": event.time_ps / PS, "what": event.what, "detail": event.detail}
