"""What counting cycles costs in run time: `python benchmarks/cycles/cost.py [--rounds 7] [--save]`.

16 inferences of a model, the same image and the same QEMU in every kind: plain QEMU; the core's timing model; core and
memory; that and the tree of calls (per-function attribution). Each with and without -icount, against plain QEMU with
the same setting. CPU time of the QEMU process (user and system, start-up included), not wall time. The kinds take
turns, and the least time of each counts: other work takes caches and clock from a run, so it only adds. How much it
added is shown (median over least, of the kind where that is most). Each run says what it counted: the model was on.

Kernels are those of the settings: BOARDLESS_TFLM=... BOARDLESS_KERNELS=cmsis-nn measures CMSIS-NN's. `--save` puts the
rows of this tree and these kernels into cost.json and writes cost.md from all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.elf import load_elf
from sim.engines.protocol import Arm, Image, StopKind, Watch
from sim.engines.qemu.program import find_qemu
from sim.model import Model
from sim.settings import Settings
from sim.target import Target
from sim.timing import TimingProfile

HERE = Path(__file__).resolve().parent
MODELS = ("kws_ref_model", "ad01_int8")
_KEY = ("qemu", "tree", "kernels", "model", "icount", "board")  # one row each
BARS = {"core": 1.5, "memory": 2.2, "attribution": 1.1}
Row = dict[str, Any]


def model_file(name: str) -> Path:
    """Of MLPerf Tiny, from ../shared/mlperf_tiny or BOARDLESS_MLPERF_TINY."""
    for folder in (Path(os.environ.get("BOARDLESS_MLPERF_TINY", "")), HERE.parents[2] / "shared" / "mlperf_tiny"):
        if (folder / f"{name}.tflite").is_file():
            return folder / f"{name}.tflite"
    raise SystemExit(f"{name}.tflite not found: set BOARDLESS_MLPERF_TINY")


def cpu_of(work: Callable[[], None]) -> float:
    """CPU seconds of the processes that `work` starts and waits for."""

    def now() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = now()
    work()
    return now() - before


def plain(target: Target, elf: Path, icount: bool) -> None:
    """The machine and ELF without probe, monitor, shared memory; ends at the firmware's reset request."""
    command = [str(find_qemu(target.settings)), "-machine", target.layout.machine, "-nodefaults", "-no-user-config"]
    command += ["-display", "none", "-monitor", "none", "-serial", "null", "-nic", "none", "-no-reboot"]
    command += ["-icount", "shift=3,sleep=off"] if icount else []
    subprocess.run([*command, "-kernel", str(elf)], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def counted(target: Target, elf: Path, icount: bool, timing: TimingProfile | None, calls: bool) -> tuple[int, int]:
    """The same under the engine, to the same place. Instructions and cycles (0: no timing) that it counted."""
    functions = load_elf(elf).functions
    watch = Watch(calls_of="boardless_invoke") if calls else None
    image = Image(elf, target.layout, functions, timers=icount, timing=timing, watch=watch,
                  console_symbol="boardless_console_putc")  # fmt: skip
    session = target.engine.start(image)
    try:
        session.arm("boardless_invoke", Arm(region=calls))
        while (stop := session.resume()).kind is StopKind.LIMIT:
            session.console()
        assert stop.kind is StopKind.RESET, stop
        assert not calls or sum(n.cycles for n in session.calls()) > 0
        return session.instructions, session.cycles or 0
    finally:
        session.close()


def measure(name: str, icount: bool, rounds: int, target: Target) -> Row:
    """Median CPU times (s) and ratios of one model."""
    elf = target.build(HERE.parent / "firmware" / "loop", Model.load(model_file(name))).elf
    timing = target.board.timing
    assert timing is not None
    models = {"instructions": None, "core": timing.core_only(), "memory": timing, "attribution": timing}
    times: dict[str, list[float]] = {kind: [] for kind in ("plain", *models)}
    totals: dict[str, tuple[int, int]] = {}

    def run(kind: str, model: TimingProfile | None) -> None:
        found = counted(target, elf, icount, model, kind == "attribution")
        assert totals.setdefault(kind, found) == found, f"{kind}: {found}, before {totals[kind]}"

    for _ in range(rounds):
        times["plain"].append(cpu_of(lambda: plain(target, elf, icount)))
        for kind, model in models.items():
            times[kind].append(cpu_of(lambda kind=kind, model=model: run(kind, model)))  # type: ignore[misc]
    executed = {instructions for instructions, _ in totals.values()}
    cycles = {kind: c for kind, (_, c) in totals.items()}
    assert len(executed) == 1, totals
    assert cycles["instructions"] == 0 < cycles["core"] < cycles["memory"] == cycles["attribution"], totals
    least = {kind: min(t) for kind, t in times.items()}
    return {
        "model": name,
        "tree": target.tree.generation,
        "kernels": target.settings.kernels,
        "board": target.board.name,
        "qemu": target.engine.version(),
        "icount": icount,
        "instructions": executed.pop(),
        "cycles": cycles,
        "cpu_s": {kind: round(t, 3) for kind, t in least.items()},
        "measured": f"{time.strftime('%Y-%m-%d')}, {rounds} rounds, load {os.getloadavg()[0]:.1f}",
        "disturbed": round(max(statistics.median(t) / min(t) for t in times.values()), 2),
        "ratio": {kind: round(least[kind] / least["plain"], 2) for kind in ("instructions", "core", "memory")}
        | {"attribution": round(least["attribution"] / least["memory"], 2)},
    }


def page(result: Row) -> str:
    """cost.md."""
    lines = [
        "# What counting cycles costs",
        "",
        f"`python benchmarks/cycles/cost.py --save`, {result['where']}; the last column says when.",
        "",
        "CPU time of QEMU over that of plain QEMU with the same image and the same -icount setting; the least of all",
        "rounds, in which the kinds took turns. Attribution over core and memory. Disturbed: median over least, of the",
        "kind where that is most; where it is high, other work ran beside, and even the least may be too much.",
        "",
        "| QEMU | model | tree | kernels | -icount | plain, s | counting | core | core, memory | + attribution "
        "| disturbed | measured |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in result["rows"]:
        cells = [
            r["qemu"],
            r["model"],
            r["tree"],
            r["kernels"],
            "yes" if r["icount"] else "no",
            f"{r['cpu_s']['plain']:.2f}",
        ]
        for kind in ("instructions", "core", "memory", "attribution"):
            missed = kind in BARS and r["ratio"][kind] > BARS[kind]
            cells.append(f"{r['ratio'][kind]:.2f}" + (" (missed)" if missed else ""))
        cells += [f"{r['disturbed']:.2f}", r["measured"]]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"Bars: core {BARS['core']}, core and memory {BARS['memory']}, attribution {BARS['attribution']}.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="turns of all kinds")
    parser.add_argument("--board", default="nucleo_l4r5zi", metavar="NAME")
    parser.add_argument("--save", action="store_true", help="write cost.json and cost.md beside this file")
    args = parser.parse_args()
    target = Target.of(Settings.load({"board": args.board}))
    rows = []
    for name in args.models or MODELS:
        for icount in (False, True):
            rows.append(measure(name, icount, args.rounds, target))
            print(json.dumps(rows[-1]), flush=True)
    if args.save:
        _save(rows)
    return 0


def _save(rows: list[Row]) -> None:
    file = HERE / "cost.json"
    old = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.is_file() else []
    measured = [[r[key] for key in _KEY] for r in rows]
    kept = [r for r in old if [r[key] for key in _KEY] not in measured]
    result = {
        "where": f"{os.cpu_count()} cores {platform.machine()}",
        "rows": sorted([*kept, *rows], key=lambda r: [r[key] for key in _KEY]),
    }
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (HERE / "cost.md").write_text(page(result), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
