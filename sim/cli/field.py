"""`boardless field`: what a device in the field has left, as a recording."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sim.cli.options import check_outputs, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("import", "diagnose"), help="import logs as a recording; or say what a crash "
                        "dump means")  # fmt: skip
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG", help=".csv, .tsv, .jsonl, .wav, .png, or a UART "
                        "log with the recorder's lines (docs/field.md)")  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.blrec", help="default: the first log's name")
    parser.add_argument("--board", "-b", help="board that the device is: name, or folder with a board.toml")
    parser.add_argument("--firmware", type=Path, metavar="ELF", help="the very build that was in the device")
    parser.add_argument("--sensor", default="", metavar="SLOT", help="whose samples a table has")
    parser.add_argument("--rate", type=float, metavar="HZ", help="the sensor's rate, as the firmware sets it up")
    parser.add_argument("--range", type=float, action="append", default=[], metavar="R", help="the sensor's range; "
                        "again: that of its second quantity (default: the widest)")  # fmt: skip
    parser.add_argument("--codes", action="store_true", help="a table has raw codes, not physical values")
    parser.add_argument("--gaps", default="", metavar="HOW", help="fill missing samples: hold, interpolate, drop, "
                        "silent (default: refuse)")  # fmt: skip
    parser.add_argument("--dump", type=int, default=0, metavar="N", help="which of several dumps in a log, 1 is the "
                        "first (default: the last)")  # fmt: skip
    parser.add_argument("--symptom", metavar="WHAT", help="what was wrong: decision:LABEL, decision:LABEL>0.8, "
                        "no-decision:LABEL, lost:SENSOR")  # fmt: skip
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    return _diagnose(args) if args.what == "diagnose" else _import(args)


def _import(args: argparse.Namespace) -> int:
    from sim.boards import Board, board_folders
    from sim.field.importing import import_logs, with_complaint
    from sim.field.recording_io import save
    from sim.field.symptom import symptom_of
    from sim.report import json_out

    out = args.output or args.logs[0].with_suffix(".blrec")
    check_outputs(args.json, out)
    settings = settings_of(args)
    board = Board.load(settings.board, board_folders(settings))
    made = import_logs(args.logs, board, sensor=args.sensor, rate=args.rate, ranges=args.range, codes=args.codes,
                       gaps=args.gaps, dump=args.dump, elf=args.firmware)  # fmt: skip
    if args.symptom:
        made = with_complaint(made, symptom_of(made, args.symptom).as_json())
    save(made, out)
    counts = {s.slot: len(s.samples()) for s in made.sensors}
    if args.json:
        said = {"what": "import", "output": str(out), "samples": counts, "decisions": len(made.decisions),
                "board_time": made.end_ps / 1e12, "build_id": made.firmware["build_id"],
                "remarks": list(made.remarks), "diagnosis": []}  # fmt: skip
        json_out.write("field", said, args.json)
    if args.json != "-":
        told = ", ".join(f"{n} samples of {slot}" for slot, n in counts.items()) or "no samples"
        print(f"{out}: {told}, {len(made.decisions)} decisions")
        for remark in made.remarks:
            print(remark)
    return 0


def _diagnose(args: argparse.Namespace) -> int:
    from sim.errors import UsageError
    from sim.field.diagnose import diagnose
    from sim.report import json_out

    if args.firmware is None:
        raise UsageError("which build was in the device?", hint="--firmware build/product.elf")
    check_outputs(args.json)
    found = diagnose(args.logs, args.firmware)
    if args.json:
        said: dict[str, Any] = {"what": "diagnose", "output": None, "samples": {}, "decisions": 0, "board_time": None,
                "build_id": found.build_id, "remarks": list(found.remarks), "diagnosis": list(found.lines)}  # fmt: skip
        json_out.write("field", said, args.json)
    if args.json != "-":
        for line in (*found.lines, *found.remarks):
            print(line)
    return 0
