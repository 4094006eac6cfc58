"""FieldRecording <-> file. What is read is checked field by field: a file may come from anybody."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from sim.errors import UsageError
from sim.field import container
from sim.field.events import EVENTS_MAX, Event
from sim.field.recorded import Failure, FieldRecording, Opening, SensorRecord, StimulusRecord

_TIME_MAX = 1 << 73  # ps; board time is given to firmware as nanoseconds in 64 bits
_DTYPES = ("int16", "uint8")


def save(recording: FieldRecording, path: Path) -> None:
    """Write it; the same content gives the same bytes. Raises UsageError."""
    meta, members = packed(recording)
    container.write(path, meta, members)


def packed(r: FieldRecording) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Manifest (JSON) and members."""
    members: dict[str, bytes] = {
        "console.log": r.console,
        "events.json": _lines([e.as_json() for e in r.events]),
        "decisions.json": _lines(list(r.decisions)),
    }
    if r.elf is not None:
        members["firmware.elf"] = r.elf
    sensors: list[dict[str, Any]] = []
    for sensor in r.sensors:
        openings = []
        for i, o in enumerate(sensor.openings):
            name = f"codes/{sensor.slot}.{i}"
            members[name] = o.codes
            openings.append({"member": name, "rate": f"{o.rate.numerator}/{o.rate.denominator}", "ranges": o.ranges,
                             "time_ps": o.time_ps, "missing": o.missing})  # fmt: skip
        sensors.append({"slot": sensor.slot, "part": sensor.part, "channels": sensor.channels, "dtype": sensor.dtype,
                        "openings": openings})  # fmt: skip
    stimuli = []
    for i, s in enumerate(r.stimuli):
        name = f"stimulus/{s.slot}.{i}"
        members[name] = s.values
        stimuli.append({"member": name, "slot": s.slot, "began_ps": s.began_ps, "name": s.name,
                        "channels": s.channels, "units": s.units, "rate": s.rate})  # fmt: skip
    for i, (_, data) in enumerate(r.inputs):
        members[f"inputs/{i:05d}"] = data
    meta: dict[str, Any] = {
        "firmware": r.firmware, "board": r.board, "engine": r.engine, "build": r.build, "sensors": sensors,
        "stimuli": stimuli, "end_ps": r.end_ps, "config": r.config, "inputs": [slot for slot, _ in r.inputs],
        "writes": [[t, a, d.hex()] for t, a, d in r.writes], "faults": r.faults,
        "failure": None if r.failure is None else vars(r.failure), "exit_code": r.exit_code, "seed": r.seed,
        "time_base": r.time_base, "complaint": r.complaint, "remarks": r.remarks, "origin": r.origin,
        "event_hash": r.event_hash, "decision_hash": r.decision_hash,
    }  # fmt: skip
    return json.loads(json.dumps(meta)), members


def load(path: str | Path) -> FieldRecording:
    """Read and check a recording. Raises UsageError."""
    path = Path(path)
    manifest, members = container.read(path)
    return _checked(manifest, members, str(path))


def _checked(manifest: Mapping[str, Any], members: Mapping[str, bytes], where: str) -> FieldRecording:
    try:
        made = _made(manifest, members)
        if (manifest["event_hash"], manifest["decision_hash"]) != (made.event_hash, made.decision_hash):
            raise ValueError("its hashes are not those of its events and decisions")
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, RecursionError, OverflowError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"{where}: its manifest cannot be used: {what}", hint="was it written by hand?") from None
    return made


