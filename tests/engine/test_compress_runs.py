"""boardless compress, whole: fine-tuning, coding, int8, board; and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.cli import main
from sim.compress import Tuning, compress
from sim.compress.coding import decode
from sim.model import Model
from sim.report.json_out import schema

pytest.importorskip("tensorflow", reason="compressing needs TensorFlow: pip install 'boardless[convert]'")
from sim.convert.quiet import quiet, tensorflow

pytestmark = pytest.mark.slow  # seconds each: the quick tests have two minutes for all

_, keras = tensorflow()
K = keras.layers
BOARD = ["--board", "arduino_nano_33_ble"]


def bumps(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where is the bump: windows [n, 16, 2], classes 0 to 2."""
    y = rng.integers(0, 3, count)
    at = 3 + 5 * y + rng.integers(-1, 2, count)
    x = rng.normal(0, 0.3, (count, 16, 2))
    x[..., 0] += np.exp(-((np.arange(16) - at[:, None]) ** 2) / 2)
    return x.astype(np.float32), y


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model, train.npz and test.npz."""
    folder = tmp_path_factory.mktemp("bumps")
    rng = np.random.default_rng(3)
    x, y = bumps(rng, 900)
    np.savez(folder / "train.npz", x=x, y=y)
    held_out, truth = bumps(rng, 200)
    np.savez(folder / "test.npz", x=held_out, y=truth)
    keras.utils.set_random_seed(3)
    layers = [keras.Input((16, 2)), K.Reshape((16, 1, 2)), K.Conv2D(12, (5, 1), activation="relu", name="edges")]
    layers += [K.Flatten(), K.Dense(16, activation="relu", name="places"), K.Dense(3, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=5, verbose=0)
    with quiet():
        model.save(folder / "bumps.keras")
    return folder


def test_steps_on_the_board(given, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["compress", str(given / "bumps.keras"), "--data", str(given / "train.npz"), *BOARD]
    command += ["--test", str(given / "test.npz"), "--steps", "channels:0.5,prune:0.6,cluster:8,int8"]
    command += ["--epochs", "6", "--board-rows", "20", "-o", "small.tflite", "--plot", "p.svg", "--json", "r.json"]
    assert main([*command, "--keras", "small.keras"]) == 0
    said = capsys.readouterr().out
    assert "zeros and shared weights save bytes to send, and nothing on the device" in said
    result = json.loads(Path("r.json").read_text())
    validated(result)
    whole, lean, sparse, shared, last = result["rows"]
    assert [r["step"] for r in result["rows"]] == ["given", "channels:0.5", "prune:0.6", "cluster:8", "int8"]
    assert all(r["board"]["right"] >= 18 and r["board"]["same"] >= 19 for r in result["rows"])
    assert last["accuracy"] > whole["accuracy"] - 0.05
    # What saves what: channels all of it; zeros and shared weights the coded size alone; int8 flash.
    assert lean["board"]["cycles"] < 0.6 * whole["board"]["cycles"]
    assert lean["board"]["flash"] < whole["board"]["flash"]
    assert sparse["zeros"] == pytest.approx(0.6, abs=0.01)
    assert sparse["board"]["flash"] == lean["board"]["flash"]
    assert sparse["board"]["cycles"] == pytest.approx(lean["board"]["cycles"], rel=0.01)
    assert shared["coded_bytes"] < sparse["coded_bytes"] / 1.5
    assert all(0 < layer["shared"] <= 8 for layer in shared["layers"])
    assert last["board"]["flash"] < shared["board"]["flash"]
    assert Model.load(Path("small.tflite")).sha256 == last["tflite_sha256"]
    assert (tmp_path / "p.svg").read_text().count('class="bar"') == 7 * 5
    with quiet():
        edges = keras.models.load_model("small.keras").get_layer("edges")
    assert edges.filters == 6
    assert len(np.unique(edges.get_weights()[0])) <= 9


def validated(result: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema")
    jsonschema.validate(result, schema("compress"))


def test_twice_the_same_bytes_and_what_is_coded_comes_back(given):
    def once() -> Any:
        tuning = Tuning(epochs=2, seed=5)
        return compress(given / "bumps.keras", given / "train.npz", "prune:0.7,cluster:8,int8",
                        board_rows=1, tuning=tuning)  # fmt: skip

    one, two = once(), once()
    assert [r.tflite for r in one.rows] == [r.tflite for r in two.rows]
    assert [[c.data for c in r.size.coders] for r in one.rows] == [[c.data for c in r.size.coders] for r in two.rows]
    kernels = [v.numpy().ravel() for v in one.model.trainable_variables if len(v.shape) > 1]
    for kernel, coded in zip(kernels, one.rows[2].size.coders, strict=True):
        assert np.array_equal(decode(coded.data, len(kernel), "float32")[1], kernel)
    # int8 is sent as the same numbers of the same shared weights, so it is as small as the float model.
    assert one.rows[3].size.kernels <= 1.1 * one.rows[2].size.kernels
    assert "every fifth sample" in one.data.note


def broken(folder: Path, given: Path, what: str) -> list[str]:
    """A command with one thing wrong."""
    command = {"model": str(given / "bumps.keras"), "data": str(given / "train.npz"), "steps": "int8", "more": ""}
    x, y = bumps(np.random.default_rng(1), 30)
    with quiet():
        if what == "weightless":
            keras.Sequential([keras.Input((16, 2)), K.Flatten(), K.Softmax()]).save(folder / "m.keras")
            command["model"] = str(folder / "m.keras")
        elif what == "picture":
            keras.Sequential([keras.Input((16, 2)), K.Conv1D(2, 3)]).save(folder / "m.keras")
            command["model"] = str(folder / "m.keras")
    made = {
        "shape": {"x": x[:, :, :1], "y": y},
        "no_y": {"x": x, "Y": y},
        "lengths": {"x": x, "y": y[:-1]},
        "classes": {"x": x, "y": y + 1},
        "real_y": {"x": x, "y": y.astype(float)},
        "nan": {"x": np.where(x == x.max(), np.nan, x), "y": y},
    }
    if what in made:
        np.savez(folder / "d.npz", **made[what])
        command["data"] = str(folder / "d.npz")
    if what == "steps":
        command["steps"] = "int8,prune:0.5"
    if what == "png":
        command["more"] = "--plot p.png"
    if what == "epochs":
        command["more"] = "--epochs -1"
    words = ["compress", command["model"], "--data", command["data"], "--steps", command["steps"], *BOARD]
    return words + command["more"].split() + ["-o", str(folder / "out.tflite")]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("weightless", "m.keras: has no weights that could be compressed"),
        ("picture", "the output has shape [None, 14, 2]: one score a class"),
        ("shape", "has shape [30, 16, 1], the model wants [n, 16, 2]"),
        ("no_y", "has no array 'y'"),
        ("lengths", "30 samples in x, 29 classes in y"),
        ("classes", "classes 1 to 3, the model has 0 to 2"),
        ("real_y", "class numbers [n] are needed"),
        ("nan", "NaN or infinity, first in sample"),
        ("steps", "prune:0.5 cannot come after int8"),
        ("png", "an .svg is what it can draw"),
        ("epochs", "epochs = -1"),
    ],
)
def test_bad_input(given, tmp_path, capsys, what, message):
    assert main(broken(tmp_path, given, what)) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""
    assert not (tmp_path / "out.tflite").exists()
