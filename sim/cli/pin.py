"""`boardless pin`: a pytest case of a recording: red now, green after the fix."""

from __future__ import annotations

import argparse
from pathlib import Path

from sim.cli.options import check_outputs, progress, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", type=Path, metavar="FILE.blrec", help="recording, best a shrunk one")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="tests/test_NAME.py", help="the test")
    parser.add_argument("--app", metavar="NAME|FOLDER", help="app that the test builds (default: the recorded one)")
    parser.add_argument("--firmware", metavar="ELF", help="finished ELF that the test runs, instead of an app")
    parser.add_argument("--model", metavar="M.tflite", help="model of the app, if not its own")
    parser.add_argument("--recorder", metavar="TIME", help="recorder in the app, as in the recorded firmware")
    parser.add_argument("--symptom", metavar="WHAT", help="what must not be: failure, decision:LABEL, "
                        "decision:LABEL>0.8, no-decision:LABEL, lost:SENSOR (default: as recorded)")  # fmt: skip
    parser.add_argument("--story", default="", metavar="TEXT", help="what happened, in your words")
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.elf import load_elf
    from sim.errors import UsageError
    from sim.field.pin import app_of, free_place, pin
    from sim.field.pinned import check_red, run_of_test
    from sim.field.recording_io import load
    from sim.field.replay import image_of
    from sim.field.symptom import symptom_of
    from sim.firmware.recorder import RecorderOption
    from sim.report import json_out

    check_outputs(args.json, args.output)
    if args.recorder is not None:
        RecorderOption.parse(args.recorder)
        if args.firmware:
            raise UsageError("--recorder and --firmware", hint="a finished ELF has its recorder in it, or has none")
    if args.app and args.firmware:
        raise UsageError("--app and --firmware", hint="one of them: what should the test run?")
    free_place(args.output)
    recording, settings = load(args.recording), settings_of(args)
    symptom = symptom_of(recording, args.symptom)
    has_recorder = False
    if recording.elf is not None:
        with image_of(recording, None) as elf:
            has_recorder = "boardless_recorder_start" in load_elf(elf).symbols
    what = {"app": "" if args.firmware else app_of(recording, args.app or ""), "firmware": args.firmware or "",
            "model": args.model or "", "recorder": args.recorder or ""}  # fmt: skip
    now = run_of_test(recording, args.output, settings, progress=progress, **what)
    built = args.firmware or f"app {what['app']} as it is built now"
    remark = check_red(now, recording, symptom, settings, built)
    beside = pin(recording, args.output, symptom, story=args.story, **what)
    if args.json:
        said = {"test": str(args.output), "recording": str(beside), "symptom": symptom.text}
        json_out.write("pin", said, args.json)
    if args.json != "-":
        print(f"{args.output} and {beside}: red as long as the firmware {symptom.text}")
        if remark:
            print(remark)
        if has_recorder and not args.recorder and not args.firmware:
            print("the recorded firmware had a recorder in it, the test's has not: --recorder TIME gives it one")
    return 0
