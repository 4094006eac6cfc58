"""`boardless campaign`: faults in memory by the hundred, and what became of the decisions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="APP|ELF", help="app (name or folder), or a finished ELF")
    add_target_arguments(parser)
    parser.add_argument("--play", required=True, metavar="FILE", help="recording that the decisions are of")
    parser.add_argument("--sensor", metavar="SLOT", help="where to play it (default: the sensor that it fits)")
    parser.add_argument("--model", type=Path, metavar="M.tflite", help="model of the app (default: its own)")
    parser.add_argument("--faults", default="weights", metavar="PLACES", help="where bits flip: weights, "
                        "weights:TENSOR, code, stack, arena, a symbol; with commas (default: weights)")  # fmt: skip
    parser.add_argument("--bits", default="1", metavar="N,...", help="bits flipped together (default: 1)")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="faults of each kind (default: 100)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="draws the bits (default: 1)")
    parser.add_argument("--jobs", "-j", type=int, default=1, metavar="N", help="boards at a time (default: 1)")
    parser.add_argument("--journal", type=Path, metavar="FILE.jsonl", help="every outcome goes there; a campaign that "
                        "was stopped goes on from it")  # fmt: skip
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.cli.run import firmware_of
    from sim.faults.campaign import run_campaign
    from sim.faults.rates import described
    from sim.report import json_out
    from sim.sensors.find import find_recording
    from sim.sensors.recording import Recording
    from sim.target import Target

    try:
        bits = [int(b) for b in args.bits.split(",")]
    except ValueError:
        raise UsageError(f"--bits {args.bits}: no whole numbers", hint="--bits 1,4,16") from None
    check_outputs(args.json, args.journal)
    target = Target.of(settings_of(args))
    stimulus = Recording.load(find_recording(args.play))
    firmware = firmware_of(args.what, args.model, target)
    try:
        result = run_campaign(
            target, firmware.elf, args.sensor or _fitting(target, stimulus), stimulus,
            places=[p.strip() for p in args.faults.split(",")], bits=bits, count=args.count, seed=args.seed,
            jobs=args.jobs, journal=args.journal, progress=progress,
        )  # fmt: skip
    except KeyboardInterrupt:
        kept = f"outcomes so far are in {args.journal}: the same command goes on" if args.journal else "nothing is kept"
        print(f"boardless campaign: {kept}", file=sys.stderr)
        raise
    if args.json:
        json_out.write("campaign", {**target.described_without_tree(), **_as_json(result, firmware, args)}, args.json)
    if args.json != "-":
        for line in described(result):
            print(line)
    return 0


def _fitting(target: Any, stimulus: Any) -> str:
    from sim.sensors.parts import part
    from sim.sensors.track import match

    for slot, name in target.board.parts.items():
        try:
            match(stimulus, part(name))
        except UsageError:
            continue
        return str(slot)
    raise UsageError(f"no sensor of {target.board.name} takes {stimulus.name}")


def _as_json(result: Any, firmware: Any, args: argparse.Namespace) -> dict[str, Any]:
    return {
        "firmware_sha256": firmware.sha256,
        "seed": args.seed,
        "windows": result.windows,
        "faults": len(result.outcomes),
        "rates": [
            {
                "place": r.place,
                "bits": r.bits,
                "counts": dict(r.counts),
                "moved": r.moved,
                "right": r.right,
                "low": r.low,
                "high": r.high,
            }
            for r in result.rates()
        ],
        "vulnerable": [{"part": p, "not_masked": bad, "faults": n} for p, bad, n in result.vulnerable()],
    }
