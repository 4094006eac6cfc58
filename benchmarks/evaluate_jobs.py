"""How much faster `evaluate --jobs 2` is than one process: `python benchmarks/evaluate_jobs.py [APP ...]`.

Each app's own set, in turns, the shortest of some runs each; firmware is built before, each run has a new journal. Wall
clock says something on an idle machine only; beside it is what the CPU time of both leaves possible: twice that of one
process over that of two, if nothing waits for anything. Needs what the sets need. Exit code 1: the bar was missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from sim.evaluate import Evaluation, evaluate

BAR = 1.8


def cpu() -> float:
    """CPU seconds of this process, of children that have ended, and of those alive with all that they waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ticks = 0
    for pid in Path("/proc/self/task", str(os.getpid()), "children").read_text().split():
        fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])  # its own, user and system; of its children, both
    return sum(u.ru_utime + u.ru_stime for u in used) + ticks / os.sysconf("SC_CLK_TCK")


def timed(app: str, jobs: int, limit: int | None) -> tuple[float, float, Evaluation]:
    """Seconds from nothing but a built image to the result, and CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        begun, before = time.perf_counter(), cpu()
        found = evaluate(app, jobs=jobs, limit=limit, journal=Path(folder, "journal.jsonl"))
        return time.perf_counter() - begun, cpu() - before, found


def main() -> None:
    parser = argparse.ArgumentParser(description="evaluate --jobs N against one process")
    parser.add_argument("apps", nargs="*", default=["vehicle", "machine"])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=int, help="so many recordings")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, bar {BAR}x on two")
    missed = False
    for app in args.apps:
        evaluate(app, limit=1)  # builds, and brings files into memory
        wall: dict[int, float] = {}
        used: dict[int, float] = {}
        results = set()
        for _ in range(args.runs):
            for jobs in (1, args.jobs):
                seconds, busy, found = timed(app, jobs, args.limit)
                wall[jobs] = min(wall.get(jobs, seconds), seconds)
                used[jobs] = min(used.get(jobs, busy), busy)
                results.add(repr(found.as_json()))
        ratio, possible = wall[1] / wall[args.jobs], args.jobs * used[1] / used[args.jobs]
        missed |= ratio < BAR or len(results) > 1
        print(f"{app}, {len(found.results)} recordings: {wall[1]:.2f} s, {args.jobs} jobs {wall[args.jobs]:.2f} s: "
              f"{ratio:.2f}x (CPU {used[1]:.2f} and {used[args.jobs]:.2f} s: at most {possible:.2f}x), "
              f"{'same results' if len(results) == 1 else 'RESULTS DIFFER'}", flush=True)  # fmt: skip
    sys.exit(missed)


if __name__ == "__main__":
    main()
