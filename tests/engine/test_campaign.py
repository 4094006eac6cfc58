"""Campaigns: the same outcomes for the same seed, however many boards run them, and after a stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bare import engine
from bench import bench_elf, wait_for
from test_field_replay import motion, target

from sim.cli import main
from sim.elf import load_elf
from sim.errors import UsageError
from sim.faults import gun as guns
from sim.faults.campaign import run_campaign
from sim.faults.places import place_of, tensors_of
from sim.faults.rates import Campaign, wilson
from sim.faults.shot import CLASSES, plan
from sim.report.json_out import schema
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording


@pytest.fixture(scope="module")
def gesture() -> Path:
    engine()
    return target().build("gesture").elf


def run(elf: Path, **options: Any) -> Campaign:
    return run_campaign(target(), elf, "imu", Recording.load(find_recording("running_07")), **options)


@pytest.fixture(scope="module")
def whole(gesture: Path) -> Campaign:
    return run(gesture, places=("weights", "code", "stack"), bits=(1, 64), count=10)


@pytest.mark.slow
def test_outcomes_have_their_classes(whole: Campaign) -> None:
    assert len(whole.outcomes) == 60
    assert whole.windows > 10
    assert {o.kind for o in whole.outcomes} <= set(CLASSES)
    rates = {(r.place, r.bits): r for r in whole.rates()}
    assert set(rates) == {(p, b) for p in ("weights", "code", "stack") for b in (1, 64)}
    # Sixty-four bits of the code at once hurt more than one.
    assert rates["code", 64].right < rates["code", 1].right
    assert rates["code", 64].counts["masked"] < 10
    for r in rates.values():
        assert sum(r.counts.values()) == 10
        assert r.low <= r.right <= r.high
    for o in whole.outcomes:
        assert (o.decided == o.expected) == (o.kind == "masked")
    assert whole.vulnerable()[0][1] >= 1


def test_the_same_for_any_number_of_jobs(gesture: Path, whole: Campaign) -> None:
    assert run(gesture, places=("weights", "code", "stack"), bits=(1, 64), count=10, jobs=2) == whole


@pytest.mark.slow
def test_it_goes_on_after_a_stop(
    gesture: Path, whole: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "j.jsonl"
    options: dict[str, Any] = {"places": ("weights", "code", "stack"), "bits": (1, 64), "count": 10, "journal": journal}
    assert run(gesture, **options) == whole
    lines = journal.read_text().splitlines()
    assert len(lines) == 61
    journal.write_text("\n".join(lines[:40]) + '\n{"number": 40, "cut sho')
    fired: list[int] = []
    real = guns.Gun.fire
    monkeypatch.setattr(guns.Gun, "fire", lambda s, shot, *a: fired.append(shot.number) or real(s, shot, *a))
    assert run(gesture, **options) == whole
    assert fired == list(range(25, 60))  # the first chunk was whole
    journal.write_text("\n".join(['{"about": "another"}', *lines[1:]]))
    fired.clear()
    run(gesture, places=("weights",), bits=(1,), count=2, journal=journal)
    assert fired == [0, 1]


def test_weights_are_put_back(gesture: Path) -> None:
    """Every weight window after the first is decided with the weights as they were."""
    flips = run(gesture, places=("weights",), bits=(2000,), count=3)
    assert all(o.moved > 0 for o in flips.outcomes)
    single = run(gesture, places=("weights",), bits=(1,), count=40)
    assert sum(o.moved == 0 for o in single.outcomes) > 20


def test_places(gesture: Path) -> None:
    elf = load_elf(gesture)
    tensors = tensors_of(elf)
    weights = place_of(elf, target().layout, "weights")
    assert weights.size == sum(p.size for p in tensors.values())
    for name, place in tensors.items():
        assert place_of(elf, target().layout, f"weights:{name}") == place
        model = elf.symbols["boardless_model_data"]
        assert model.address <= place.at(0) < model.address + model.size
    code = place_of(elf, target().layout, "code")
    assert 10_000 < code.size < 200_000
    for shot in plan([weights, code], [3], 50, 9):
        spans = {"weights": weights, "code": code}[shot.place].spans
        assert all(any(s.origin <= a < s.end for s in spans) and 0 <= b < 8 for a, b in shot.bits)


def test_intervals() -> None:
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10)[1] == 1.0


def test_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    engine()
    monkeypatch.chdir(tmp_path)
    bench_elf(tmp_path)
    words = ["campaign", "bench.elf", "--board", "arduino_nano_33_ble", "--play", "running_07"]
    assert main([*words, "--faults", "ticks,blob", "--bits", "1,2", "--count", "5", "--json", "r.json"]) == 0
    data = json.loads(Path("r.json").read_text())
    jsonschema.validate(data, schema("campaign"))
    assert data["faults"] == 20
    assert "20 faults over" in capsys.readouterr().out


@pytest.mark.slow
def test_stopped_by_command(gesture: Path, tmp_path: Path) -> None:
    journal = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "sim", "campaign", "gesture", "--play", "running_07", "--count", "2000"]
    with subprocess.Popen([*command, "--journal", str(journal)], stderr=subprocess.PIPE, text=True) as running:
        wait_for("an outcome", lambda: journal.is_file() and len(journal.read_text().splitlines()) > 3, 60)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    last = err.strip().splitlines()[-2:]
    assert last == [f"boardless campaign: outcomes so far are in {journal}: the same command goes on",
                    "boardless campaign: stopped"]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bits", "x"], "no whole numbers"),
        (["--bits", "0"], "at least one of each"),
        (["--count", "0"], "at least one of each"),
        (["--jobs", "0"], "at least one of each"),
        (["--jobs", "65"], "at most 64 jobs"),
        (["--seed", "-1", "--faults", "ticks"], "seed -1"),
        (["--bits", "33", "--faults", "ticks"], "33 bits of ticks, which has 32"),
        (["--play", "yes_synthetic", "--faults", "ticks"], "does not read 'microphone'"),
        (["--faults", "tix"], "no place 'tix'"),
        (["--faults", "weights"], "no model of boardless in it"),
        (["--play", "none"], "none"),
        (["--sensor", "imo", "--faults", "ticks"], "no 'imo'"),
        (["--json", "no/where.json"], "no folder"),
    ],
)
def test_bad_input(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine()
    monkeypatch.chdir(tmp_path)
    bench_elf(tmp_path)
    assert main(["campaign", "bench.elf", "--play", "running_07", "-b", "arduino_nano_33_ble", *words]) == 2
    assert said in capsys.readouterr().err


def test_too_short_a_recording(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too few for a campaign"):
        run_campaign(target(), bench_elf(tmp_path), "imu", motion(1, 0.1), places=("ticks",))
