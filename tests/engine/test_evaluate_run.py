"""Evaluations on virtual boards: the same from one boot or many, in one process or several, interrupted or not."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from bare import engine

from sim.cli.evaluate import text_of
from sim.errors import UsageError
from sim.evaluate import Evaluation, Labelled, evaluate
from sim.evaluate.executor import Processes
from sim.evaluate.result import Result
from sim.evaluate.unit import Place, Unit
from sim.paths import data_root
from sim.report import json_out
from sim.sensors.recording import Recording

pytestmark = pytest.mark.slow  # seconds each: the quick tests have two minutes for all

SHIPPED = data_root() / "models" / "gesture" / "recordings"
CHANNELS = ("ax", "ay", "az", "gx", "gy", "gz")
LABELS = ("standing", "running", "walking", "badminton")


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    engine()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 recordings: the shipped ones, each as it is and with a little noise; several units of work."""
    dice = np.random.default_rng(1)
    values, truth = [], []
    for copy in range(4):
        for path in sorted(SHIPPED.glob("*.csv")):
            recorded = Recording.load(path)
            values.append(recorded.values + (dice.normal(0, 0.05, recorded.values.shape) if copy else 0))
            truth.append(path.stem.split("_")[0])
    path = tmp_path_factory.mktemp("set") / "many.npz"
    np.savez(path, X=np.array(values), y=np.array(truth), rate=10.0, units=["m/s^2"] * 3 + ["deg/s"] * 3)
    return path


@pytest.fixture(scope="module")
def found(many: Path) -> Evaluation:
    return evaluate("gesture", many)


def text(result: Evaluation) -> str:
    return json.dumps(result.as_json())


def test_right_and_as_on_the_host(found: Evaluation) -> None:
    assert found.one_boot
    assert found.accuracy > 0.9
    assert found.decisions == 32 * 18
    if not found.host_text:
        pytest.skip(found.no_host)
    assert found.host_accuracy == found.accuracy
    assert found.disagreements == []


def test_figures_belong_together(found: Evaluation) -> None:
    data = found.as_json()
    jsonschema.validate(data, json_out.schema("evaluate"))
    assert sum(sum(row.values()) for row in data["confusion"].values()) == 32
    assert sum(data["confusion"][label][label] for label in LABELS) == data["accuracy"]["right"]
    assert data["data"]["seconds"] == pytest.approx(320)
    assert found.latency is not None
    assert 0 < found.latency.median <= found.latency.p95 <= found.latency.max < 7 / 14.9


def test_a_boot_for_each_gives_the_same(found: Evaluation, many: Path) -> None:
    """Every decision, with its score; times but for what a warm cache of the flash saves."""
    each = evaluate("gesture", many, one_boot=False)
    assert not each.one_boot
    for a, b in zip(each.results, found.results, strict=True):
        assert what(a) == what(b)
        for x, y in zip(a.played.decisions, b.played.decisions, strict=True):
            assert x.latency_ns == pytest.approx(y.latency_ns, rel=0.01)


def what(result: Result) -> list[tuple[str, int, float, int]]:
    return [(d.label, d.index, d.score, d.samples) for d in result.played.decisions]


def test_two_processes_give_the_same_bytes(found: Evaluation, many: Path) -> None:
    assert text(evaluate("gesture", many, jobs=2)) == text(found)


class Watched(Processes):
    """Two processes; `taken`: units that they were given before run()."""

    taken = 0

    def ahead(self, place: Place, unit: Unit) -> bool:
        taken = super().ahead(place, unit)
        self.taken += taken
        return taken


def test_processes_play_while_the_rest_is_read(many: Path) -> None:
    """To the same result. A broken recording at the end is said before anything is, and nothing of it comes later."""
    with np.load(many) as arrays:
        short, labels = arrays["X"][:, :40], arrays["y"].tolist()  # 4 s: what is in a unit is known early
    make = partial(Recording, channels=CHANNELS, units=["m/s^2"] * 3 + ["deg/s"] * 3, rate=10.0)
    items = [Labelled(str(i), partial(make, x), labels[i]) for i, x in enumerate(short)]
    broken = Labelled("broken", partial(make, short[0] * np.nan, name="broken"), labels[0])
    said: set[str] = set()
    two = Watched(2)
    try:
        with pytest.raises(UsageError, match="broken: nan at point 0"):
            evaluate("gesture", [*items, broken], using=two, progress=lambda what, done, of: said.add(what))
        assert two.taken
        assert said == {"reading"}
        two.taken = 0
        assert text(evaluate("gesture", items, using=two)) == text(evaluate("gesture", items))
        assert two.taken
    finally:
        two.close()


