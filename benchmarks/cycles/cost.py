"""What counting cycles costs in run time: `python benchmarks/cycles/cost.py [--rounds 7] [--save]`.

16 inferences of a model, the same image and the same QEMU in every kind: plain QEMU; the core's timing model; core and
memory; that and the tree of calls (per-function attribution). Each with and without -icount, against plain QEMU with
the same setting. CPU time of the QEMU process (user and system, start-up included), not wall time; the kinds take
turns, and the median of the ratios round by round counts: what else the machine does changes all of them alike.

Kernels are those of the settings: BOARDLESS_TFLM=... BOARDLESS_KERNELS=cmsis-nn measures CMSIS-NN's. `--save` puts the
rows of these kernels into cost.json and writes cost.md from all of them.
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


def counted(target: Target, elf: Path, icount: bool, timing: TimingProfile | None, calls: bool) -> None:
    """The same under the engine, to the same place."""
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
    finally:
        session.close()


def measure(name: str, icount: bool, rounds: int, target: Target) -> Row:
    """Median CPU times (s) and ratios of one model."""
    elf = target.build(HERE.parent / "firmware" / "loop", Model.load(model_file(name))).elf
    timing = target.board.timing
    assert timing is not None
    kinds: dict[str, Callable[[], None]] = {
        "plain": lambda: plain(target, elf, icount),
        "instructions": lambda: counted(target, elf, icount, None, False),
        "core": lambda: counted(target, elf, icount, timing.core_only(), False),
        "memory": lambda: counted(target, elf, icount, timing, False),
        "attribution": lambda: counted(target, elf, icount, timing, True),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, work in kinds.items():
            times[kind].append(cpu_of(work))

    def ratio(kind: str, to: str) -> float:
        return round(statistics.median(a / b for a, b in zip(times[kind], times[to], strict=True)), 2)

    return {
        "model": name,
        "kernels": target.settings.kernels,
        "board": target.board.name,
        "icount": icount,
        "cpu_s": {kind: round(statistics.median(t), 3) for kind, t in times.items()},
        "ratio": {kind: ratio(kind, "plain") for kind in ("instructions", "core", "memory")}
        | {"attribution": ratio("attribution", "memory")},
    }


def page(result: Row) -> str:
    """cost.md."""
    lines = [
        "# What counting cycles costs",
        "",
        f"`python benchmarks/cycles/cost.py --save`, {result['where']}.",
        "",
        "CPU time of QEMU over that of plain QEMU with the same image and the same -icount setting, median of the",
        "ratios of rounds in which all kinds took turns; attribution over core and memory.",
        "",
        "| model | kernels | -icount | plain, s | instructions | core | core and memory | + attribution |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in result["rows"]:
        cells = [r["model"], r["kernels"], "yes" if r["icount"] else "no", f"{r['cpu_s']['plain']:.2f}"]
        for kind in ("instructions", "core", "memory", "attribution"):
            missed = kind in BARS and r["ratio"][kind] > BARS[kind]
            cells.append(f"{r['ratio'][kind]:.2f}" + (" (missed)" if missed else ""))
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"Bars: core {BARS['core']}, core and memory {BARS['memory']}, attribution {BARS['attribution']}.",
        "",
    ]
    lines += [
        "Where the load is above the number of cores, others took caches and clock from all kinds: single ratios were",
        "seen up to 0.4 higher or lower then. A ratio that is below that of `instructions` says so of itself.",
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
        _save(rows, target, args.rounds)
    return 0


def _save(rows: list[Row], target: Target, rounds: int) -> None:
    file = HERE / "cost.json"
    old = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.is_file() else []
    measured = {(r["model"], r["kernels"], r["board"], r["icount"]) for r in rows}
    kept = [r for r in old if (r["model"], r["kernels"], r["board"], r["icount"]) not in measured]
    result = {
        "where": f"{time.strftime('%Y-%m-%d')}, {target.engine.name} {target.engine.version()}, {rounds} rounds, "
        f"{os.cpu_count()} cores {platform.machine()}, load {os.getloadavg()[0]:.1f}",
        "rows": sorted([*kept, *rows], key=lambda r: (r["kernels"], r["model"], r["icount"])),
    }
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (HERE / "cost.md").write_text(page(result), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
