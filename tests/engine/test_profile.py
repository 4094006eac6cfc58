"""boardless profile on the emulator: figures that add up exactly, and the same image as invoke's."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from bare import board_with, compiled, engine

from sim.cli import main
from sim.engines.protocol import Watch
from sim.errors import FirmwareFailure, UsageError
from sim.inference import REGION, invoke
from sim.machine import Machine
from sim.measure.calls import operator_totals
from sim.measure.profile import Profile, profile
from sim.model import Model
from sim.paths import data_root
from sim.report import json_out
from sim.settings import Settings
from sim.target import Target

GESTURE = data_root() / "models" / "gesture" / "gesture.tflite"
MODELS = Path(__file__).parents[1] / "data" / "models"
BOARD = "arduino_nano_33_ble"


@pytest.fixture(scope="module")
def target() -> Target:
    engine()  # skips where there is none
    return Target.of(Settings.load({"board": BOARD}))


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    shape = Model.load(GESTURE).inputs[0].shape
    return np.random.default_rng(0).integers(-128, 128, (3, *shape), dtype=np.int8)


@pytest.fixture(scope="module")
def found(target: Target, rows: np.ndarray) -> Profile:
    return profile(GESTURE, rows, target=target, code=True)


def test_operators_and_interpreter_are_the_inference(found: Profile, target: Target, rows: np.ndarray) -> None:
    plain = invoke(GESTURE, rows, target=target)
    assert found.firmware.sha256 == plain.firmware.sha256
    assert found.instructions == plain.instructions  # watching changes nothing
    assert found.runs == 3
    assert [o.kind for o in found.operators] == [o.kind for o in found.model.operators]
    operators = sum(o.counted.instructions for o in found.operators)
    assert operators + found.interpreter.instructions == found.invoke.instructions
    assert found.invoke.instructions == found.instructions.median
    assert 0 < found.interpreter.instructions < 2000
    assert sum(found.share(o.counted) for o in found.operators) == pytest.approx(1, abs=0.01)
    whole = found.invoke
    parts = [*(o.counted for o in found.operators), found.interpreter]
    if whole.cycles is None:
        assert all(part.cycles is None and part.stalls is None for part in parts)
        return
    assert whole.stalls is not None
    assert sum(part.cycles or 0 for part in parts) == whole.cycles
    for cause in ("fetch", "data", "fetch_misses", "data_misses"):
        of = [getattr(part.stalls, cause) for part in parts]
        assert min(of) >= 0
        assert sum(of) == getattr(whole.stalls, cause)
    assert 0 < whole.stalls.fetch + whole.stalls.data < whole.cycles
    assert whole.stalls.data_misses > 0  # weights are read from flash


def test_functions_add_up_to_all_inferences(found: Profile, target: Target, rows: np.ndarray) -> None:
    singly = [profile(GESTURE, rows[i : i + 1], target=target) for i in range(3)]
    whole = sum(p.invoke.instructions for p in singly)
    assert sum(f.own for f in found.functions) == whole
    assert found.nodes[0].function == REGION
    assert found.functions[0].total <= next(f.total for f in found.functions if f.symbol == REGION) == whole
    # Calls were followed in another way than regions are measured: both say the same.
    for p in singly:
        by_calls = operator_totals(p.nodes)
        assert [by_calls[o.index + 1] for o in p.operators] == [o.counted.instructions for o in p.operators]
    if found.invoke.cycles is not None:
        assert sum(n.cycles for n in singly[0].nodes) == singly[0].invoke.cycles


@pytest.mark.parametrize("name", ["softmax", "concat", "conv_float", "depthwise", "slice", "add"])
def test_other_operators(target: Target, name: str) -> None:
    p = profile(MODELS / f"{name}.tflite", target=target)
    by_calls = operator_totals(p.nodes)
    assert [by_calls[o.index + 1] for o in p.operators] == [o.counted.instructions for o in p.operators]
    assert sum(n.instructions for n in p.nodes) == p.invoke.instructions


def test_the_command_writes_all_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine()
    files = {k: tmp_path / f"p.{k}" for k in ("json", "csv", "speedscope", "lcov")}
    options = [word for k, f in files.items() for word in (f"--{k}", str(f))]
    assert main(["profile", str(GESTURE), "--board", BOARD, *options]) == 0
    text = capsys.readouterr().out
    assert "strokes" in text
    assert "interpreter" in text
    data = json.loads(files["json"].read_text("utf-8"))
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(data, json_out.schema("profile"))
    table = list(csv.DictReader(files["csv"].read_text("utf-8").splitlines()))
    assert sum(int(row["instructions"]) for row in table) == data["instructions"]["shown"]
    assert [row["layer"] for row in table[:-1]] == [o["layer"] for o in data["operators"]]
    graph = json.loads(files["speedscope"].read_text("utf-8"))
    weights = {p["name"]: sum(p["weights"]) for p in graph["profiles"]}
    assert weights["instructions"] == data["instructions"]["shown"]
    lcov = files["lcov"].read_text("utf-8")
    invoke_cc = lcov.split("apps/invoke/invoke.cc\n")[1].split("end_of_record")[0]
    hit = {
        int(n): int(times) for n, times in (line[3:].split(",") for line in invoke_cc.splitlines() if line[:2] == "DA")
    }
    source = (data_root() / "firmware/apps/invoke/invoke.cc").read_text("utf-8").splitlines()
    at = next(i for i, line in enumerate(source, 1) if "model.invoke()" in line)
    assert hit[at] == 1


def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine()
    x = tmp_path / "x.npy"
    np.save(x, np.zeros((2, 5), np.int8))
    assert main(["profile", str(GESTURE), "--inputs", str(x)]) == 2
    assert main(["profile", str(GESTURE), "--functions", "-1"]) == 2
    assert main(["profile", str(GESTURE), "--json", "-", "--csv", "-"]) == 2
    assert main(["profile", str(tmp_path / "none.tflite")]) == 2
    assert main(["profile", str(GESTURE), "--csv", str(tmp_path / "no" / "p.csv")]) == 2
    said = capsys.readouterr().err
    assert said.count("boardless profile:") == 5


# ---- the shadow stack, on code that makes it hard ----

WAYS = {"cortex-m3", "cortex-m4", "cortex-m33"}


@pytest.mark.parametrize("core", sorted(WAYS))
def test_calls_are_told_from_jumps_returns_and_exceptions(tmp_path: Path, core: str) -> None:
    elf = compiled(tmp_path, core, ["calls.c"], flags=["-fno-optimize-sibling-calls"])
    board, qemu = board_with(core), engine()
    for start in (0, 1):  # with exceptions between, and without
        with Machine.started(elf, board, qemu, watch=Watch(calls_of="root", code=True)) as machine:
            machine.keep_region("root")
            machine.write("bare_case", start)
            machine.console.expect("done")
            nodes, runs = machine.calls(), machine.region_runs("root")
        assert sum(n.instructions for n in nodes) == sum(r.end - r.start for r in runs)
        paths: dict[tuple[str, ...], int] = {}
        for node in nodes:
            path: tuple[str, ...] = (node.function,)
            at = node
            while at.parent >= 0:
                at = nodes[at.parent]
                path = (at.function, *path)
            paths[path] = paths.get(path, 0) + node.calls
        assert paths[("root",)] == len(runs) == 2
        assert paths[("root", "fall", "fall", "fall", "leaf")] == 2
        assert paths[("root", "jumper", "leaf")] == 2  # by a jump
        assert paths[("root", "thrower", "catcher", "leaf")] == 2
        assert paths[("root", "leaf")] == 4
        handlers = [p for p in paths if "SysTick_Handler" in p]
        assert bool(handlers) == bool(start)
        for path in handlers:
            assert "leaf" not in path[path.index("SysTick_Handler") + 1 :]


def test_a_region_that_never_returns_is_told(tmp_path: Path) -> None:
    elf = compiled(tmp_path, "cortex-m4", ["calls.c"])
    with Machine.started(elf, board_with("cortex-m4"), engine()) as machine:
        with pytest.raises(FirmwareFailure, match="has not returned within"):
            machine.measure("main", within="10 ms")
        with pytest.raises(UsageError, match="'bare_case' is data, not a function"):
            machine.measure("bare_case")
