"""What it costs to call and to replace a function: python benchmarks/functions.py [--qemu PATH]... [--save]

Times of a loaded machine are longer; the bar is 1 ms for a replaced call on QEMU 7.2, the Python function included.
--save writes benchmarks/results/functions.json and functions.md. Exit code 1: the bar was missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "engine")]

import numpy as np  # noqa: E402
from bare import board_with, compiled  # noqa: E402
from native import STM32, native_elf  # noqa: E402

from sim.boards import Board  # noqa: E402
from sim.elf import Elf, load_elf  # noqa: E402
from sim.engines import find_engine  # noqa: E402
from sim.engines.protocol import Engine  # noqa: E402
from sim.machine import Machine  # noqa: E402
from sim.settings import Settings  # noqa: E402

CALLS = 1000
BAR_US = 1000.0


def microseconds(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "median": round(statistics.median(ordered) * 1e6, 1),
        "p99": round(ordered[len(ordered) * 99 // 100] * 1e6, 1),
    }


def between(machine: Machine, function: str, replacement: Callable[[object], object]) -> dict[str, float]:
    """From one call of a replaced function to the next, the firmware's few instructions in between included."""
    stamps: list[float] = []

    def timed(call: object) -> object:
        stamps.append(time.perf_counter())
        return replacement(call)

    with machine.intercept(function, timed):
        while len(stamps) <= CALLS:
            machine.run("1 ms")
    return microseconds([b - a for a, b in itertools.pairwise(stamps)][:CALLS])


def called(machine: Machine, *arguments: object) -> dict[str, float]:
    times = []
    for _ in range(CALLS // 4):
        start = time.perf_counter()
        machine.call(*arguments)  # type: ignore[arg-type]
        times.append(time.perf_counter() - start)
    return microseconds(times)


def measured(engine: Engine, elf: Elf, board: Board) -> dict[str, object]:
    with Machine.started(elf, board, engine) as machine:
        machine.run_to("main")
        return {
            "engine": machine.engine_text,
            "replaced, gives an integer": between(machine, "imu_read", lambda call: 5),
            "replaced, reads an argument by its type": between(machine, "imu_read", lambda c: c.arguments[0]),
            "called, four numbers": called(machine, "add4", 1, 2, 3, 4),
            "called, an array of 128 bytes": called(machine, "negate", np.zeros(64, dtype=np.int16), 64),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qemu", action="append", metavar="PATH", help="qemu-system-arm to measure (default: of PATH)")
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        twin = compiled(Path(folder), "cortex-m4", ["functions.c"], name="twin")
        images = [(native_elf(Path(folder)), Board.load(STM32)), (twin, board_with("cortex-m4"))]
        for qemu in args.qemu or [""]:
            engine = find_engine(replace(Settings.load(), engine="qemu", qemu=qemu))
            rows += [measured(engine, load_elf(path), board) for path, board in images]
    lines = ["| µs of host time, median / 99 % | " + " | ".join(str(row["engine"]) for row in rows) + " |"]
    lines.append("|---" * (len(rows) + 1) + "|")
    for key in list(rows[0])[1:]:
        cells = [f"{row[key]['median']} / {row[key]['p99']}" for row in rows]  # type: ignore[index]
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    print("\n".join(lines))
    met = all(row[key]["median"] <= BAR_US for row in rows for key in list(row)[1:3])  # type: ignore[index]
    verdict = f"Bar: a replaced call takes at most {BAR_US:.0f} µs, Python included: {'met' if met else 'MISSED'}."
    print(verdict)
    if args.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "functions.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        how = (
            f"`python benchmarks/functions.py`: {CALLS} calls each, {CALLS // 4} of `machine.call`; other work beside."
        )
        text = ["# Calling and replacing functions", "", how, "", *lines, "", verdict, ""]
        (RESULTS / "functions.md").write_text("\n".join(text), encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
