"""How fast boardless is, against plain QEMU and against its own bars.

    python benchmarks/speed.py [NAME ...] [--current TREE] [--save]

Ratios are taken in one run, in turns (A B A B …), so that a machine whose speed drifts does not matter; medians are
printed. `--save` writes benchmarks/results/speed.json and .md. `--current` names a current TFLM tree: its library and
new operators get rows of their own. Needs the package, QEMU and the compiler; the keyword
model of MLPerf Tiny is looked for in ../shared/mlperf_tiny or BOARDLESS_MLPERF_TINY.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.engines.protocol import StopKind
from sim.engines.qemu.program import find_qemu
from sim.machine import Machine
from sim.model import Model
from sim.settings import KERNELS, Settings
from sim.target import Target

HERE = Path(__file__).resolve().parent
Result = dict[str, Any]


def keyword_model() -> Path:
    folders = [Path(os.environ.get("BOARDLESS_MLPERF_TINY", "")), HERE.parents[1] / "shared" / "mlperf_tiny"]
    for folder in folders:
        if (folder / "kws_ref_model.tflite").is_file():
            return folder / "kws_ref_model.tflite"
    raise SystemExit(f"kws_ref_model.tflite not found in {', '.join(map(str, folders))}")


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def plain_qemu(target: Target, elf: Path) -> None:
    """The same machine and ELF without probe, monitor, shared memory; ends at the firmware's reset request."""
    layout = target.layout
    command = [str(find_qemu(target.settings)), "-machine", layout.machine, "-nodefaults", "-no-user-config"]
    command += ["-display", "none", "-monitor", "none", "-serial", "null", "-nic", "none", "-no-reboot"]
    subprocess.run([*command, "-kernel", str(elf)], check=True, stdin=subprocess.DEVNULL)


def pairs(a: Callable[[], object], b: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Medians of both, and the median of the ratios pair by pair."""
    a(), b()
    times = [(timed(a), timed(b)) for _ in range(rounds)]
    ratio = statistics.median(x / y for x, y in times)
    return statistics.median(x for x, _ in times), statistics.median(y for _, y in times), ratio


def fixture(target: Target) -> Result:
    """`machine` fixture: fresh, booted, ready, against a bare QEMU that boots the same ELF and exits."""
    elf = target.build(HERE / "firmware" / "bell").elf

    def boot() -> None:
        with target.boot(elf):
            pass

    ours, bare, ratio = pairs(boot, lambda: plain_qemu(target, elf), 40)
    return {"machine_ms": ours * 1e3, "bare_qemu_ms": bare * 1e3, "ratio": ratio, "bar": "<= 1.5, <= 150 ms"}


def emulation(target: Target) -> Result:
    """16 inferences of the keyword model, counted, against plain QEMU with the same setting (no icount in both)."""
    target = replace(target, board=replace(target.board, timing=None))  # cycles: benchmarks/cycles/cost.py
    firmware = target.build(HERE / "firmware" / "loop", Model.load(keyword_model()))
    counts = []

    def counted() -> None:
        machine = target.started(firmware.elf)
        with machine:
            machine.run_until_ready()
            stop = machine._session.resume(None)
            assert stop.kind is StopKind.RESET, stop
            counts.append(machine.instructions)

    ours, plain, ratio = pairs(counted, lambda: plain_qemu(target, firmware.elf), 9)
    assert len(set(counts)) == 1, counts
    return {
        "counted_s": ours,
        "plain_s": plain,
        "instructions": counts[0],
        "million_per_s": counts[0] / ours / 1e6,
        "speed_ratio": 1 / ratio,
        "bar": "speed >= 0.85 of plain",
    }


def doorbell(target: Target) -> Result:
    """One round trip with 256 samples, everything in Python included."""
    elf = target.build(HERE / "firmware" / "bell").elf
    with target.boot(elf) as machine:
        times = [timed(lambda: machine.run(256 / 16000)) * 1e6 for _ in range(2000)]
        calls = per_bell(machine)
    return {"run_one_block_us": statistics.median(times), "round_trip_us": calls, "two_processes_us": _two_processes(),
            "bar": "<= 60 us median"}  # fmt: skip


def _two_processes() -> float:
    """A byte to another process and back (us): what the system itself takes of each doorbell on this machine."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        code = f"import socket; s = socket.socket(fileno={theirs.fileno()})\nwhile b := s.recv(1): s.send(b)"
        with subprocess.Popen([sys.executable, "-c", code], pass_fds=[theirs.fileno()]):
            times = [timed(lambda: (ours.send(b"x"), ours.recv(1))) * 1e6 for _ in range(5000)]
            ours.shutdown(socket.SHUT_RDWR)
    return statistics.median(times)


def per_bell(machine: Machine) -> float:
    """A doorbell there and back with 256 samples (us): the mean of 4000, of firmware `bell` on any engine."""
    before = time.perf_counter()
    start = machine.sensor("microphone").channel.statistics().rest
    machine.run(256 / 16000 * 4000)
    bells = (machine.sensor("microphone").channel.statistics().rest - start) / 256
    return (time.perf_counter() - before) / bells * 1e6


def changed_model(target: Target) -> Result:
    """A model with other weights, operators known, to its first outputs."""
    model = keyword_model().read_bytes()
    run = [sys.executable, "-m", "sim", "invoke"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.tflite"
        times = []
        for i in range(5):
            path.write_bytes(_other_weights(model, i))
            times.append(timed(lambda: subprocess.run([*run, str(path)], check=True, stdout=subprocess.DEVNULL)))
    return {"changed_model_s": statistics.median(times), "bar": "<= 1.5 s, arena search at most 2 s more"}


def _other_weights(data: bytes, seed: int) -> bytes:
    parsed = Model.from_bytes(data)
    largest = max((t for t in parsed.tensors if t.data), key=lambda t: len(t.data or b""))
    assert largest.data is not None
    at = data.index(largest.data)
    changed = bytearray(data)
    changed[at + seed] ^= 1 + (time.time_ns() & 0x3F)
    return bytes(changed)


def _environment(target: Target, cache: str) -> dict[str, str]:
    """For a command that builds in an empty cache from the target's tree."""
    tree, kernels = target.settings.tflm, target.settings.kernels
    return {**os.environ, "BOARDLESS_CACHE": cache, "BOARDLESS_TFLM": tree, "BOARDLESS_KERNELS": kernels}


def library(target: Target) -> Result:
    """The TFLM library from nothing, in a cache of its own."""
    with tempfile.TemporaryDirectory() as cache:
        environment = _environment(target, cache)
        command = [sys.executable, "-m", "sim", "build", "hello"]
        took = timed(lambda: subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, cwd=cache))
    return {"from_nothing_s": took, "bar": "<= 60 s"}


def new_operators(target: Target) -> Result:
    """A model with operators that no image had before, library compiled, to its first outputs."""
    models = {"usual_s": keyword_model(), "rare_s": HERE.parent / "tests/conformance/data" / "prelu_shared.tflite"}
    out: Result = {}
    with tempfile.TemporaryDirectory() as cache:
        environment = _environment(target, cache)
        command = [sys.executable, "-m", "sim", "invoke"]
        for model in (HERE.parent / "models/gesture/gesture.tflite", *models.values()):  # compiles the libraries
            subprocess.run([*command, str(model)], check=True, env=environment, stdout=subprocess.DEVNULL)
        for name, model in models.items():
            for made in ("build", "arena", "firmware"):
                shutil.rmtree(Path(cache) / made, ignore_errors=True)
            call = [*command, str(model)]
            out[name] = timed(lambda c=call: subprocess.run(c, check=True, env=environment, stdout=subprocess.DEVNULL))
    out["bar"] = "<= 10 s" if target.tree.generation == "current" else "<= 4 s"
    return out


def start_up(target: Target) -> Result:
    """`import sim`, `boardless --help`, and pytest with one hello test, whole processes, warm."""
    bare = [sys.executable, "-c", "pass"]
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder) / "test_hello.py"
        test.write_text(
            "import pytest\n\n\n@pytest.mark.app('hello')\ndef test_hello(machine):\n"
            "    assert machine.wait_for_decision(within='5 s')\n"
        )
        runs = {
            "python_ms": bare,
            "import_sim_ms": [sys.executable, "-c", "import sim"],
            "help_ms": [shutil.which("boardless", path=str(Path(sys.executable).parent)) or "boardless", "--help"],
            # Hypothesis comes with the development tools; its own plugin takes half a second of every pytest.
            "pytest_hello_ms": [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"),
                str(test),
            ],
        }
        out: Result = {}
        for name, command in runs.items():
            call = lambda c=command: subprocess.run(c, check=True, stdout=subprocess.DEVNULL, cwd=folder)  # noqa: E731
            call()
            out[name] = statistics.median(timed(call) for _ in range(9)) * 1e3
    out["bar"] = "import 150 ms, help 300 ms, pytest 1500 ms"
    return out


