"""`boardless run`: an app or an ELF on a virtual board, and what it does, by hand."""

from __future__ import annotations

import argparse
import math
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.debugging import FOR_EVER
from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.durations import PS, picoseconds, shown
from sim.engines.protocol import ENDED_BY_DEBUGGER
from sim.errors import FirmwareFailure, UsageError

if TYPE_CHECKING:
    from sim.decision import Decision
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.sensors.recording import Recording
    from sim.target import Target

_STEP = "100 ms"  # of board time between two looks at what there is to show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="APP|ELF", help="app (name or folder), or a finished ELF")
    add_target_arguments(parser)
    parser.add_argument("--model", type=Path, metavar="M.tflite", help="model of the app (default: its own)")
    parser.add_argument("--play", metavar="FILE", help="recording to play: a file, or the name of a shipped one")
    parser.add_argument("--sensor", metavar="SLOT", help="where to play it (default: the sensor that it fits)")
    parser.add_argument("--for", dest="duration", metavar="TIME", help="board time to run (default: to the "
                        "end of the recording, else 5 s)")  # fmt: skip
    parser.add_argument(
        "--check-stack", action="store_true", help="end at the first store that leaves the stack (slow)"
    )
    parser.add_argument("--record", type=Path, metavar="FILE.blrec", help="save a recording of the run (docs/field.md)")
    parser.add_argument("--gdb", action="store_true", help="wait for a debugger, and run as it says (until Ctrl-C)")
    parser.add_argument("--load", metavar="ADDRESS", help="the image is a bare dump of flash that lies there")
    parser.add_argument("--quiet", "-q", action="store_true", help="no console lines")
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.report import json_out
    from sim.sensors.find import find_recording
    from sim.sensors.recording import Recording
    from sim.target import Target

    target = Target.of(settings_of(args))
    check_outputs(args.json, args.record)
    recording = Recording.load(find_recording(args.play)) if args.play else None
    duration = picoseconds(args.duration) if args.duration else None
    firmware = firmware_of(args.what, args.model, target, args.load)
    failure: FirmwareFailure | None = None
    show = not args.quiet and args.json != "-"
    with _started(args, target, firmware) as machine:
        try:
            if args.record:
                machine.record()
            machine.run_until_ready()
            if recording is not None:
                slot = args.sensor or fitting(machine, recording)
                machine.sensor(slot).play(recording)
            if args.gdb and duration is None and recording is None:
                duration = FOR_EVER
            _run(machine, duration, recording is not None, show=show)
            if machine.port.exit_code:
                raise FirmwareFailure(f"the firmware ended its run with code {machine.port.exit_code} (bl_exit)")
        except FirmwareFailure as error:
            failure = error if error.reason != ENDED_BY_DEBUGGER else None
        if args.record:
            machine.save_recording(args.record, firmware=firmware)
        result, deadlines = _result(machine, firmware, target, failure), machine.deadlines
    if args.json:
        json_out.write("run", result, args.json)
    if failure is not None:
        raise failure
    if args.json != "-":
        for sensor in result["sensors"]:
            print(sensor)
        for stream in deadlines.values():
            print(stream)
        print(f"{len(result['decisions'])} decisions in {result['board_time']:.3f} s of board time")
    return 0


def _started(args: argparse.Namespace, target: Target, firmware: Firmware) -> AbstractContextManager[Machine]:
    if not args.gdb:
        return target.started(firmware.elf, check_stack=args.check_stack)
    from sim.cli.debugging import with_debugger

    return with_debugger(target, firmware, check_stack=args.check_stack, quiet=args.json == "-")