def test_a_process_that_is_killed_is_replaced(found: Evaluation, many: Path) -> None:
    killed: list[int] = []
    engines: list[int] = []

    def kill(what: str, done: int, _of: int) -> None:
        if what == "playing" and done and not killed:
            victim = next(p.pid for p in multiprocessing.active_children() if p.pid)
            engines.extend(children(victim))
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    assert text(evaluate("gesture", many, jobs=2, progress=kill)) == text(found)
    assert killed
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in engines) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in engines if alive(pid)], "an engine ends with its process"


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            said = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(said[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "sim", "evaluate", *map(str, words)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_and_resumed_without_loss(found: Evaluation, many: Path, tmp_path: Path, jobs: int) -> None:
    journal, result = tmp_path / "j.jsonl", tmp_path / "r.json"
    words = command("gesture", "--data", many, "--journal", journal, "--json", result, "--jobs", jobs)
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with running:
        while running.poll() is None and (not journal.is_file() or not journal.stat().st_size):
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert not result.exists()
    before = journal.read_bytes()
    assert before.count(b"\n") >= 1
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert journal.read_bytes().startswith(before), "what was there is kept"
    units = [json.loads(line)["unit"] for line in journal.read_text().splitlines()]
    assert len(units) == len(set(units)), "nothing was played twice"
    assert result.read_text() == json.dumps(found.as_json(), indent=2) + "\n"


def test_nothing_is_left_of_one_that_was_killed(many: Path, tmp_path: Path) -> None:
    """Neither its processes nor their engines: they notice that nobody is there any more."""
    journal = tmp_path / "j.jsonl"
    words = command("gesture", "--data", many, "--journal", journal, "--jobs", 2)
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and (not journal.is_file() or not journal.stat().st_size):
            time.sleep(0.01)
        below = children(running.pid)
        below += [pid for worker in below for pid in children(worker)]
        running.kill()
    assert len(below) >= 2
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in below) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in below if alive(pid)]


