"""`boardless replay`: run a recording again, and say whether it does the same, or still fails."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.cli.options import check_outputs, progress, settings_of
from sim.durations import PS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", type=Path, metavar="FILE.blrec", help="recording (docs/field.md)")
    parser.add_argument("--board", "-b", help="another board: name, or folder with a board.toml")
    parser.add_argument("--engine", "-e", help="another engine")
    parser.add_argument("--firmware", type=Path, metavar="NEW.elf", help="another firmware: does it still fail?")
    parser.add_argument("--symptom", metavar="WHAT", help="what is wrong: failure, decision:LABEL, decision:LABEL>0.8, "
                        "no-decision:LABEL, lost:SENSOR (default: as the recording says)")  # fmt: skip
    parser.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.elf import load_elf
    from sim.field.recording_io import load
    from sim.field.replay import BEHIND, image_of, rebuilt_for, replay, target_of
    from sim.field.symptom import symptom_of
    from sim.report import json_out

    check_outputs(args.json)
    recording = load(args.recording)
    if args.firmware:
        load_elf(args.firmware)
    symptom = None
    field = recording.origin == "field"
    if args.symptom or ((args.firmware or field) and (recording.complaint or not field)):
        symptom = symptom_of(recording, args.symptom)
    target = target_of(recording, settings_of(args), board=args.board, engine=args.engine)
    # Another engine's board time is another: a while longer, so that it comes to as many decisions.
    other = recording.engine["name"] != target.engine.name
    firmware = args.firmware or rebuilt_for(recording, target, progress)
    with image_of(recording, firmware) as elf:
        # Another firmware may take longer for it; what it does once that has come is not asked.
        more = "1 s" if other else BEHIND if args.firmware else 0.0
        result = replay(recording, target, elf, more=more, symptom=symptom)
    code, said = _verdict(args, result, symptom)
    if args.json:
        json_out.write("replay", _as_json(result, symptom, code), args.json)
    if args.json != "-":
        for line in said:
            print(line)
    return code


def _verdict(args: argparse.Namespace, result: Any, symptom: Any) -> tuple[int, list[str]]:
    said = [f"unlike the recording: {line}" for line in result.unlike]
    if result.beyond:
        said.append(f"the firmware wanted {result.beyond} samples more than the recording has: the run ends there")
    if symptom is not None:
        fails = symptom.seen(result.now)
        said.append(f"{'still' if fails else 'no longer'}: {symptom.text}")
        if not fails and result.now.failure is not None:
            return 1, [*said, f"but now it fails: {result.now.failure.reason}"]
        return int(fails), said
    if result.was.origin == "field":
        return _against_log(result, said)
    if result.same:
        now = result.now
        said.append(
            f"same: {len(now.events)} events, {len(now.decisions)} decisions in {now.end_ps / PS:.3f} s of board time, "
            f"event hash {now.event_hash[:16]}"
        )
        return 0, said
    if result.other_engine:
        if not result.same_decisions:
            return 1, [*said, result.other_decision]
        told = f"same {len(result.was.decisions)} decisions, decision hash {result.was.decision_hash[:16]}"
        return 0, [*said, f"{told} (another engine: other times)"]
    return 1, [*said, str(result.difference)]


def _against_log(result: Any, said: list[str]) -> tuple[int, list[str]]:
    """A log has no events, only what the device decided: does the virtual board decide that too?"""
    from sim.field.imported import begins_later, dumped_for

    now = result.now
    said.append(f"{len(now.decisions)} decisions in {now.end_ps / PS:.3f} s of board time")
    if now.failure is not None:
        return 1, [*said, f"it fails: {now.failure.reason}"]
    logged, later = result.was.decisions, ""
    if begins_later(result.was) and now.decisions:
        before = [d for d in logged if _is_before(d, now.decisions[0])]
        logged = logged[len(before) :]
        later = f"; {len(before)} before them are of samples that are not in the log" if before else ""
    if logged:
        came = set(map(_decided, now.decisions))
        again = sum(_decided(d) in came for d in logged)
        said.append(f"{again} of the {len(logged)} decisions in the log came again, at the same samples{later}")
        if again < len(logged):
            return 1, said
    if ended := dumped_for(result.was):
        said.append(f"the log was dumped for {ended}, which did not come again: what led to it may lie before the log, "
                    "or the log lacks an input")  # fmt: skip
        return 1, said
    return 0, said


def _is_before(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(n < other["samples"].get(slot, 0) for slot, n in one["samples"].items())


def _decided(decision: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, int], ...]]:
    """A log has no blanks in its labels."""
    return decision["label"].replace(" ", "_"), tuple(sorted(decision["samples"].items()))


def _as_json(result: Any, symptom: Any, code: int) -> dict[str, Any]:
    difference = result.difference
    return {
        "outcome": "passed" if code == 0 else "failed",
        "same": result.same,
        "same_decisions": result.same_decisions,
        "unlike": result.unlike,
        "difference": None
        if difference is None
        else {
            "time": difference.time_ps / PS,
            "event": difference.index,
            "was": str(difference.was) if difference.was else None,
            "now": str(difference.now) if difference.now else None,
        },
        "symptom": None if symptom is None else {"text": symptom.text, "seen": symptom.seen(result.now)},
        "failure": None if result.now.failure is None else result.now.failure.reason,
        "event_hash": result.now.event_hash,
        "decision_hash": result.now.decision_hash,
        "decisions": len(result.now.decisions),
        "board_time": result.now.end_ps / PS,
    }
