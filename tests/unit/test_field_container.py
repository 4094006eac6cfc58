"""Recordings as files: the same bytes for the same content, and every damage refused with one clear error."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from sim.errors import UsageError
from sim.field import container
from sim.field.events import Event
from sim.field.recorded import Failure, FieldRecording, Opening, SensorRecord, StimulusRecord
from sim.field.recording_io import load, packed, save

CODES = bytes(range(48))


def made(**changes: Any) -> FieldRecording:
    imu = SensorRecord("imu", "lsm9ds1", ("ax", "ay", "az", "gx", "gy", "gz"), "int16",
                       (Opening(Fraction(149, 10), (4.0, 2000.0), 1500, CODES, ((1, 1),)),))  # fmt: skip
    given: dict[str, Any] = {
        "firmware": {"name": "a.elf", "sha256": "12" * 32, "build_id": "", "app": "gesture"},
        "elf": b"\x7fELF and so on",
        "board": {"name": "arduino_nano_33_ble"},
        "engine": {"name": "qemu", "version": "7.2.0", "machine": "mps2-an386"},
        "build": {},
        "sensors": (imu,),
        "end_ps": 10**12,
        "stimuli": (StimulusRecord("imu", 0, "running", ("ax",), ("m/s^2",), 10.0, struct.pack("<2d", 1, 2)),),
        "decisions": ({"label": "é", "index": 1, "score": 0.5, "time_ps": 9, "latency_ps": None,
                       "samples": {"imu": 4}},),
        "events": (Event(1, "ready", "gesture"), Event(9, "decision", "é")),
        "console": b"hello\xff\n",
        "config": {"seed": 3},
        "inputs": ((0, b"in"),),
        "writes": ((5, 0x20000000, b"\1\2"),),
        "faults": ({"kind": "flip", "time_ps": 3, "address": 1, "bit": 2, "place": "x"},),
        "failure": Failure("BusFault, in f+0x2 (0x00000102) at a.c:3", "BusFault, in f", "report"),
        "seed": 7,
        "remarks": ("a remark",),
    }  # fmt: skip
    return FieldRecording(**{**given, **changes})


@pytest.fixture(scope="module")
def data() -> bytes:
    return container.pack(*packed(made()))


def refused(data: bytes, tmp_path: Path, match: str) -> None:
    path = tmp_path / "x.blrec"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=match) as error:
        load(path)
    assert str(path) in str(error.value)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.blrec"
    save(made(), path)
    assert load(path) == made()
    assert [p.name for p in tmp_path.iterdir()] == ["a.blrec"]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, data: bytes) -> None:
    assert container.pack(*packed(made())) == data
    assert container.pack(*packed(made(end_ps=10**12 + 1))) != data
    without = container.pack(*packed(made(elf=None)))
    assert b"and so on" not in without
    assert container.unpack(without, "x")


def test_hashes_say_what_they_should() -> None:
    base = made()
    later = made(events=(Event(2, "ready", "gesture"), Event(9, "decision", "é")))
    assert base.event_hash != later.event_hash
    assert base.decision_hash == later.decision_hash
    moved = made(decisions=({**base.decisions[0], "samples": {"imu": 5}},))
    assert moved.decision_hash != base.decision_hash
    assert moved.event_hash == base.event_hash


def test_cut_short_anywhere(tmp_path: Path, data: bytes) -> None:
    for size in [*range(0, len(data), 97), len(data) - 1]:
        refused(data[:size], tmp_path, "cannot be read")


def test_any_changed_byte(tmp_path: Path, data: bytes) -> None:
    rng = random.Random(1)
    for at in [*range(60), *range(len(data) - 60, len(data)), *(rng.randrange(len(data)) for _ in range(400))]:
        changed = bytearray(data)
        changed[at] ^= 1 << rng.randrange(8)
        refused(bytes(changed), tmp_path, "cannot be read|this boardless reads")


def test_bytes_more(tmp_path: Path, data: bytes) -> None:
    refused(data + b"\0", tmp_path, "bytes in it that no recording has")
    refused(b"#!/bin/sh\n" + data, tmp_path, "bytes in it that no recording has")


def changed_manifest(data: bytes, **changes: Any) -> bytes:
    manifest, members = container.unpack(data, "x")
    return container.pack({**without_table(manifest), **changes}, members)


def test_another_version(tmp_path: Path, data: bytes) -> None:
    for version, hint in ((2, "pip install -U boardless"), (0, "damaged"), ("1", "damaged")):
        members = rezipped(data, lambda m, v=version: {**m, "version": v})
        refused(members, tmp_path, f"version {version!r}; this boardless reads version 1\n  .*{hint}")


def rezipped(data: bytes, change: Any) -> bytes:
    """The file with another manifest, written the way of recordings."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = {i.filename: file.read(i) for i in file.infolist()}
    members["manifest.json"] = json.dumps(
        change(json.loads(members["manifest.json"])), sort_keys=True, separators=(",", ":")
    ).encode()
    return container._zipped(members)


