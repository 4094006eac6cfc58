"""`boardless inspect` and the estimate it shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sim.boards import Board
from sim.cli import main
from sim.cli.inspect import as_json, text
from sim.errors import SetupError
from sim.model import Model
from sim.model.estimate import estimate, live
from sim.report import json_out
from sim.tflm import TflmTree

MODELS = Path(__file__).parents[1] / "data" / "models"


@pytest.fixture
def no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without cargo: inspect must still show the file."""

    def missing(settings: object) -> TflmTree:
        raise SetupError("cargo is missing", hint="apt install cargo")

    monkeypatch.setattr("sim.tflm.tree_for", missing)


def tree(ops: tuple[str, ...]) -> TflmTree:
    """The tree of 2020 as far as inspect asks, without its sources."""
    made = TflmTree(Path("none"), "2020", "TFLM of 2020", "0" * 64, False, {})
    made.__dict__["registrations"] = dict.fromkeys(ops, "")
    return made


def inspected(name: str) -> dict:
    model = Model.load(MODELS / f"{name}.tflite")
    need = estimate(model, "2020", "reference")
    board = Board.load("nucleo_l152re")
    kinds = ("CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED", "RELU")
    return as_json(model, [board], need, tree(kinds), "", "reference")


def test_live_activations_follow_lifetimes() -> None:
    graph = Model.load(MODELS / "conv.tflite").graphs[0]
    # input 192, after the convolution 144, after the pool 36 -> 48 with alignment; input and first together
    assert live(graph) == (192 + 144, 0)
    both = Model.load(MODELS / "add.tflite").graphs[0]
    assert live(both) == (3 * 192, 0)


@pytest.mark.parametrize("name", ["conv", "dense_per_channel", "open_batch", "gelu"])
def test_json_follows_its_schema(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(inspected(name), json_out.schema("inspect"))


def test_text_shows_tensors_operators_boards_and_refusals() -> None:
    shown = text(inspected("dense_per_channel"))
    assert "dense_per_channel.tflite" in shown
    assert "int8  1x7" in shown
    assert "hidden  FULLY_CONNECTED" in shown
    assert "nucleo_l152re  fits" in shown
    assert "estimate" in shown
    assert "hidden, out (FULLY_CONNECTED): a scale for each unit" in shown
    assert "nothing refused" in text(inspected("conv"))


def test_a_board_that_is_too_small_is_told_by_how_much() -> None:
    model = Model.load(MODELS / "conv.tflite")
    need = estimate(model, "2020", "reference")
    board = Board.load("nucleo_l152re")
    small = replace(board, flash=replace(board.flash, size=need.flash - 5), ram=replace(board.ram, size=need.ram - 7))
    data = as_json(model, [small], need, tree(("CONV_2D", "MAX_POOL_2D")), "", "reference")
    (fit,) = data["boards"]
    assert (fit["fits"], fit["flash_missing"], fit["ram_missing"]) == (False, 5, 7)
    assert "5 bytes of flash short, 7 bytes of RAM short" in text(data)


def test_command_without_a_tree(no_tree: None, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "i.json"
    assert main(["inspect", str(MODELS / "conv.tflite"), "--board", "nucleo_l152re", "--json", str(out)]) == 0
    assert "not asked, cargo is missing" in capsys.readouterr().out
    data = json.loads(out.read_text())
    assert data["tflm"]["tree"] is None
    assert data["operators"][0]["macs"] == 3888


def test_json_to_standard_output_is_nothing_but_json(no_tree: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(MODELS / "conv.tflite"), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["macs"] == 3888


def test_bad_input_ends_with_code_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = tmp_path / "x.tflite"
    bad.write_bytes(b"nothing of the kind")
    assert main(["inspect", str(bad)]) == 2
    assert "not a .tflite" in capsys.readouterr().err
    assert main(["inspect", str(MODELS / "conv.tflite"), "--board", "arduino_nano"]) == 2
    assert "did you mean" in capsys.readouterr().err
