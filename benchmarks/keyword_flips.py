"""1,000 bit flips in the keyword model's weights, each on 20 inputs: which bits and which weights matter.

    python benchmarks/keyword_flips.py [--count N] [--jobs N] [--save]

The inputs are what the app's front end makes of the shipped recordings, ten windows of each. All of it is done twice
and has to come out the same. `--save` writes benchmarks/results/keyword_flips.json and .md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.faults.on_inputs import Flipped, flips_on_inputs
from sim.faults.rates import wilson
from sim.model import Model
from sim.paths import data_root
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

RESULTS = Path(__file__).with_name("results")
EACH = 10  # windows of a recording


def windows(target: Target) -> np.ndarray:
    """What the model is given when the app hears the shipped recordings, int8 [20, 49, 40]."""
    elf = target.build("keyword").elf
    out = []
    for name in ("yes_synthetic", "no_synthetic"):
        with target.boot(elf) as machine:
            machine.port.config["show_input"] = 1
            machine.microphone.play(Recording.load(find_recording(name)))
            machine.run_to_end()
            seen = [
                np.frombuffer(data, np.int8).reshape(49, 40) for _, data in machine.port.outputs if len(data) == 1960
            ]
        out += [seen[i] for i in np.linspace(0, len(seen) - 1, EACH).round().astype(int)]
    return np.stack(out)


def digest(found: list[Flipped]) -> str:
    return hashlib.sha256(
        json.dumps([(f.flip.number, f.wrong, f.moved, f.failure) for f in found]).encode()
    ).hexdigest()


def group(found: list[Flipped], key: Any) -> list[dict[str, Any]]:
    names = sorted({key(f) for f in found})
    rows = []
    for name in names:
        those = [f for f in found if key(f) == name]
        harmful = sum(not f.masked for f in those)
        low, high = wilson(harmful, len(those))
        rows.append({"name": name, "flips": len(those), "not_masked": harmful, "share": harmful / len(those),
                     "low": low, "high": high, "moved": sum(f.moved > 0 for f in those),
                     "wrong": sum(f.wrong for f in those)})  # fmt: skip
    return rows


def table(title: str, rows: list[dict[str, Any]]) -> list[str]:
    out = [f"| {title} | flips | an output moves | not masked | 95 % interval | wrong of all decisions |",
           "|---|---|---|---|---|---|"]  # fmt: skip
    for r in rows:
        out.append(f"| {r['name']} | {r['flips']} | {r['moved']} | {r['not_masked']} ({r['share'] * 100:.1f} %) | "
                   f"{r['low'] * 100:.1f} to {r['high'] * 100:.1f} % | {r['wrong']} |")  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    target = Target.of(replace(Settings.load(), timing="instructions"))
    model = Model.load(data_root() / "models" / "keyword" / "keyword.tflite")
    inputs = windows(target)
    runs, clean, took = [], [0], []
    for turn in (1, 2):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"turn {turn} of 2", flush=True)
        found, clean = flips_on_inputs(target, model, inputs, count=args.count, seed=args.seed, jobs=args.jobs)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        took.append((time.perf_counter() - began, cpu))
        runs.append(found)
    unlike = [f"{a} and {b}" for a, b in zip(*runs, strict=True) if a != b]
    if unlike:
        raise SystemExit("the second time it came out otherwise: " + "; ".join(unlike[:10]))
    found = runs[0]
    weights = [f for f in found if f.flip.width == 8]
    harmful = [f for f in found if not f.masked]
    result = {
        "model": model.name, "model_sha256": model.sha256, "inputs": len(inputs),
        "inputs_sha256": hashlib.sha256(inputs.tobytes()).hexdigest(), "classes": clean, "count": args.count,
        "seed": args.seed, "digest": digest(found), "board": target.board.name, "engine": target.engine.version(),
        "seconds": took, "masked": len(found) - len(harmful), "unmoved": sum(f.moved == 0 for f in found),
        "failed": sum(bool(f.failure) for f in found),
        "by_bit": group(weights, lambda f: f.flip.bit),
        "by_tensor": group(found, lambda f: f.flip.tensor.split(";")[0]),  # a bias has all names that were fused
        "biases": group([f for f in found if f.flip.width == 32], lambda f: f"byte {f.flip.bit // 8}"),
        "worst": [{"tensor": f.flip.tensor, "element": f.flip.element, "bit": f.flip.bit, "wrong": f.wrong}
                  for f in sorted(harmful, key=lambda f: (-f.wrong, f.flip.number))[:10]],
    }  # fmt: skip
    low, high = wilson(len(harmful), len(found))
    text = [
        "# Bit flips in the keyword model",
        "",
        f"`python benchmarks/keyword_flips.py`: {args.count} flips of one bit in the weights of {model.name} "
        f"({len(model.data):,} bytes), each on {len(inputs)} inputs, seed {args.seed}; on {target.board.name} "
        f"({target.engine.name} {target.engine.version()}). Twice, with the same result (digest {digest(found)[:16]}).",
        "",
        f"Masked (no input is classified otherwise): {len(found) - len(harmful)}; not masked: {len(harmful)} "
        f"({len(harmful) / len(found) * 100:.1f} %, 95 % interval {low * 100:.1f} to {high * 100:.1f} %). "
        f"No output moves by even one LSB: {result['unmoved']}. Faults or hangs: {result['failed']}. "
        f"{min(len(harmful), 10)} flips make {sum(w['wrong'] for w in result['worst'])} of the "
        f"{sum(f.wrong for f in found)} wrong decisions (of {len(found) * len(inputs):,}).",
        "", *table("bit of an int8 weight (7: sign)", result["by_bit"]),
        "", *table("byte of an int32 bias (3: the highest)", result["biases"]),
        "", *table("tensor", result["by_tensor"]), "",
        f"{took[0][0]:.0f} and {took[1][0]:.0f} s with {args.jobs} jobs, {took[0][1]:.0f} and {took[1][1]:.0f} s of "
        "CPU in QEMU.",
    ]  # fmt: skip
    print("\n".join(text))
    if args.save:
        (RESULTS / "keyword_flips.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "keyword_flips.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