def firmware_of(what: str, model: Path | None, target: Target, load: str | None = None) -> Firmware:
    """The firmware that a word on the command line means. Raises UsageError."""
    from sim.firmware import Firmware

    path = Path(what)
    if load is not None:
        if model is not None:
            raise UsageError(f"{what} is a finished image: a model cannot be put into it", hint="leave out --model")
        try:
            return Firmware.from_binary(path, int(load, 0), board=target.board)
        except ValueError:
            raise UsageError(f"--load {load}: no address", hint="--load 0x08000000") from None
    if path.is_file():
        if path.suffix == ".bin":
            raise UsageError(f"{what}: a bare dump does not say where it lies", hint="--load ADDRESS")
        if model is not None:
            raise UsageError(f"{what} is a finished image: a model cannot be put into it", hint="leave out --model")
        return Firmware.from_elf(path, board=target.board)
    if path.suffix == ".elf":
        raise UsageError(f"{what}: no such file")
    return target.build(path if path.is_dir() else what, model, progress=progress)


def fitting(machine: Machine, recording: Recording) -> str:
    """The sensor that a recording is for. Raises UsageError where there is none."""
    from sim.sensors.track import match

    reasons = []
    for slot in machine.board.parts:
        try:
            match(recording, machine.sensor(slot).channel.part)
            return slot
        except UsageError as error:
            reasons.append(error.message)
    raise UsageError(
        f"no sensor of {machine.board.name} takes {recording.name}: " + ("; ".join(reasons) or "it has none")
    )


def _run(machine: Machine, duration_ps: int | None, playing: bool, *, show: bool) -> None:
    end = None if duration_ps is None and playing else machine.time_ps + (duration_ps or 5 * PS)
    news = _News(machine) if show else None
    try:
        while True:
            left = picoseconds(_STEP) if end is None else min(picoseconds(_STEP), end - machine.time_ps)
            try:
                machine.run(left / PS)
            except FirmwareFailure:
                if machine.port.exit_code is None:
                    raise
            if news:
                news.show()
            over = end is None and not any(machine.sensor(s).channel.pending() for s in machine.board.parts)
            if over or machine.port.exit_code is not None or (end is not None and machine.time_ps >= end):
                return
    finally:
        if news:
            news.show(last=True)


class _News:
    """Prints what came since the last look, in the order of board time."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._lines = self._decisions = 0

    def show(self, *, last: bool = False) -> None:
        """A line without its end waits for it, unless this is the last look."""
        lines = [line for line in self._machine.console.lines if line.complete or last]
        decisions = self._machine.decisions
        news = [(line.time_ps, str(line)) for line in lines[self._lines :]]
        news += [_decided(d) for d in decisions[self._decisions :]]
        self._lines, self._decisions = len(lines), len(decisions)
        for _, text in sorted(news):
            print(text, flush=True)


def _decided(decision: Decision) -> tuple[int, str]:
    time_ps = round(decision.time * PS)
    return time_ps, f"[{shown(time_ps)}] decided {decision.described}"


def _as_json(d: Decision) -> dict[str, Any]:
    latency = None if math.isnan(d.latency) else d.latency
    return {
        "label": d.label,
        "index": d.index,
        "score": d.score,
        "time": d.time,
        "latency": latency,
        "samples": dict(d.samples),
    }


def _result(machine: Machine, firmware: Firmware, target: Target, failure: FirmwareFailure | None) -> dict[str, Any]:
    described = dict(target.described()) if firmware.tree is not None else dict(target.described_without_tree())
    return {
        **described,
        "engine": {
            "name": target.engine.name,
            "version": target.engine.version(),
            "machine": machine.layout.machine,
        },
        "firmware_sha256": firmware.sha256,
        **({"relinked": machine.elf.relinked} if machine.elf.relinked else {}),
        "outcome": "passed" if failure is None else "failed",
        "failure": None if failure is None else {"reason": failure.reason, "report": failure.report},
        "board_time": machine.time,
        "time_base": machine.time_base,
        "instructions": machine.instructions,
        "console": [{"time": line.time_ps / PS, "text": line.text} for line in machine.console.log.lines],
        "decisions": [_as_json(d) for d in machine.decisions],
        "sensors": [str(machine.sensor(slot)) for slot in machine.board.parts if machine.sensor(slot).channel.opened],
        "deadlines": [stream.as_json() for stream in machine.deadlines.values()],
        "exit_code": machine.port.exit_code,
    }  # fmt: skip