def _made(m: Mapping[str, Any], members: Mapping[str, bytes]) -> FieldRecording:
    events = [Event(_time(t), _text(w), _text(d)) for t, w, d in _read_lines(members["events.json"])]
    decisions = [_decision(d) for d in _read_lines(members["decisions.json"])]
    inputs = tuple((_int(slot), members[f"inputs/{i:05d}"]) for i, slot in enumerate(_list(m["inputs"])))
    failure = m["failure"]
    exit_code, seed = m["exit_code"], m["seed"]
    return FieldRecording(
        firmware={
            **_dict(m["firmware"]),
            **{key: _text(m["firmware"][key]) for key in ("name", "sha256", "build_id", "app")},
        },
        elf=members.get("firmware.elf"),
        board={**_dict(m["board"]), "name": _text(m["board"]["name"])},
        engine={**_dict(m["engine"]), "name": _text(m["engine"]["name"]), "version": _text(m["engine"]["version"])},
        build=_dict(m["build"]),
        sensors=tuple(_sensor(s, members) for s in _list(m["sensors"])),
        end_ps=_time(m["end_ps"]),
        stimuli=tuple(_stimulus(s, members) for s in _list(m["stimuli"])),
        decisions=tuple(decisions),
        events=tuple(events),
        console=members["console.log"],
        config={_text(k): _int(v) for k, v in _dict(m["config"]).items()},
        inputs=inputs,
        writes=tuple((_time(t), _int(a), bytes.fromhex(_text(d))) for t, a, d in _list(m["writes"])),
        faults=tuple(_fault(f) for f in _list(m["faults"])),
        failure=None if failure is None else Failure(*(_text(failure[k]) for k in ("reason", "signature", "report"))),
        exit_code=None if exit_code is None else _int(exit_code),
        seed=None if seed is None else _int(seed),
        time_base=_text(m["time_base"]),
        complaint=_dict(m["complaint"]),
        remarks=tuple(_text(r) for r in _list(m["remarks"])),
        origin=_text(m["origin"]),
    )


def _sensor(s: Mapping[str, Any], members: Mapping[str, bytes]) -> SensorRecord:
    if s["dtype"] not in _DTYPES:
        raise ValueError(f"a sensor has codes of type {s['dtype']!r}")
    channels = tuple(_text(c) for c in _list(s["channels"]))
    record = SensorRecord(_text(s["slot"]), _text(s["part"]), channels, s["dtype"], ())
    openings = []
    for o in _list(s["openings"]):
        codes, rate = members[o["member"]], Fraction(_text(o["rate"]))
        if not channels or len(codes) % record.bytes_per_sample or rate <= 0:
            raise ValueError(f"{o['member']} holds no whole samples, or has no rate")
        missing = tuple((_int(a), _int(n)) for a, n in _list(o["missing"]))
        ranges = tuple(_number(r) for r in _list(o["ranges"]))
        openings.append(Opening(rate, ranges, _time(o["time_ps"]), codes, missing))
    if not openings:
        raise ValueError(f"{record.slot} was never opened")
    return replace(record, openings=tuple(openings))


def _fault(fault: Any) -> dict[str, Any]:
    """What every fault has, and the numbers in it; the rest is checked when it is repeated."""
    known = {**_dict(fault), "kind": _text(fault["kind"]), "time_ps": _time(fault["time_ps"])}
    for key in ("end_ps", "by_ps", "off_ps", "address", "bit", "hz"):
        if key in known and _int(known[key]) < (key == "hz"):
            raise ValueError(f"a fault with {key} {known[key]}")
    if "sensor" in known:
        _text(known["sensor"])
    return known


def _stimulus(s: Mapping[str, Any], members: Mapping[str, bytes]) -> StimulusRecord:
    channels, units = (tuple(_text(c) for c in _list(s[key])) for key in ("channels", "units"))
    values = members[s["member"]]
    if not channels or len(units) != len(channels) or len(values) % (8 * len(channels)):
        raise ValueError(f"{s['member']} holds no whole points")
    return StimulusRecord(
        _text(s["slot"]), _time(s["began_ps"]), _text(s["name"]), channels, units, _number(s["rate"]), values
    )


def _decision(d: Mapping[str, Any]) -> dict[str, Any]:
    latency = d["latency_ps"]
    return {
        "label": _text(d["label"]), "index": _int(d["index"]), "score": _number(d["score"]),
        "time_ps": _time(d["time_ps"]), "latency_ps": None if latency is None else _int(latency),
        "samples": {_text(k): _int(v) for k, v in _dict(d["samples"]).items()},
    }  # fmt: skip


def _lines(rows: list[Any]) -> bytes:
    """A row a line, so that a difference of two recordings can be read."""
    return b"".join(json.dumps(r, ensure_ascii=True, allow_nan=False, sort_keys=True).encode() + b"\n" for r in rows)


def _read_lines(data: bytes) -> list[Any]:
    lines = data.splitlines()
    if len(lines) > EVENTS_MAX + 16:
        raise ValueError(f"{len(lines)} events")
    return [json.loads(line) for line in lines]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _int(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _time(value: Any) -> int:
    if not 0 <= _int(value) < _TIME_MAX:
        raise ValueError(f"{value} is no board time")
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no table")
    return value
