"""What a test on Renode costs beside its instructions: starts, doorbells, memory; each against its bar.

    python benchmarks/renode_costs.py [--board NAME] [--save]

Renode is found as docs/renode.md says; without one this says so and ends. Wall-clock time throughout, so measure on an
idle machine; the load is in the result.

- first_start: from nothing to a firmware that is ready (`hello`, built before): the process, .NET, Renode, the first
  machine. The process is ended between the rounds. Median and worst.
- next_start: each further machine in that process, from asking for it to ready, its end included. Median and worst.
- round_trip: a doorbell of the port there and back with 256 samples, everything in Python included, mean of 4000
  (firmware `bell`, as in benchmarks/speed.py).
- fifty: 50 machines one after the other in one process, each runs 0.1 s of board time; memory that the process holds
  (resident), after the 1st, the 10th and the 50th; the bar is for the growth from the 1st on.
  tests/engine/test_renode.py::test_fifty_machines_in_one_worker_do_not_grow fails on the same bar.

`--save` writes benchmarks/results/renode_costs.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from speed import per_bell, timed

from sim.engines.renode import RenodeEngine
from sim.engines.renode.process import end_workers
from sim.errors import SetupError
from sim.settings import Settings
from sim.target import Target

HERE = Path(__file__).resolve().parent
ROUNDS = 5  # first starts, some 4 s each
FURTHER = 20
Result = dict[str, Any]


def starts(target: Target, elf: Path) -> tuple[Result, Result]:
    """Seconds of the first machine of a process, and of those that come after it."""
    first, further = [], []
    for _ in range(ROUNDS):
        end_workers()
        first.append(timed(lambda: _boot(target, elf)))
    for _ in range(FURTHER):
        further.append(timed(lambda: _boot(target, elf)))
    return (
        {**_summary(first), "bar": "<= 6 s", "kept": max(first) <= 6},
        {**_summary(further), "bar": "<= 0.5 s", "kept": statistics.median(further) <= 0.5},
    )


def _boot(target: Target, elf: Path) -> None:
    with target.boot(elf):
        pass


def _summary(seconds: list[float]) -> Result:
    return {"median_s": round(statistics.median(seconds), 3), "worst_s": round(max(seconds), 3), "of": len(seconds)}


def round_trip(target: Target) -> Result:
    """Milliseconds of a doorbell there and back."""
    with target.boot(target.build(HERE / "firmware" / "bell").elf) as machine:
        machine.run("0.1 s")
        each = per_bell(machine) / 1000
    return {"mean_ms": round(each, 3), "bar": "<= 1 ms", "kept": each <= 1}


def fifty(target: Target, elf: Path) -> Result:
    """MB that one process holds while 50 machines come and go in it."""
    end_workers()
    sizes = []
    for _ in range(50):
        with target.boot(elf) as machine:
            machine.run("0.1 s")
            session: Any = machine._session
            sizes.append(_resident(session._worker.pid) / 1e6)
    growth = sizes[49] / sizes[0] - 1
    return {
        **{f"after_{n}_mb": round(sizes[n - 1], 1) for n in (1, 10, 50)},
        "growth_percent": round(100 * growth, 1),
        "bar": "<= 20 %",
        "kept": growth <= 0.2,
    }


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", default="arduino_nano_33_ble")
    parser.add_argument("--save", action="store_true", help="write the result into benchmarks/results")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    try:
        target = Target.of(replace(Settings.load(), engine="renode", board=args.board))
        assert isinstance(target.engine, RenodeEngine)
        worker = target.engine.described()
    except SetupError as error:
        print(f"skipped: {error}")
        return
    elf = target.build("hello").elf
    first, further = starts(target, elf)
    result = {
        "first_start": first,
        "next_start": further,
        "round_trip": round_trip(target),
        "fifty": fifty(target, elf),
    }
    where = {
        "date": time.strftime("%Y-%m-%d"),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before_and_now": [round(load, 1), round(os.getloadavg()[0], 1)],
        "renode": f"{worker['renode']} on {worker['runtime']}",
        "board": args.board,
    }
    print(json.dumps({"where": where, **result}, indent=1))
    if args.save:
        _save(where, result)


def _save(where: Result, result: Result) -> None:
    folder = HERE / "results"
    (folder / "renode_costs.json").write_text(json.dumps({"where": where, "results": result}, indent=2) + "\n")
    lines = ["# Renode: what a test costs beside its instructions", ""]
    lines += [f"`python benchmarks/renode_costs.py --save`, {where}. How: the script's own text.", ""]
    lines += ["| what | measured | bar | kept |", "|---|---|---|---|"]
    for name, row in result.items():
        shown = ", ".join(f"{key} {value:g}" for key, value in row.items() if key not in ("bar", "kept"))
        lines.append(f"| {name} | {shown} | {row['bar']} | {'yes' if row['kept'] else 'no'} |")
    (folder / "renode_costs.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