def test_members_that_are_not_those_of_the_manifest(tmp_path: Path, data: bytes) -> None:
    refused(rezipped(data, lambda m: {**m, "members": {}}), tmp_path, "table of members")
    refused(rezipped(data, lambda m: {**m, "members": None}), tmp_path, "table of members")
    refused(rezipped(data, lambda m: []), tmp_path, "not one of a recording")
    refused(rezipped(data, lambda m: {**m, "format": "other"}), tmp_path, "not one of a recording")


def zipped(method: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x", "/etc/passwd", "C:\\x", "codes/../x", "a//b", "A", "", "con\0", "x" * 300 + "!"]
)
def test_path_tricks(tmp_path: Path, name: str) -> None:
    refused(zipped(**{name: b"x"}), tmp_path, "a member has the name|cannot be read")
    assert [p.name for p in tmp_path.iterdir()] == ["x.blrec"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a", b"1")
        file.writestr("a", b"2")
    refused(out.getvalue(), tmp_path, "a member has the name 'a'")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zipped(zipfile.ZIP_DEFLATED, **{"manifest.json": bytes(64 << 20)})
    assert len(bomb) < 100_000
    refused(bomb, tmp_path, r"manifest\.json is packed \(67108864 bytes\)")


def test_a_member_that_says_it_is_huge(tmp_path: Path, data: bytes) -> None:
    at = data.index(b"PK\1\2")
    changed = data[: at + 20] + struct.pack("<II", 1 << 31, 1 << 31) + data[at + 28 :]
    refused(changed, tmp_path, "says that it has 2147483648 bytes")


def test_two_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "big.blrec"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(UsageError, match="2147483648 bytes are too much"):
        load(path)


def test_many_members(tmp_path: Path) -> None:
    refused(zipped(**{f"a{i}": b"" for i in range(container.MEMBERS_MAX + 2)}), tmp_path, "4098 members")


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load(tmp_path / "none.blrec")
    with pytest.raises(UsageError, match="is a folder"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"end_ps": -1}, "no board time"),
        ({"end_ps": 1 << 80}, "no board time"),
        ({"end_ps": "soon"}, "no whole number"),
        ({"sensors": {}}, "no list"),
        ({"sensors": [{}]}, "'dtype' is missing"),
        ({"exit_code": 1.5}, "no whole number"),
        ({"failure": {}}, "'reason' is missing"),
        ({"writes": [[1, 2, "xy"]]}, "non-hexadecimal"),
        ({"config": {"a": True}}, "no whole number"),
        ({"inputs": [0, 1, 2]}, "'inputs/00001' is missing"),
        ({"firmware": {"name": 3}}, "no text"),
        ({"event_hash": "0"}, "its hashes are not"),
        ({"firmware": {"name": "a", "sha256": "b", "build_id": 1.5, "app": ""}}, "1.5 is no text"),
        ({"faults": [{"kind": "late", "sensor": "imu", "time_ps": 1, "end_ps": 2, "by_ps": "x"}]}, "'x' is no whole"),
        ({"faults": [{"kind": "clock", "time_ps": 1, "hz": 0}]}, "a fault with hz 0"),
        ({"faults": [{"kind": "flip"}]}, "'time_ps' is missing"),
        ({"sensors": [{"slot": "imu", "part": "x", "channels": ["ax"], "dtype": "int16", "openings": []}]}, "opened"),
    ],
)
def test_a_manifest_with_nonsense_in_it(tmp_path: Path, data: bytes, changes: dict[str, Any], match: str) -> None:
    refused(changed_manifest(data, **changes), tmp_path, match)


@pytest.mark.parametrize("rate", ["0/1", "1/0", "-3", "nan", "x"])
def test_a_rate_that_is_none(tmp_path: Path, data: bytes, rate: str) -> None:
    manifest, _ = container.unpack(data, "x")
    manifest["sensors"][0]["openings"][0]["rate"] = rate
    refused(changed_manifest(data, sensors=manifest["sensors"]), tmp_path, "cannot be used")


def without_table(manifest: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in manifest.items() if k not in ("format", "version", "members")}


def test_codes_that_are_no_whole_samples(tmp_path: Path, data: bytes) -> None:
    manifest, members = container.unpack(data, "x")
    refused(
        container.pack(without_table(manifest), {**members, "codes/imu.0": CODES[:-1]}), tmp_path, "no whole samples"
    )


def test_too_much_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "FILE_MAX", 10)
    with pytest.raises(UsageError, match="too much for a recording"):
        save(made(), tmp_path / "a.blrec")
    assert not list(tmp_path.iterdir())
