"""Deep compression of two of the uses against its bars: python benchmarks/compress.py [--save] [--trained FOLDER]

Trains both models as their train.py does (two to six minutes), takes them through `boardless compress`, and holds the
results against the bars; --save writes benchmarks/results/compress.json and compress.md. Exit code 1: a bar was missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
BOARD = "arduino_nano_33_ble"
# use, steps, epochs after each step
RUNS = (
    ("image", "prune:0.85,cluster:16,int8", 40),
    ("vehicle", "int8", 0),
    ("vehicle", "channels:0.5,int8", 12),
)
TIMES_SMALLER, POINTS, SHARE_OF_CYCLES = 20.0, 0.01, 0.5


def call(*words: str) -> None:
    print("$", " ".join(words), flush=True)
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True)


def measured(folder: Path, trained: Path) -> list[dict]:
    """The JSON of each run. `trained`: where the models are, or are put."""
    for use in sorted({use for use, _, _ in RUNS}):
        if not (trained / use / f"{use}.keras").is_file():
            call(f"models/{use}/train.py", "--save", str(trained / use))
    found = []
    for number, (use, steps, epochs) in enumerate(RUNS):
        at, out = trained / use, folder / f"{number}.json"
        call("-m", "sim", "compress", str(at / f"{use}.keras"), "--data", str(at / "train.npz"),
             "--test", str(at / "test.npz"), "--board", BOARD, "--steps", steps, "--epochs", str(epochs),
             "--json", str(out))  # fmt: skip
        result = json.loads(out.read_text(encoding="utf-8"))
        # Of the file's own folder nothing is kept: a result does not depend on it.
        result["judged_by"] = result["judged_by"].replace(str(trained) + "/", "")
        found.append({"use": use, **result})
    return found


def bars(runs: list[dict]) -> list[tuple[str, str, bool]]:
    """(bar, what was measured, whether it is met)."""
    shared, plain, lean = (run["rows"] for run in runs)
    lost = shared[0]["accuracy"] - shared[-1]["accuracy"]
    smaller = shared[-1]["times_smaller"]
    less = lean[-1]["board"]["cycles"] / plain[-1]["board"]["cycles"]
    worse = max(row["accuracy"] for row in (plain[0], plain[-1])) - lean[-1]["accuracy"]
    return [
        ("image: coded weights at least 20x smaller than float32, at most 1 point of accuracy lost",
         f"{smaller:.1f}x, {100 * lost:+.2f} points lost", smaller >= TIMES_SMALLER and lost <= POINTS),
        ("vehicle: at most half the cycles of int8 alone, at most 1 point lost",
         f"{100 * less:.0f} % of the cycles, {100 * worse:+.2f} points lost",
         less <= SHARE_OF_CYCLES and worse <= POINTS),
    ]  # fmt: skip


def page(runs: list[dict], judged: list[tuple[str, str, bool]]) -> str:
    lines = [
        "# Deep compression",
        "",
        "`python benchmarks/compress.py --save`",
        "",
        "| bar | measured | |",
        "|---|---|---|",
    ]
    lines += [f"| {bar} | {got} | {'met' if met else '**missed**'} |" for bar, got, met in judged]
    for run in runs:
        made = f"{run['use']}, `{run['steps']}`, {run['tuning']['epochs']} epochs after each step, {run['board']}"
        engine = f"{run['engine']['name']} {run['engine']['version']}, {run['cycle_model']}"
        head = "step | accuracy | .tflite | zipped | coded | smaller | zeros | flash | arena | cycles | energy | board"
        lines += ["", f"## {made}", f"{engine}, {run['tflm']['kernels']} kernels. {run['judged_by']}.", "",
                  f"| {head} |", "|" + "---|" * 12]  # fmt: skip
        for row in run["rows"]:
            b = row["board"]
            cells = [
                row["step"], f"{100 * row['accuracy']:.2f} %", f"{row['tflite_bytes']:,}", f"{row['zipped_bytes']:,}",
                f"{row['coded_bytes']:,}", f"{row['times_smaller']:.1f}x", f"{100 * row['zeros']:.0f} %",
                f"{b['flash']:,}", f"{b['arena']:,}", f"{b['cycles']:,}", f"{b['joules'] * 1e6:.1f} µJ",
                f"{b['right']} of {b['rows']} right, {b['same']} as on the host",
            ]  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
        notes = [f"- {row['step']}: {note}" for row in run["rows"] for note in row["notes"]]
        lines += ["", *notes] if notes else []
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true", help="write the results into benchmarks/results/")
    parser.add_argument(
        "--trained", type=Path, metavar="FOLDER", help="keep trained models there, or take them from there"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = measured(Path(folder), args.trained or Path(folder))
    judged = bars(runs)
    text = page(runs, judged)
    print(text)
    if args.save:
        (RESULTS / "compress.json").write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "compress.md").write_text(text, encoding="utf-8")
    return 0 if all(met for _, _, met in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
