"""Pin: a pytest case of a recording, that fails now and passes after the fix, with words for people."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.durations import PS
from sim.errors import UsageError
from sim.faults.codes import FOREVER
from sim.field.container import SUFFIX
from sim.field.pinned import Red
from sim.field.recorded import FieldRecording
from sim.field.recording_io import save
from sim.field.subject import Subject
from sim.field.symptom import Symptom
from sim.files import replaced

_SAMPLES_SHOWN = 6


def pin(
    recording: FieldRecording, path: Path, symptom: Symptom, subject: Subject, red: Red, *, story: str = ""
) -> Path:
    """Write the test and, beside it, its recording without the firmware; returns the path of the recording.

    `red`: how it turns red, see `sim.field.pinned`. Raises UsageError.
    """
    beside = free_place(path)
    save(replace(recording, elf=None, complaint={**symptom.as_json(), "ends": red.ends}), beside)
    try:
        with replaced(path) as file:
            file.write(_text(recording, path, symptom, subject, red, story).encode())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def free_place(path: Path) -> Path:
    """Where the recording of that test goes. Raises UsageError where the test cannot be written, or is already."""
    if not re.fullmatch(r"test_[a-z0-9_]+\.py", path.name):
        raise UsageError(f"{path}: pytest would not find it", hint="name it tests/test_field_0042.py")
    if path.exists():
        raise UsageError(f"{path}: is there already", hint="give another name, or delete it first")
    beside = path.with_suffix(SUFFIX)
    if beside.exists():
        raise UsageError(f"{beside}: is there already", hint="give another name, or delete it first")
    return beside


def _text(
    recording: FieldRecording, path: Path, symptom: Symptom, subject: Subject, red: Red, story: str
) -> str:  # fmt: skip
    told = [*story.strip().split("\n\n"), *_told(recording, symptom, red.run)]
    if red.by:
        told.append(f"It was fixed before this test was written: red was {red.by}.")
    told.append("Made by boardless pin; boardless replay runs the recording beside this file.")
    text = "\n\n".join(textwrap.fill(p, 100) for p in told if p)
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    lines = [
        f'"""{text}\n"""',
        "",
        "from pathlib import Path",
        "",
        "import pytest",
        "from sim import FieldRecording",
        "",
        f"CASE = FieldRecording.load(Path(__file__).with_suffix({SUFFIX!r}))",
        "",
        "",
        *subject.marks(recording.board["name"]),
        f"def {path.stem}(machine):",
        "    CASE.play(machine)  # what the sensors delivered then" + _raises(symptom),
        *_asserts(symptom),
    ]
    return "\n".join(lines) + "\n"


def _raises(symptom: Symptom) -> str:
    return "; raises when the firmware fails" if symptom.kind == "failure" else ""


def _asserts(symptom: Symptom) -> list[str]:
    if symptom.kind == "failure":
        return []
    if symptom.kind == "lost":
        return [f"    assert machine.port.streams[{symptom.what!r}].lost == 0"]
    above = f" and d.score > {symptom.above:g}" if symptom.above >= 0 else ""
    seen = f"any(d.label == {symptom.what!r}{above} for d in machine.decisions)"
    return [f"    assert {'not ' if symptom.kind == 'decision' else ''}{seen}"]


def _told(recording: FieldRecording, symptom: Symptom, run: FieldRecording) -> list[str]:
    """What happened, in words. `run`: where it can be seen."""
    r = recording
    build = f", build {r.firmware['build_id'][:12]}" if r.firmware.get("build_id") else ""
    at = symptom.first_seen_ps(run) / PS
    first = f"In the field the firmware {r.firmware['name']} ({r.board['name']}{build})"
    if r.origin == "run":
        first = f"On a virtual {r.board['name']} the firmware {r.firmware['name']}{build}"
    when = f"within {at:.3f} s" if symptom.kind == "no-decision" else f"{at:.3f} s after its start"
    out = [f"{first} {symptom.text}, {when}."]
    if symptom.kind == "failure" and run.failure is not None:
        out.append(f"It said: {run.failure.reason}")
    for sensor in r.sensors:
        codes = sensor.samples()
        if not len(codes):
            continue
        rate = float(sensor.openings[-1].rate)
        shown = "; ".join(str([int(v) for v in row[:8]]) for row in codes[:_SAMPLES_SHOWN])
        more = " ..." if len(codes) > _SAMPLES_SHOWN else ""
        what = ", ".join(sensor.channels[:8])
        out.append(f"{sensor.slot} delivered {len(codes)} samples at {rate:g} Hz (codes of {what}): {shown}{more}")
    out += [_fault(f) for f in r.faults]
    out += [f"{_begun(remark)}." for remark in r.remarks]
    return out


def _begun(remark: str) -> str:
    """As a sentence; the name of a file or a channel at its beginning stays as it is."""
    return remark[0].upper() + remark[1:] if remark.split()[0].isalpha() else remark


def _fault(fault: Any) -> str:
    told = {k: f"{k} {v}" for k, v in fault.items() if k not in ("kind", "time_ps")}
    if "by_ps" in fault:
        told["by_ps"] = f"by {fault['by_ps'] / PS:g} s"
    if "end_ps" in fault:
        told["end_ps"] = "for ever" if fault["end_ps"] >= FOREVER else f"until {fault['end_ps'] / PS:.3f} s"
    rest = ", ".join(told[k] for k in sorted(told, key=lambda k: k != "sensor"))
    return f"At {fault['time_ps'] / PS:.3f} s there was a fault: {fault['kind']} ({rest})."
