"""How long a shrink takes, from a log of at least 50 windows, on two cores: an IMU app and an audio app.

    python benchmarks/shrink.py [--jobs N] [--save]

A recording in the midst of quiet; what is to be kept is the decision on it. CPU time is that of boardless and QEMU
together. `--save` writes benchmarks/results/shrink.json and .md.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from sim.field.recording_io import load
from sim.field.replay import image_of
from sim.field.shrink import shrink
from sim.field.symptom import Symptom
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

RESULTS = Path(__file__).with_name("results")
# app, sensor, recording, seconds of the log, where the recording begins, label, samples from window to window, bar in s
CASES = [
    ("gesture", "imu", "running_07", 45, 30, "running", 7, 60),
    ("vehicle", "imu", "drive_pothole", 20, 9, "pothole", 25, 60),
    ("keyword", "microphone", "yes_synthetic", 10, 6, "yes", 2560, 300),
]


def log_of(name: str, seconds: float, begins: float) -> Recording:
    """The recording amid its own first sample, with some noise."""
    found = Recording.load(find_recording(name))
    assert found.rate is not None
    rate = float(found.rate)
    rng = np.random.default_rng(3)
    values = np.repeat(found.values[:1], round(seconds * rate), axis=0)
    values = values + rng.normal(scale=np.abs(found.values).mean() / 20, size=values.shape)
    at = round(begins * rate)
    fits = found.values[: len(values) - at]
    values[at : at + len(fits)] = fits
    return Recording(values, found.channels, found.units, rate=found.rate)


def cpu() -> float:
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(e.ru_utime + e.ru_stime for e in each)


def measured(case: tuple[Any, ...], jobs: int, folder: Path) -> dict[str, Any]:
    app, slot, name, seconds, begins, label, stride, bar = case
    target = Target.of(Settings.load())
    firmware = target.build(app)
    path = folder / f"{app}.blrec"
    with target.started(firmware.elf) as machine:
        machine.record()
        machine.run_until_ready()
        machine.sensor(slot).play(log_of(name, seconds, begins))
        machine.run_to_end()
        machine.save_recording(path, firmware=firmware)
    recording = load(path)
    began, before = time.perf_counter(), cpu()
    with image_of(recording, None) as elf:
        result = shrink(recording, target, elf, Symptom("decision", label, 0.8), jobs=jobs)
    return {"app": app, "log_samples": result.before, "log_windows": result.before // stride, "left": result.after,
            "left_windows": result.after / stride, "did": list(result.did), "trials": result.trials,
            "seconds": time.perf_counter() - began, "cpu_seconds": cpu() - before, "bar_seconds": bar}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("apps", nargs="*", help="only these")
    args = parser.parse_args()
    text = ["# Shrink", "", f"`python benchmarks/shrink.py`, {args.jobs} jobs. A window: one decision's stride.", "",
            "| app | log | left | trials | time | CPU | bar |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    rows = []
    with tempfile.TemporaryDirectory(prefix="boardless-") as folder:
        for case in CASES:
            if args.apps and case[0] not in args.apps:
                continue
            rows.append(r := measured(case, args.jobs, Path(folder)))
            text.append(f"| {r['app']} | {r['log_samples']:,} samples, {r['log_windows']} windows | "
                        f"{r['left']:,} samples, {r['left_windows']:.1f} windows | {r['trials']} | "
                        f"{r['seconds']:.0f} s | "
                        f"{r['cpu_seconds']:.0f} s | {r['bar_seconds']} s |")  # fmt: skip
            print(text[-1], flush=True)
    if args.save:
        (RESULTS / "shrink.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "shrink.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
