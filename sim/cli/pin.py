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
    parser.add_argument("--fixed", action="store_true", help="the app is fixed already: the recorded firmware has to "
                        "fail, the app to pass")  # fmt: skip
    parser.add_argument("--failed", type=Path, metavar="OLD.elf", help="the same, where this firmware fails")
    parser.add_argument("--symptom", metavar="WHAT", help="what must not be: failure, decision:LABEL, "
                        "decision:LABEL>0.8, no-decision:LABEL, lost:SENSOR (default: as recorded)")  # fmt: skip
    parser.add_argument("--story", default="", metavar="TEXT", help="what happened, in your words")
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.elf import load_elf
    from sim.field.asked import symptom_asked
    from sim.field.pin import free_place, pin
    from sim.field.pinned import red
    from sim.field.recording_io import load
    from sim.field.replay import target_of
    from sim.field.subject import Subject, recorder_in
    from sim.report import json_out

    check_outputs(args.json, args.output)
    free_place(args.output)
    recording, settings = load(args.recording), settings_of(args)
    given = Subject(args.app or "", args.firmware or "", args.model or "", args.recorder or "")
    subject = given.checked(recording)
    if args.failed:
        load_elf(args.failed)
    symptom = symptom_asked(
        recording, args.symptom, target_of(recording, settings, board=None, engine=None), args.failed
    )
    how = red(recording, symptom, subject, args.output, settings, fixed=args.fixed, failed=args.failed,
              progress=progress)  # fmt: skip
    beside = pin(recording, args.output, symptom, subject, how, story=args.story)
    if args.json:
        said = {"test": str(args.output), "recording": str(beside), "symptom": symptom.text}
        json_out.write("pin", said, args.json)
    if args.json != "-":
        print(f"{args.output} and {beside}: red as long as the firmware {symptom.text}")
        for remark in how.remarks:
            print(remark)
        if subject.app and not subject.recorder and recorder_in(recording):
            print("the recorded firmware had a recorder in it, the test's has not: --recorder TIME gives it one")
    return 0
