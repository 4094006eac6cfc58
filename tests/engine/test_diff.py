"""boardless diff on the emulator, against interpreters that really run on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from bare import engine

from sim.cli import main
from sim.errors import SetupError, UsageError
from sim.inference import invoke
from sim.measure import diff as diff_module
from sim.measure.diff import diff, random_rows
from sim.measure.host import installed
from sim.model import Model
from sim.paths import data_root
from sim.report import json_out
from sim.settings import Settings
from sim.target import Target

GESTURE = data_root() / "models" / "gesture" / "gesture.tflite"
MODELS = Path(__file__).parents[1] / "data" / "models"
BOARD = "arduino_nano_33_ble"
WRONG = MODELS / "dense_per_channel.tflite"  # the tree of 2020 takes one scale for all channels, without a word


@pytest.fixture(scope="module")
def target() -> Target:
    engine()  # skips where there is none
    if "tflm" not in installed():
        pytest.skip("tflite-micro is not installed")
    return Target.of(Settings.load({"board": BOARD}))


@pytest.mark.parametrize(
    "path",
    [
        GESTURE,
        MODELS / "add.tflite",
        *(pytest.param(MODELS / f"{n}.tflite", marks=pytest.mark.slow) for n in ("concat", "softmax", "slice")),
    ],
)
def test_every_operator_is_equal(target: Target, path: Path) -> None:
    result = diff(path, target=target)
    (host,) = result.hosts
    assert host.host.startswith("TFLM on the host")
    assert [o.operator for o in host.operators] == list(result.model.operators)
    for o in host.operators:
        assert o.difference is not None
        sizes = sum(result.model.tensors[i].size for i in o.operator.outputs)
        assert o.difference.values == sizes * result.rows
        assert o.difference.differing == 0
    assert result.equal


def test_what_is_compared_is_what_the_board_computed(target: Target) -> None:
    model = Model.load(GESTURE)
    rows = random_rows(model)
    plain = invoke(model, rows, target=target)
    seen: list[dict[int, np.ndarray]] = []
    with target.started(plain.firmware.elf) as machine:
        seen = diff_module._Outputs(machine, model, rows).run()
    last = model.outputs[0].index
    assert [s[last].tolist() for s in seen] == [row.reshape(-1).tolist() for row in plain.outputs[0]]
    assert all(set(s) == {i for o in model.operators for i in o.outputs} for s in seen)


def test_a_wrong_operator_is_named(target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "d.json"
    assert main(["diff", str(WRONG), "--board", BOARD, "--unchecked", "--host", "tflm", "--json", str(out)]) == 1
    text = capsys.readouterr().out
    assert "the first that differs: operator 0 FULLY_CONNECTED 'hidden'" in text
    assert "5 scales" in text
    data = json.loads(out.read_text("utf-8"))
    pytest.importorskip("jsonschema").validate(data, json_out.schema("diff"))
    first = data["hosts"][0]["operators"][0]
    assert data["hosts"][0]["first"] == 0
    assert first["max"] > 1
    assert 0 < first["differing"] <= first["values"]
    # Within what is allowed it is equal; what the tree is known to compute wrongly is refused unless asked for.
    assert main(["diff", str(WRONG), "--board", BOARD, "--unchecked", "--tolerance", str(first["max"] + 100)]) == 0
    assert main(["diff", str(WRONG), "--board", BOARD]) == 2
    assert "hidden" in capsys.readouterr().err


def test_litert_is_another_host(target: Target) -> None:
    if "litert" not in installed():
        pytest.skip("neither ai-edge-litert nor tensorflow is installed")
    result = diff(GESTURE, target=target, host="all", tolerance=2)
    assert [h.host.split()[0] for h in result.hosts] == ["TFLM", "LiteRT"]
    assert result.equal  # LiteRT rounds differently; by no more than that
    assert all(o.difference is not None for h in result.hosts for o in h.operators)


def test_floats_have_their_own_tolerance(target: Target) -> None:
    result = diff(MODELS / "conv_float.tflite", target=target)
    assert result.equal
    assert all(o.difference is not None and o.difference.largest <= 64 for h in result.hosts for o in h.operators)


def test_bad_input(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown host interpreter 'tfml'"):
        diff(GESTURE, target=target, host="tfml")
    x = tmp_path / "x.npy"
    np.save(x, np.zeros((1, 3), np.int8))
    assert main(["diff", str(GESTURE), "--board", BOARD, "--inputs", str(x)]) == 2
    assert main(["diff", str(GESTURE), "--board", BOARD, "--tolerance", "-1"]) == 2
    assert main(["diff", str(GESTURE), "--board", BOARD, "--tolerance", "nan"]) == 2
    assert main(["diff", str(GESTURE), "--board", BOARD, "--tolerance", "1e400"]) == 2
    # As on a machine without them: None in sys.modules is what makes an import fail.
    for name in ("tflite_micro", "ai_edge_litert", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SetupError, match=r"(?s)no host interpreter is installed.*pip install"):
        diff(GESTURE, target=target)
    with pytest.raises(SetupError, match=r"(?s)litert is not installed.*pip install ai-edge-litert"):
        diff(GESTURE, target=target, host="litert")