ALL = {f.__name__: f for f in (fixture, emulation, doorbell, changed_model, new_operators, library, start_up)}
OF_TREE = (library, new_operators)  # what takes longer with a current tree


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--save", action="store_true", help="write the results into benchmarks/results")
    parser.add_argument("--current", metavar="TREE", help="a current TFLM tree, reference and CMSIS-NN kernels")
    args = parser.parse_args()
    target = Target.of(Settings.load())
    rows = {name: (ALL[name], target) for name in args.names or ALL}
    if args.current:
        for kernels in KERNELS:
            theirs = Target.of(replace(target.settings, tflm=str(Path(args.current).absolute()), kernels=kernels))
            rows |= {f"{f.__name__}, current tree, {kernels}": (f, theirs) for f in OF_TREE if f.__name__ in rows}
    results: dict[str, Result] = {}
    for name, (measure, where) in rows.items():
        results[name] = measure(where)
        print(name, json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in results[name].items()}))
    if args.save:
        _save(results, target)


def _save(results: dict[str, Result], target: Target) -> None:
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    where = {
        "date": time.strftime("%Y-%m-%d"),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "engine": f"{target.engine.name} {target.engine.version()}",
    }
    (folder / "speed.json").write_text(json.dumps({"where": where, "results": results}, indent=2) + "\n")
    lines = [
        "# Speed",
        "",
        f"`python benchmarks/speed.py --save`, {where}",
        "",
        "| what | measured | bar |",
        "|---|---|---|",
    ]
    for name, result in results.items():
        figures = ", ".join(
            f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in result.items() if k != "bar"
        )
        what = (ALL[name.partition(",")[0]].__doc__ or "").strip().rstrip(".")
        lines.append(f"| {name}: {what} | {figures} | {result['bar']} |")
    (folder / "speed.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
