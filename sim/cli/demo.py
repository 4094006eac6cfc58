"""`boardless demo`: a real gesture model on real recordings, on a virtual board."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.clock import CYCLE_MODEL
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.sensors.recording import Recording
    from sim.target import Target

_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument("--json", metavar="FILE", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.paths import data_root
    from sim.report import json_out
    from sim.target import Target

    target = Target.of(settings_of(args))
    board = target.board
    if "imu" not in board.parts:
        raise UsageError(f"board {board.name} has no motion sensor (imu)", hint="boardless boards shows which have one")
    check_outputs(args.json)
    show = _shown if args.json != "-" else _hidden
    show(f"Building the app `gesture` for {board.title} ({board.core}, {board.clock_hz / 1e6:g} MHz) …")
    firmware = target.build("gesture", progress=progress)
    show(
        f"  {firmware.elf.name}: flash {firmware.flash:,} of {board.flash.size:,} bytes, "
        f"static RAM {firmware.ram_static:,}, arena {firmware.arena_reserved:,}"
    )
    show(f"Playing smart-watch recordings to its {board.parts['imu']} on {target.engine.name} "
         f"{target.engine.version()} ({target.layout.machine}):\n")  # fmt: skip
    show(f"  {'recording':<14} {'acceleration over 10 s of board time':<{_WIDTH}}  the firmware decides")
    results = []
    for path in sorted((data_root() / "models/gesture/recordings").glob("*.csv")):
        result, picture = _played(path, firmware, target)
        results.append(result)
        mark, share = "✓" if result["right"] else "✗", result["share"]
        show(f"  {path.stem:<14} {picture}  {mark} {result['decided']} ({share:.0%} of its decisions)")
    right, last = sum(r["right"] for r in results), results[-1]
    show(
        f"\n{right} of {len(results)} right. One inference: {last['instructions']:,} instructions; a decision comes at "
        f"most {max(r['latency'] for r in results) * 1000:.2f} ms after its last sample\n"
        f"({CYCLE_MODEL}: no timing model yet)."
    )
    if args.json:
        data = {**target.described(), "firmware_sha256": firmware.sha256, "cycle_model": CYCLE_MODEL}
        json_out.write("demo", {**data, "right": right, "recordings": results}, args.json)
    return 0 if right == len(results) else 1


def _played(path: Path, firmware: Firmware, target: Target) -> tuple[dict[str, Any], str]:
    """What the firmware made of one recording, and the recording as a line of bars."""
    from sim.sensors.recording import Recording

    recording = Recording.load(path)
    with target.boot(firmware.elf) as machine:
        machine.imu.play(recording)
        use = machine.measure("invoke", runs=3)
        machine.run_to_end()
        verdict, share = _verdict(machine)
        latency = max(d.latency for d in machine.decisions)
    expected = path.stem.rsplit("_", 1)[0]
    result = {
        "name": path.stem,
        "expected": expected,
        "decided": verdict,
        "share": share,
        "right": verdict == expected,
        "latency": latency,
        "instructions": use.instructions.median,
    }
    return result, _sparkline(recording)


def _shown(text: str) -> None:
    print(text, flush=True)


def _hidden(text: str) -> None:
    """Standard output is the result's."""


def _verdict(machine: Machine) -> tuple[str, float]:
    counts = Counter(d.label for d in machine.decisions)
    label, most = counts.most_common(1)[0]
    return label, most / counts.total()


def _sparkline(recording: Recording) -> str:
    import numpy as np

    size = np.linalg.norm(recording.values[:, :3], axis=1)
    pieces = [float(p.max()) for p in np.array_split(size, _WIDTH)]
    full = 40.0  # m/s^2: the same scale for all, so that they can be compared
    return "".join(_BARS[min(len(_BARS) - 1, round(p / full * (len(_BARS) - 1)))] for p in pieces)
