"""How many faults a second a campaign injects: the gesture app, four places in memory, two boards at a time.

    python benchmarks/campaign.py [--count N] [--jobs N] [--save]

The bar is 20 faults a second on two cores. `--save` writes benchmarks/results/campaign.json and .md.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

from sim.faults.campaign import run_campaign
from sim.faults.rates import described
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

RESULTS = Path(__file__).with_name("results")
PLACES = ("weights", "code", "stack", "arena")


def cpu() -> float:
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(e.ru_utime + e.ru_stime for e in each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    target = Target.of(Settings.load())
    elf = target.build("gesture").elf
    stimulus = Recording.load(find_recording("running_07"))
    began, before = time.perf_counter(), cpu()
    found = run_campaign(target, elf, "imu", stimulus, places=PLACES, count=args.count, jobs=args.jobs)
    took, used = time.perf_counter() - began, cpu() - before
    faults = len(found.outcomes)
    text = [
        "# Campaign", "",
        f"`python benchmarks/campaign.py`: gesture on {target.board.name}, {target.engine.name} "
        f"{target.engine.version()}, "
        f"{args.jobs} jobs: {faults} faults in {took:.1f} s, {faults / took:.1f} faults a second "
        f"(bar 20); {used:.1f} s of CPU, {faults / used:.1f} faults a second of CPU.", "",
        "```text", *described(found), "```",
    ]  # fmt: skip
    print("\n".join(text))
    if args.save:
        result = {"faults": faults, "seconds": took, "cpu_seconds": used, "jobs": args.jobs, "bar": 20}
        (RESULTS / "campaign.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "campaign.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
