"""Instructions per second of the keyword model: Renode, which counts instructions only, against ours with its models.

    python benchmarks/renode_speed.py [--board NAME] [--save]

Renode is found as docs/renode.md says; without one this says so and ends. Five machines run the same loop of
inferences in turns, a slice each (A B C D E A B ...), so that a machine whose speed drifts does not matter: Renode as
boardless sets it up (its time goes on in steps of a million instructions, the fastest there is), Renode as its own
defaults do (100 MIPS, steps of 100 us: 10,000 instructions), ours counting instructions, with the core model, with
everything on (core and memory). Ratios are to both Renodes, round by round. The bars were set when Renode ran this
model at 140 to 200 million/s, as it does by its own defaults; held against the faster Renode that boardless makes of
it they are stricter, and that ratio moves by a tenth from run to run. Slices begin warm: more than an inference is
run before. Medians are printed, of wall-clock time and of processor time, which other work on the machine disturbs
less. `--save` writes benchmarks/results/renode_speed.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from speed import keyword_model

from sim.engines.protocol import Session, StopKind
from sim.engines.renode import session as session_
from sim.errors import SetupError
from sim.machine import Machine
from sim.model import Model
from sim.settings import Settings
from sim.target import Target

HERE = Path(__file__).resolve().parent
SLICE = 46_000_000  # instructions, about
WARM = 100_000_000  # instructions
ROUNDS = 27  # the firmware runs 16 inferences, 87 million instructions each
ENGINES = {"renode": "renode", "stock": "renode", "count": "qemu", "core": "qemu", "everything": "qemu"}
BARS = {"core": 2.0, "everything": 1.2}


@dataclass(frozen=True)
class Runner:
    """One machine that is run slice by slice."""

    name: str
    session: Session
    pid: int
    per_instruction: float  # of the session's clock
    length: int = SLICE  # instructions

    def slice(self) -> tuple[int, float, float]:
        """Instructions executed, wall-clock seconds and processor seconds that they took."""
        clock = self.session.instructions if self.session.cycles is None else self.session.cycles
        before, cpu, start = self.session.instructions, _processor(self.pid), time.perf_counter()
        stop = self.session.resume(clock + round(self.length * self.per_instruction))
        wall = time.perf_counter() - start
        assert stop.kind is StopKind.LIMIT, stop
        return self.session.instructions - before, wall, _processor(self.pid) - cpu


def _processor(pid: int) -> float:
    """Processor seconds of a process so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machines(board: str, stack: ExitStack) -> list[Runner]:
    """The five machines, warm."""
    settings = replace(Settings.load(), board=board)
    model = Model.load(keyword_model())
    out, fast = [], (session_._FAST, session_._QUANTUM)
    timing = Target.of(settings).board.timing
    assert timing is not None, f"{board} has no timing model"
    for name, engine in ENGINES.items():
        target = Target.of(replace(settings, engine=engine))
        wanted = {"core": timing.core_only(), "everything": timing}.get(name)
        elf = target.build(HERE / "firmware" / "loop", model).elf
        played = replace(target.board, timing=wanted)
        if name == "stock":
            session_._FAST, session_._QUANTUM = 100, 100
        machine = stack.enter_context(Machine.started(elf, played, target.engine, layout=target.layout))
        session_._FAST, session_._QUANTUM = fast
        machine.run_until_ready()
        session: Any = machine._session
        pid = session._worker.pid if engine == "renode" else session.pid
        session.resume(WARM if name != "stock" else WARM // 4)
        cycles = session.cycles or session.instructions
        length = SLICE if name != "stock" else SLICE // 7
        out.append(Runner(name, session, pid, cycles / session.instructions, length))
    return out


def measure(board: str) -> dict[str, Any]:
    """Rates in million instructions a second, and ratios to Renode's."""
    with ExitStack() as stack:
        runners = machines(board, stack)
        rates: dict[str, list[tuple[float, float]]] = {r.name: [] for r in runners}
        for _ in range(ROUNDS):
            for runner in runners:
                done, wall, cpu = runner.slice()
                rates[runner.name].append((done / wall / 1e6, done / max(cpu, 0.01) / 1e6))
    out: dict[str, Any] = {}
    for kind, at in (("wall", 0), ("processor", 1)):
        out[kind] = {name: round(statistics.median(r[at] for r in all_), 1) for name, all_ in rates.items()}
        for to, key in (("renode", "ratio"), ("stock", "ratio_stock")):
            out[f"{kind}_{key}"] = {
                name: round(statistics.median(a[at] / b[at] for a, b in zip(all_, rates[to], strict=True)), 2)
                for name, all_ in rates.items()
            }
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", default="nucleo_l4r5zi")
    parser.add_argument("--save", action="store_true", help="write the result into benchmarks/results")
    args = parser.parse_args()
    settings = Settings.load()
    try:
        renode = Target.of(replace(settings, engine="renode", board=args.board)).engine
        worker: dict[str, str] = renode.described()  # type: ignore[attr-defined]
    except SetupError as error:
        print(f"skipped: {error}")
        return
    result = measure(args.board)
    where = {
        "date": time.strftime("%Y-%m-%d"),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before_and_now": [round(os.getloadavg()[i], 1) for i in (2, 0)],
        "renode": f"{worker['renode']} on {worker['runtime']}",
        "qemu": Target.of(replace(settings, board=args.board)).engine.version(),
        "board": args.board,
        "rounds": ROUNDS,
    }
    print(json.dumps({"where": where, **result}, indent=1))
    if args.save:
        _save(where, result)


def _save(where: dict[str, Any], result: dict[str, Any]) -> None:
    folder = HERE / "results"
    (folder / "renode_speed.json").write_text(json.dumps({"where": where, "results": result}, indent=2) + "\n")
    lines = ["# Against Renode: instructions per second of the keyword model", ""]
    lines += [f"`python benchmarks/renode_speed.py --save`, {where}. How: the script's own text.", ""]
    lines += [
        "| | million/s, wall clock | to Renode | to stock | million/s, processor time | to Renode | to stock | bar |"
    ]
    lines += ["|---|---|---|---|---|---|---|---|"]
    what = {
        "renode": "Renode, instructions only, as boardless sets it up",
        "stock": "Renode, instructions only, by its own defaults",
        "count": "ours, instructions only",
        "core": "ours, core model",
        "everything": "ours, everything on (core and memory)",
    }
    for name, text in what.items():
        bar = f">= {BARS[name]:g}" if name in BARS else ""
        cells = [result[f"{k}{r}"][name] for k in ("wall", "processor") for r in ("", "_ratio", "_ratio_stock")]
        lines.append(f"| {text} | " + " | ".join(f"{c:g}" for c in cells) + f" | {bar} |")
    (folder / "renode_speed.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
