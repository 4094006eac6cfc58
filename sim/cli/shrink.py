"""`boardless shrink`: the smallest stimulus that is still wrong in the same way."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sim.cli.options import check_outputs, progress, settings_of
from sim.durations import PS
from sim.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", type=Path, metavar="FILE.blrec", help="recording (docs/field.md)")
    parser.add_argument("-o", "--output", type=Path, metavar="SMALL.blrec", help="default: FILE.small.blrec")
    parser.add_argument("--board", "-b", help="another board: name, or folder with a board.toml")
    parser.add_argument("--engine", "-e", help="another engine")
    parser.add_argument("--firmware", type=Path, metavar="NEW.elf", help="another firmware than the recorded one")
    parser.add_argument("--symptom", metavar="WHAT", help="what is wrong: failure, decision:LABEL, decision:LABEL>0.8, "
                        "no-decision:LABEL, lost:SENSOR (default: as the recording says)")  # fmt: skip
    parser.add_argument("--good", type=Path, metavar="OLD.elf", help="a firmware that does it right, as it must with "
                        "what is left")  # fmt: skip
    parser.add_argument("--gaps", choices=("close", "hold"), default="close", help="what deleting a sample does: what "
                        "follows comes sooner (default), or the value before it stays")  # fmt: skip
    parser.add_argument("--unit", type=int, default=0, metavar="N", help="delete N samples at a time at the finest")
    parser.add_argument("--jobs", "-j", type=int, default=1, metavar="N", help="trials at a time (default: 1)")
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.elf import load_elf
    from sim.field.asked import symptom_asked
    from sim.field.recording_io import load, save
    from sim.field.replay import image_of, target_of
    from sim.field.shrink import shrink
    from sim.report import json_out

    if not 1 <= args.jobs <= 64 or args.unit < 0:
        raise UsageError(f"--jobs {args.jobs} --unit {args.unit}", hint="1 to 64 jobs; a unit of 1 sample or more")
    out = args.output or args.recording.with_name(f"{args.recording.stem}.small.blrec")
    check_outputs(args.json, out)
    recording = load(args.recording)
    for elf in (args.firmware, args.good):
        if elf:
            load_elf(elf)
    target = target_of(recording, settings_of(args), board=args.board, engine=args.engine)
    journal = out.with_name(out.name + ".journal")
    with image_of(recording, args.firmware) as elf:
        symptom = symptom_asked(recording, args.symptom, target, elf)
        result = shrink(recording, target, elf, symptom, gaps=args.gaps, unit=args.unit, jobs=args.jobs,
                        journal=journal, good=args.good, progress=progress)  # fmt: skip
    save(result.recording, out)
    journal.unlink(missing_ok=True)
    if args.json:
        json_out.write("shrink", _as_json(result, symptom, out), args.json)
    if args.json != "-":
        print(f"{out}: {result.after} of {result.before} samples, {result.recording.end_ps / PS:.3f} s of board time")
        print(f"still {symptom.text}")
        for line in result.did:
            print(line)
        if symptom.kind == "decision" and not args.good:
            print("what is left may be decided so for good reason; --good OLD.elf, which does it right, rules that out")
        print(f"{result.trials} trials" + (f", {result.known} known before" if result.known else ""))
    return 0


def _as_json(result: Any, symptom: Any, out: Path) -> dict[str, Any]:
    return {
        "output": str(out),
        "symptom": symptom.text,
        "samples_before": result.before,
        "samples_after": result.after,
        "board_time": result.recording.end_ps / PS,
        "trials": result.trials,
        "known": result.known,
        "did": list(result.did),
        "event_hash": result.recording.event_hash,
    }
