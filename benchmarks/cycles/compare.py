"""Cycles of images against published measurements on hardware: `python benchmarks/cycles/compare.py IMAGES`.

IMAGES is a folder with one ELF per point of points.json, `<image>.elf`, linked for the board's twin: the published
sources, built outside (result.md says with what, and what of it was inferred). Nothing of them is in this
repository. Each has a function `bench_infer`, one inference, called several times, and ends in `bench_done`; the last
call counts, when caches are warm, as they are on hardware where each figure is the mean of many.

Writes result.json and result.md beside this file: error of instructions alone, of the core model, of core and memory;
how much each parameter that is not documented matters; and what the model costs in run time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page import page

from sim.boards import Board
from sim.elf import load_elf
from sim.engines.protocol import Arm, Image
from sim.engines.qemu import QemuEngine
from sim.settings import Settings
from sim.timing import TimingProfile

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ran:
    """One inference, and the CPU time of the engine for all of them (s)."""

    instructions: int
    cycles: int
    cpu: float


def run(elf: Path, board: Board, profile: TimingProfile | None, names: Mapping[str, str], timers: bool = False) -> Ran:
    """Runs an image to its end. `timers`: virtual time follows instructions (-icount)."""
    engine = QemuEngine(Settings.load({}))
    loaded = load_elf(elf)
    image = Image(elf, engine.layout(board), loaded.functions, stops=[names["stop"]], timing=profile, timers=timers)
    session = engine.start(image)
    try:
        session.arm(names["region"], Arm(region=True))
        before = cpu_of(session)
        session.resume(10_000_000_000)
        cpu = cpu_of(session) - before
        last = session.regions()[-1]
        return Ran(last.end - last.start, last.end_cycles - last.start_cycles, cpu)
    finally:
        session.close()


def cpu_of(session: Any) -> float:
    """CPU seconds of the engine's process so far (Linux)."""
    fields = Path(f"/proc/{session.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def errors(
    points: Iterable[Mapping[str, Any]], folder: Path, names: Mapping[str, str], change: Mapping[str, int]
) -> list[float]:
    """Errors in % of all points with some parameters changed."""
    out = []
    for p in points:
        board = Board.load(p["board"])
        assert board.timing is not None
        found = run(folder / f"{p['image']}.elf", board, board.timing.changed(change), names)
        out.append(100 * (found.cycles * p["inferences_per_s"] / p["clock_hz"] - 1))
    return out


def compare(folder: Path, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a point."""
    rows = []
    for p in data["points"]:
        board, elf = Board.load(p["board"]), folder / f"{p['image']}.elf"
        assert board.timing is not None
        whole, core = run(elf, board, board.timing, data), run(elf, board, board.timing.core_only(), data)
        hardware = p["clock_hz"] / p["inferences_per_s"]
        rows.append({
            **p,
            "sha256": hashlib.sha256(elf.read_bytes()).hexdigest(),
            "hardware": round(hardware),
            "instructions": whole.instructions,
            "core": core.cycles,
            "cycles": whole.cycles,
            "error": {
                "instructions": round(100 * (whole.instructions / hardware - 1), 1),
                "core": round(100 * (core.cycles / hardware - 1), 1),
                "cycles": round(100 * (whole.cycles / hardware - 1), 1),
            },
        })  # fmt: skip
    return rows


def sensitivity(folder: Path, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Mean and largest error when one parameter that is not documented is another."""
    rows = []
    for name in sorted({p["board"] for p in data["points"]}):
        profile = Board.load(name).timing
        assert profile is not None
        points = [p for p in data["points"] if p["board"] == name]
        for key, parameter in profile.parameters.items():
            if parameter.kind == "documented" or key in ("core.exception", "core.divide", "flash.prefetch"):
                continue
            steps = (
                [parameter.value // 2, parameter.value * 2]
                if key.endswith(("sector", "size", "line"))  # powers of two
                else [parameter.value - 1, parameter.value + 1]
            )
            for value in steps:
                shape = key.split(".")[0]
                if value < 0 or (key.endswith("sector") and value > profile.value(f"{shape}.line")):
                    continue
                found = errors(points, folder, data, {key: value})
                rows.append({"board": name, "parameter": key, "kind": parameter.kind, "value": parameter.value,
                             "tried": value, "mean": mean(found), "largest": largest(found)})  # fmt: skip
    return rows


def speed(folder: Path, data: Mapping[str, Any], repeats: int) -> list[dict[str, Any]]:
    """CPU time with the core model, and with core and memory, over the same run that only counts instructions."""
    rows = []
    for image in ("native-l4r5-kws", "native-l4r5-ic", "cmsis-l4r5-kws", "cmsis-l4r5-ic"):
        p = next(p for p in data["points"] if p["image"] == image)
        board, elf = Board.load(p["board"]), folder / f"{image}.elf"
        assert board.timing is not None
        kinds = {"count": None, "core": board.timing.core_only(), "memory": board.timing}
        for timers in (False, True):
            best = {
                kind: min(run(elf, board, profile, data, timers).cpu for _ in range(repeats))
                for kind, profile in kinds.items()
            }
            rows.append({"image": image, "icount": timers, **{k: round(v, 3) for k, v in best.items()}})
    return rows


def mean(values: list[float]) -> float:
    return round(statistics.mean(map(abs, values)), 2)


def largest(values: list[float]) -> float:
    return round(max(map(abs, values)), 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--described", default="", help="how the images were made, for the result")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each for the run time; 0: leave it out")
    parser.add_argument("--out", type=Path, default=HERE)
    args = parser.parse_args()
    data = json.loads((HERE / "points.json").read_text(encoding="utf-8"))
    missing = [p["image"] for p in data["points"] if not (args.images / f"{p['image']}.elf").is_file()]
    if missing:
        print(f"{args.images}: no image for {', '.join(missing)}", file=sys.stderr)
        return 2
    rows = compare(args.images, data)
    result = {
        "command": "python benchmarks/cycles/compare.py IMAGES",
        "date": time.strftime("%Y-%m-%d"),
        "qemu": QemuEngine(Settings.load({})).version(),
        "source": data["source"],
        "images": args.described,
        "points": rows,
        "total": {
            what: {"mean": mean([r["error"][what] for r in rows]), "largest": largest([r["error"][what] for r in rows])}
            for what in ("instructions", "core", "cycles")
        },
        "parameters": [
            {"board": name, "parameter": key, **vars(parameter)}
            for name in sorted({p["board"] for p in data["points"]})
            for key, parameter in (Board.load(name).timing or TimingProfile("")).parameters.items()
        ],
        "sensitivity": sensitivity(args.images, data),
        "speed": speed(args.images, data, args.repeats) if args.repeats else [],
    }
    (args.out / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (args.out / "result.md").write_text(page(result), encoding="utf-8")
    print(json.dumps(result["total"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