def test_the_command_and_its_journal(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from sim.cli import main

    assert main(["evaluate", "gesture", "-d", str(many), "--limit", "4", "--json", str(tmp_path / "r.json")]) == 0
    said = capsys.readouterr()
    assert "4 of 4 recordings right" in said.out
    assert "label down, verdict across" in said.out
    assert said.err == "", "no bar where there is no terminal"
    jsonschema.validate(json.loads((tmp_path / "r.json").read_text()), json_out.schema("evaluate"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gestur"], "did you mean 'gesture'"),
        (["gesture", "--data", "nowhere"], "nowhere: no such folder or file"),
        (["hello", "--data", "."], "opens no sensor"),
        (["gesture", "--limit", "0"], "at least 1"),
        (["gesture", "--jobs", "0"], "at least 1"),
        (["gesture", "--jobs", "2", "--dask", "tcp://127.0.0.1:1"], "both jobs and a Dask cluster"),
        (["gesture", "--verdict", "best"], "unknown verdict 'best'"),
        (["gesture", "--sensor", "camera2"], "did you mean 'camera'"),
        (["image", "--board", "nrf5340dk"], "wants the sensor 'camera', board nrf5340dk has imu"),
        (["gesture", "--json", "/nowhere/r.json"], "cannot be written"),
        (["nothing.elf"], "nothing.elf: no such file"),
    ],
)
def test_bad_input_is_one_error(
    words: list[str], said: str, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.cli import main

    monkeypatch.chdir(tmp_path)
    if words == ["gesture", "--limit", "0"] or "--jobs" in words:
        (tmp_path / "set" / "running").mkdir(parents=True)
        shutil.copy(SHIPPED / "running_02.csv", tmp_path / "set" / "running")
        words = [*words, "--data", "set"]
    assert main(["evaluate", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


# ---- a use of somebody's own ----

APP = """
#include "app.h"
using namespace boardless;
int main() {
  Model model("tilt");
  Sensor imu("imu", 104000);
  int16_t samples[13][6];
  %s
}
"""
LOOK = """
    int32_t up = 0, side = 0;
    for (auto& s : samples) { up += s[2]; side = s[0] > side ? s[0] : side; }
    if (side > 30000) boardless_fail("shaken too much");
    decide(up < 0, 1.0f);
"""
POLITE = "while (imu.read(&samples[0][0], 13)) {" + LOOK + "}\n  finish();"
STUBBORN = "for (;;) { if (!imu.read(&samples[0][0], 13)) continue;" + LOOK + "}"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two apps, one that ends when its sensor does and one that does not, and their model's folder."""
    top = tmp_path_factory.mktemp("own")
    model = top / "models" / "tilt"
    model.mkdir(parents=True)
    shutil.copy(data_root() / "models" / "hello" / "hello.tflite", model / "tilt.tflite")
    (model / "labels.txt").write_text("up\ndown\n")
    (model / "evaluate.py").write_text(
        "import numpy as np\n"
        "from sim.evaluate import Labelled\n"
        "from sim.sensors.recording import Recording\n"
        "def recordings():\n"
        "    for i in range(14):\n"
        "        values = np.full((26, 3), 1.0) * [300.0 if i == 5 else 0.0, 0.0, 9.8 if i % 2 else -9.8]\n"
        "        label = 'up' if i % 2 else 'down'\n"
        "        yield Labelled(f'{i:02d}', Recording(values, ['ax', 'ay', 'az'], 'm/s^2', rate=104), label)\n"
        "def host(codes, run):\n"
        "    sums = codes[: len(codes) // 13 * 13, 2].reshape(-1, 13).sum(axis=1)\n"
        "    return [((i + 1) * 13, int(s < 0)) for i, s in enumerate(sums)]\n"
    )
    for name, code in (("polite", POLITE), ("stubborn", STUBBORN)):
        (top / name).mkdir()
        (top / name / "app.toml").write_text('model = "../models/tilt"\nsensors = ["imu"]\n')
        (top / name / f"{name}.cc").write_text(APP % code)
    return top


@pytest.mark.parametrize("name", ["polite", "stubborn"])
def test_a_use_of_ones_own(own: Path, name: str) -> None:
    """One fails on a recording, and it is the only one; what comes after it begins anew."""
    result = evaluate(own / name, board="stm32f4_discovery")
    assert result.failures == [("05", "the firmware gave up: shaken too much")]
    assert [r.verdict for r in result.results if r.name != "05"] == ["down", "up"] * 2 + ["down"] + ["down", "up"] * 4
    assert [(d.samples, d.index) for d in result.results[6].played.decisions] == [(13, 1), (26, 1)]
    if result.host_text:
        assert {d.name for d in result.disagreements} == {"05"}
    assert [r["saturated"] for r in result.as_json()["recordings"]] == [0] * 5 + [13] + [0] * 8
    said = text_of(result)
    assert (
        "saturated        13 values of 1 recording (05): beyond the range of lsm6dso (±156.8 m/s^2, ±2000 deg/s)"
        in said
    )
    assert repr(result) == f"<{name} on stm32f4_discovery: 13 of 14 recordings right>"
    jsonschema.validate(result.as_json(), json_out.schema("evaluate"))


def test_a_finished_image(own: Path) -> None:
    """Its labels are those of its decisions; there is no host side."""
    from sim.settings import Settings
    from sim.target import Target

    elf = Target.of(Settings.load({"board": "stm32f4_discovery"})).build(own / "polite").elf
    values = np.full((26, 3), 9.8)
    items = [Labelled("one", Recording(values, ["ax", "ay", "az"], "m/s^2", rate=104), "up")]
    result = evaluate(elf, items, "stm32f4_discovery")
    assert result.accuracy == 1
    assert result.no_host == "a finished image: its model is not known"
    with pytest.raises(UsageError, match="a model cannot be put into it"):
        evaluate(elf, items, model=own / "models" / "tilt" / "tilt.tflite")
