"""`boardless demo`: a real gesture model on real recordings, on a virtual board."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from sim.cli.options import add_target_arguments, settings_of

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.sensors.recording import Recording

_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from sim.paths import data_root
    from sim.sensors.recording import Recording
    from sim.target import Target

    target = Target.of(settings_of(args))
    board = target.board
    print(f"Building the app `gesture` for {board.title} ({board.core}, {board.clock_hz / 1e6:g} MHz) …", flush=True)
    firmware = target.build("gesture")
    print(
        f"  {firmware.elf.name}: flash {firmware.flash:,} of {board.flash.size:,} bytes, "
        f"static RAM {firmware.ram_static:,}, arena {firmware.arena_reserved:,}"
    )
    print(f"Playing smart-watch recordings to its {board.parts['imu']} on {target.engine.name} "
          f"{target.engine.version()} ({target.layout.machine}):\n")  # fmt: skip
    print(f"  {'recording':<14} {'acceleration over 10 s of board time':<{_WIDTH}}  the firmware decides")
    right = total = 0
    for path in sorted((data_root() / "models/gesture/recordings").glob("*.csv")):
        recording = Recording.load(path)
        with target.boot(firmware.elf) as machine:
            machine.imu.play(recording)
            use = machine.measure("invoke", runs=3)
            machine.run_to_end()
            verdict, share = _verdict(machine)
            latency = max(d.latency for d in machine.decisions)
        total += 1
        right += verdict == path.stem.rsplit("_", 1)[0]
        mark = "✓" if verdict == path.stem.rsplit("_", 1)[0] else "✗"
        print(f"  {path.stem:<14} {_sparkline(recording)}  {mark} {verdict} ({share:.0%} of its decisions)", flush=True)
    print(
        f"\n{right} of {total} right. One inference: {use.instructions.median:,} instructions; a decision comes at "
        f"most {latency * 1000:.2f} ms after its last sample\n({use.model}: no timing model yet)."
    )
    return 0 if right == total else 1


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
