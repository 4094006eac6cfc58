"""What devices leave: tables with gaps and clocks that are off, dumps with torn lines, and 1,000 mutated logs."""

from __future__ import annotations

import json
import math
import random
import struct
import wave
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.boards import Board
from sim.cli import main
from sim.errors import UsageError
from sim.field.importing import import_logs
from sim.field.recorded import FieldRecording
from sim.field.recording_io import load
from sim.field.wire import joined_pieces, line, parse
from sim.report.json_out import schema

BOARD = Board.load("arduino_nano_33_ble")


def imported(path: Path, **options: Any) -> FieldRecording:
    return import_logs([path], BOARD, **options)


def csv_log(path: Path, rows: int = 200, rate: float = 119.0, without: range = range(0), header: str = "") -> Path:
    names = header or "t[s],ax[g],ay[g],az[g],gx[deg/s],gy[deg/s],gz[deg/s]"
    lines = [f"{10 + k / rate:.6f},{k / 1000:.4f},0.5,1.0,{k / 10:.2f},0,-1" for k in range(rows) if k not in without]
    path.write_text("# logger 3\n" + names + "\n" + "\n".join(lines) + "\n")
    return path


def test_a_table_becomes_the_codes_of_the_part(tmp_path: Path) -> None:
    made = imported(csv_log(tmp_path / "a.csv"), ranges=(4, 2000))
    imu = made.sensor("imu")
    assert imu is not None
    assert float(imu.openings[0].rate) == 119
    assert imu.openings[0].ranges == (4, 2000)
    codes = imu.samples()
    assert codes.shape == (200, 6)
    assert codes[100].tolist() == [
        round(100 / 0.122),
        round(500 / 0.122),
        round(1000 / 0.122),
        round(10000 / 70),
        0,
        -14,
    ]
    assert made.origin == "field"
    assert made.remarks == ()


@pytest.mark.parametrize("how", ["hold", "interpolate", "drop", "silent"])
def test_gaps_are_filled_as_asked_and_said(tmp_path: Path, how: str) -> None:
    log = csv_log(tmp_path / "a.csv", without=range(50, 60))
    with pytest.raises(UsageError, match=r"10 samples are missing in 1 gaps, the first at 50\n.*--gaps hold"):
        imported(log)
    made = imported(log, gaps=how)
    imu = made.sensor("imu")
    assert imu is not None
    codes, whole = imu.samples(), imported(csv_log(tmp_path / "b.csv")).sensors[0].samples()
    assert any("samples 50 to 59 of imu are missing" in r for r in made.remarks)
    if how == "drop":
        assert (codes == np.delete(whole, range(50, 60), axis=0)).all()
        return
    assert imu.openings[0].missing == ((50, 10),)
    assert (codes[:50] == whole[:50]).all()
    assert (codes[60:] == whole[60:]).all()
    assert (abs(codes[50:60] - (whole[50:60] if how == "interpolate" else whole[49])) <= (how == "interpolate")).all()
    assert len(made.faults) == (how == "silent")


def test_a_clock_that_is_off_is_said(tmp_path: Path) -> None:
    made = imported(csv_log(tmp_path / "a.csv", rate=119 * 1.013))
    assert made.remarks == ("a.csv: its clock and the sensor's differ by +1.300 %",)
    with pytest.raises(UsageError, match=r"130\.9 Hz is none of the rates"):
        imported(csv_log(tmp_path / "b.csv", rate=119 * 1.1))
    with pytest.raises(UsageError, match=r"its samples are 130\.9 Hz, the sensor runs at 119 Hz"):
        imported(csv_log(tmp_path / "b.csv", rate=119 * 1.1), rate=119)


def test_jitter_moves_no_sample(tmp_path: Path) -> None:
    rng = random.Random(1)
    rows = [f"{(k + rng.uniform(-0.3, 0.3)) / 104 * 1000:.3f};{k};2;3" for k in range(500)]
    (tmp_path / "a.csv").write_text("t_ms;ax;ay;az\n" + "\n".join(rows))
    made = import_logs([tmp_path / "a.csv"], Board.load("stm32f4_discovery"), codes=True, sensor="imu")
    assert made.sensors[0].samples()[:, 0].tolist() == list(range(500))


def test_json_lines_and_torn_rows(tmp_path: Path) -> None:
    rows = [json.dumps({"timestamp_ms": 5000 + k * 1000 / 119, "ax": k, "note": "x", "gz": -k}) for k in range(100)]
    rows[10] = rows[10][:20]
    rows[40] = '{"ax": null}'
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    made = imported(tmp_path / "a.jsonl", codes=True, gaps="hold")
    codes = made.sensors[0].samples()
    assert codes[:, 0].tolist()[8:13] == [8, 9, 9, 11, 12]
    assert codes[99].tolist() == [99, 0, 0, 0, 0, -99]
    assert "a.jsonl: 2 rows could not be read and were left out" in made.remarks


def test_sound(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(struct.pack("<800h", *range(800)))
    made = imported(tmp_path / "a.wav")
    assert made.sensors[0].slot == "microphone"
    assert float(made.sensors[0].openings[0].rate) == 16000
    assert len(made.sensors[0].samples()) == 800


def test_a_picture(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((x + y) % 256 for x in range(160)) for y in range(120))
    head = struct.pack(">IIBBBBB", 160, 120, 8, 0, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(picture)
    made = imported(tmp_path / "a.png")
    assert made.sensors[0].slot == "camera"
    codes = made.sensors[0].samples()
    assert codes.shape == (1, 160 * 120)
    assert len(np.unique(codes)) > 200
    (tmp_path / "b.png").write_bytes(picture[:300])
    with pytest.raises(UsageError, match=r"b\.png"):
        imported(tmp_path / "b.png")


def dump(count: int = 20, without: tuple[int, ...] = (), start: int = 700) -> list[str]:
    """Lines of a recorder: 7 samples of the imu each, and a decision every second."""
    lines = [line(0, "H", 1, "ab" * 20, "gesture", "low confidence"), line(1, "S", "imu", 14900, 4, 2000, 6, 2)]
    number = 2
    for k in range(count):
        codes = np.full((7, 6), k, dtype="<i2").tobytes().hex()
        lines.append(line(number, "D", "imu", start + 7 * k, codes))
        number += 1
        if k % 2:
            bits = struct.unpack("<I", struct.pack("<f", 0.5))[0]
            lines.append(line(number, "C", 1, f"{bits:08x}", "running", f"imu={start + 7 * k + 7}"))
            number += 1
    lines.append(line(number, "E", number))
    return [text for i, text in enumerate(lines) if i not in without]


def test_a_dump_amid_other_text(tmp_path: Path) -> None:
    text = "boot\r\n" + "\r\n[log] x\r\n".join(dump()) + "\r\nbye"
    (tmp_path / "uart.log").write_text(text)
    made = imported(tmp_path / "uart.log")
    imu = made.sensors[0]
    assert imu.samples().shape == (140, 6)
    assert (str(imu.openings[0].rate), imu.openings[0].ranges) == ("149/10", (4, 2000))
    assert made.firmware["build_id"] == "ab" * 20
    assert [d["samples"]["imu"] for d in made.decisions] == list(range(14, 141, 14))
    assert made.remarks == (
        "uart.log: dumped for low confidence",
        "uart.log: imu begins at sample 700: what was before is not in the log",
    )


def test_lost_and_torn_lines(tmp_path: Path) -> None:
    lines = dump(without=(5, 9))
    lines[12] = lines[12][:30]
    (tmp_path / "uart.log").write_text("\n".join([*lines, lines[3]]))
    with pytest.raises(UsageError, match="samples are missing in"):
        imported(tmp_path / "uart.log")
    made = imported(tmp_path / "uart.log", gaps="hold")
    assert made.sensors[0].samples().shape == (140, 6)
    assert any("missing by their numbers" in r for r in made.remarks)
    (tmp_path / "end.log").write_text("\n".join(dump()[:-1]))
    assert any("its end is missing" in r for r in imported(tmp_path / "end.log").remarks)


def renumbered(lines: list[str], first: int) -> list[str]:
    """The same dump of later samples."""
    out = []
    for text in lines:
        _, number, kind, *fields = text[1:].split("*")[0].split(" ")
        if kind == "D":
            fields[1] = str(int(fields[1]) + first)
        out.append(line(int(number), kind, *fields))
    return out


def test_several_dumps_in_one_log(tmp_path: Path) -> None:
    one, two = dump(4), renumbered(dump(6), 400)
    (tmp_path / "uart.log").write_text("\n".join([*one, "up 12 s", *two]))
    made = imported(tmp_path / "uart.log")
    assert len(made.sensors[0].samples()) == 6 * 7
    assert "uart.log: dump 2 of 2 (--dump N is another)" in made.remarks
    assert "uart.log: imu begins at sample 1100: what was before is not in the log" in made.remarks
    assert len(imported(tmp_path / "uart.log", dump=1).sensors[0].samples()) == 4 * 7
    with pytest.raises(UsageError, match="dump 3 of 2"):
        imported(tmp_path / "uart.log", dump=3)
    # The second one's first lines are lost: what is left of it is no part of the first.
    (tmp_path / "torn.log").write_text("\n".join([*one, *two[3:]]))
    assert len(imported(tmp_path / "torn.log").sensors[0].samples()) == 5 * 7


def test_the_log_begins_where_the_model_runs_at_the_same_samples(tmp_path: Path) -> None:
    lines = dump()[:-1]
    marks = [line(len(lines) + i, "I", f"imu={n}") for i, n in enumerate((726, 759, 825))]
    (tmp_path / "uart.log").write_text("\n".join([*lines, *marks, line(len(lines) + 3, "E", len(lines) + 3)]))
    made = imported(tmp_path / "uart.log")
    assert len(made.sensors[0].samples()) == 140 - 26  # from 726 on, which is 22 times 33
    assert any("the first 26 samples of imu are left out" in r for r in made.remarks)
    assert all(d["samples"]["imu"] > 0 for d in made.decisions)


def test_pieces_that_overlap_and_repeat() -> None:
    dumped = parse("\n".join([*dump(4), *dump(4)]))
    assert (dumped.lines, dumped.lost, dumped.ended) == (9, 0, True)
    start, codes, gaps = joined_pieces([*dumped.pieces, *dumped.pieces], "imu", 12)
    assert (start, len(codes), gaps) == (700, 28 * 12, [])
    with pytest.raises(ValueError, match="a gap that long is no log"):
        joined_pieces([dumped.pieces[0], type(dumped.pieces[0])("imu", 1 << 40, bytes(12))], "imu", 12)


@pytest.mark.parametrize(
    ("name", "text", "options", "said"),
    [
        ("a.csv", "", {}, "no row of numbers"),
        ("a.csv", "t,ax\n1,2\n0,3\n", {"codes": True, "rate": 119, "sensor": "imu"}, "is not after"),
        ("a.csv", "t,ax\n1,2\n2,3\n", {"rate": 119, "sensor": "imu"}, "column ax has no unit"),
        ("a.csv", "t,bx\n1,2\n2,3\n", {"codes": True}, "which sensor has the columns bx"),
        ("a.csv", "ax,ax\n1,2\n2,3\n", {"codes": True}, "two columns of one name"),
        ("a.csv", "t[h],ax\n1,2\n2,3\n", {"codes": True}, r"column t has unit \[h\]"),
        ("a.csv", "t\n1\n2\n", {"codes": True}, "no row of numbers|no column but the time"),
        ("a.csv", "ax,ay\n1,2\n", {"codes": True, "sensor": "imu"}, "which rate"),
        ("a.csv", "t,ax\n1,2\n2,3\n", {"codes": True, "rate": 5000, "sensor": "imu"}, "has no rate of 5000 Hz"),
        ("a.csv", "t,ax\n1,2\n2,3\n", {"codes": True, "rate": math.nan, "sensor": "imu"}, "has no rate of nan Hz"),
        ("a.csv", "t,ax\n1,2\n2,3\n", {"sensor": "imo"}, "has no 'imo'"),
        ("a.csv", "t,ax\n1,2\n", {"gaps": "guess"}, "gaps='guess'"),
        ("a.txt", "hello", {}, "no line of a recorder in it"),
        ("a.log", "~BL 0 H 1 00 x*00000000", {}, "none of them is whole"),
        ("a.log", line(0, "H", 1, "00", "x"), {}, "not one sample"),
        ("a.log", line(0, "S", "imu", 1000, 0, 0, 3, 2), {}, "imu has 3 channels"),
        ("a.wav", "no sound", {}, "not a WAV file"),
    ],
)
def test_bad_input(tmp_path: Path, name: str, text: str, options: dict[str, Any], said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=said):
        imported(tmp_path / name, **options)


def test_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    monkeypatch.chdir(tmp_path)
    csv_log(Path("a.csv"))
    assert main(["field", "import", "a.csv", "--symptom", "decision:running>0.8", "--json", "r.json"]) == 0
    data = json.loads(Path("r.json").read_text())
    jsonschema.validate(data, schema("field"))
    assert data["samples"] == {"imu": 200}
    assert load("a.blrec").complaint == {"kind": "decision", "what": "running", "above": 0.8}
    capsys.readouterr()
    assert main(["field", "import", "none.csv"]) == 2
    assert "no such file" in capsys.readouterr().err
    assert main(["field", "import", "a.csv", "a.csv"]) == 2
    assert "two logs of 'imu'" in capsys.readouterr().err
    assert main(["field", "diagnose", "a.csv"]) == 2
    assert "which build was in the device?" in capsys.readouterr().err


def mutated(rng: random.Random, data: bytes) -> bytes:
    """The log with some of what happens to logs."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 12)):
        if not out:
            break
        at = rng.randrange(len(out))
        what = rng.randrange(7)
        if what == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            del out[at : at + rng.randrange(1, 200)]
        elif what == 2:
            out[at:at] = out[max(0, at - 150) : at]
        elif what == 3:
            out[at:at] = rng.randbytes(rng.randrange(1, 40))
        elif what == 4:
            out[at:at] = rng.choice([b"nan", b"-1e999", b"99999999999999999999", b"\0", b"\n", b",", b'"', b"~BL 7 D "])
        elif what == 5:
            del out[at:]
        else:
            lines = bytes(out).split(b"\n")
            rng.shuffle(lines)
            out[:] = b"\n".join(lines)
    return bytes(out)


@pytest.mark.parametrize("part", range(4))
def test_mutated_logs_neither_crash_nor_hang(tmp_path: Path, part: int) -> None:
    """1,000 in all: read, or refused with one clear error; nothing else."""
    rng = random.Random(part)
    csv_log(tmp_path / "s.csv", rows=60)
    rows = "\n".join(json.dumps({"t": k / 119, "ax": k, "ay": 1}) for k in range(60))
    sources = {
        "m.csv": (tmp_path / "s.csv").read_bytes(),
        "m.jsonl": rows.encode(),
        "m.log": "\n".join(dump()).encode(),
    }
    read = 0
    for _ in range(250):
        name = rng.choice(sorted(sources))
        path = tmp_path / name
        path.write_bytes(mutated(rng, sources[name]))
        refused = ""
        try:
            made = imported(
                path, gaps=rng.choice(["hold", "interpolate", "drop", "silent", ""]), codes=rng.random() < 0.5
            )
            read += bool(made.sensors)
        except UsageError as error:
            refused = str(error)
        assert not refused or str(path) in refused or "not one sample" in refused, refused
    assert read > 40
