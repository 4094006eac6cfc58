"""convert: result, files, messages for bad input, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.convert import convert
from sim.errors import SetupError, UsageError
from sim.model import Model

pytest.importorskip("tensorflow", reason="converting needs TensorFlow: pip install 'boardless[convert]'")
from sim.convert.quiet import quiet, tensorflow

tf, keras = tensorflow()
K = keras.layers
X = np.random.default_rng(5).normal(0, 1, (60, 6, 2)).astype(np.float32)


def small(**dense: Any) -> Any:
    keras.utils.set_random_seed(5)
    layers = [keras.Input((6, 2), name="window"), K.Conv1D(4, 3, activation="relu"), K.GlobalAveragePooling1D()]
    return keras.Sequential([*layers, K.Dense(3, name="score", **dense)], name="small")


def save(model: Any, path: Path) -> Path:
    with quiet():  # Keras warns of itself while it saves
        model.save(path)
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(small(activation="softmax"), tmp_path_factory.mktemp("model") / "small.keras")


def test_result_says_what_was_chosen(saved, tmp_path):
    out = tmp_path / "small.tflite"
    result = convert(saved, X, out)
    assert out.read_bytes() == result.tflite
    assert [p.name for p in tmp_path.iterdir()] == ["small.tflite"]
    model = Model.load(out)
    assert [t.dtype for t in (*model.inputs, *model.outputs)] == ["int8", "int8"]
    (given,), taken = result.inputs, result.outputs
    assert (given.name, given.shape) == ("window", (1, 6, 2))
    assert given.scale == pytest.approx((X.max() - X.min()) / 255, rel=1e-6)
    assert (taken[0].scale, taken[0].zero_point) == (1 / 256, -128)  # what softmax always has
    (error,) = result.errors
    assert 0 < error.max < 0.05
    assert error.mean <= error.max
    assert error.max_lsb == pytest.approx(error.max * 256)
    assert error.same_argmax is not None
    assert error.same_argmax > 0.9
    assert len(result.replaced) == 1
    assert result.replaced[0].endswith("(GlobalAveragePooling1D): average pooling over 4, and a reshape")
    assert result.rewrite_error is not None
    assert result.rewrite_error <= 1e-5
    assert result.refusals == ()


def test_samples_of_one_class_are_told(saved):
    """Ranges taken from them cut the other classes off."""
    chosen = tf.keras.models.load_model(saved)(X).numpy().argmax(axis=1)
    assert len(set(chosen)) > 1
    assert not [n for n in convert(saved, X).notes if "of one class" in n]
    one = convert(saved, X[chosen == chosen[0]].repeat(2, axis=0))
    assert [n for n in one.notes if n.startswith(f"score: class {chosen[0]} for all")]
    assert "b'" not in repr(one), "the bytes of the model are not for eyes"


def test_dense_has_one_scale_on_the_2020_tree():
    model = Model.from_bytes(convert(small(), X).tflite)
    weights = [model.tensors[o.inputs[1]] for o in model.operators if o.kind == "FULLY_CONNECTED"]
    assert [len(w.scale) for w in weights] == [1]


def test_same_input_gives_same_bytes(saved):
    assert convert(saved, X).tflite == convert(saved, X).tflite


@pytest.mark.parametrize(
    ("dtype", "expected"), [("uint8", "uint8"), ("int16", "int16"), ("float32", "float32"), ("int8", "int8")]
)
def test_kinds_of_numbers(saved, dtype, expected):
    result = convert(saved, X, dtype=dtype)
    assert result.inputs[0].dtype == result.outputs[0].dtype == expected
    assert result.errors[0].max < (1e-5 if dtype == "float32" else 0.05)


def test_relu_that_the_converter_did_not_fuse_is_taken_out(monkeypatch):
    """The list of what fuses is a guess; what the converter then really did decides."""
    monkeypatch.setattr("sim.convert.rewrite.activation._FUSES", {"Cropping2D"})
    model = keras.Sequential([keras.Input((4, 4, 2)), K.Cropping2D(1), K.ReLU()])
    result = convert(model, np.random.default_rng(1).normal(0, 1, (20, 4, 4, 2)))
    assert "RELU" not in {o.kind for o in Model.from_bytes(result.tflite).operators}
    assert "1x1 max pooling" in result.replaced[0]


def test_several_inputs_and_outputs_keep_their_order():
    a, b = keras.Input((3,), name="b_first"), keras.Input((5,), name="a_second")
    model = keras.Model([a, b], [K.Dense(2, name="z")(a), K.Dense(4, name="y")(b)])
    rng = np.random.default_rng(0)
    data = {"a_second": rng.normal(0, 3, (30, 5)), "b_first": rng.normal(0, 1, (30, 3))}
    result = convert(model, data)
    assert [q.shape for q in result.inputs] == [(1, 3), (1, 5)]
    assert [q.shape for q in result.outputs] == [(1, 2), (1, 4)]
    assert [e.name for e in result.errors] == ["z", "y"]
    assert all(e.max_lsb < 8 for e in result.errors)
    assert result.inputs[1].scale > 2 * result.inputs[0].scale


@pytest.mark.parametrize("form", ["h5", "folder"])
def test_other_forms_of_saved_models(form, tmp_path):
    model = small()
    path = tmp_path / ("m.h5" if form == "h5" else "m")
    if form == "h5":
        save(model, path)
    else:
        with quiet():
            model.export(path)
    result = convert(path, X)
    assert result.errors[0].max < 0.1


def test_lstm_is_refused_for_the_2020_tree():
    model = keras.Sequential([keras.Input((6, 2)), K.LSTM(3, name="memory")])
    with pytest.raises(UsageError, match="layer 'memory': LSTM cannot run on the July 2020 tree"):
        convert(model, X)


def test_model_without_known_shape():
    with pytest.raises(UsageError, match="no known input shape"):
        convert(keras.Sequential([K.Dense(2)]), X)


def test_not_a_model():
    with pytest.raises(UsageError, match="a Keras model or the path of one is needed, not dict"):
        convert({}, X)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.keras", None, "no such model"),
        ("empty.keras", b"", "the file is empty"),
        ("text.keras", b"hello", "not a Keras model"),
        ("cut.keras", "cut", "damaged or cut off"),
        ("bad.h5", b"\x89HDF\r\n\x1a\nxxxx", "cannot be read as a Keras model"),
        ("m.onnx", b"x", "unknown kind of model"),
        ("m.tflite", b"x", "is a finished .tflite already"),
    ],
)
def test_file_that_is_no_model(name, content, words, saved, tmp_path):
    path = tmp_path / name
    if content == "cut":
        content = saved.read_bytes()[:2000]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        convert(path, X)
    assert name in str(caught.value)


def test_file_with_a_lambda_is_not_run(tmp_path):
    path = save(keras.Sequential([keras.Input((6, 2)), K.Lambda(lambda x: x * 2)]), tmp_path / "m.keras")
    with pytest.raises(UsageError, match=r"Lambda layer, whose code is not run.*\n.*your own script"):
        convert(path, X)


def test_file_with_a_layer_of_ones_own(tmp_path):
    class Mine(K.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    model = keras.Sequential([keras.Input((6, 2)), Mine()])
    path = save(model, tmp_path / "m.keras")
    with pytest.raises(UsageError, match="not Keras's own"):
        convert(path, X)
    assert convert(model, X).errors[0].max_lsb < 2  # in memory it is no problem


def test_layer_the_converter_cannot_do():
    model = keras.Sequential([keras.Input((6, 2)), K.Lambda(tf.linalg.svd)])
    model = keras.Model(model.inputs, model.outputs[0])
    with pytest.raises(UsageError, match="converter cannot convert this model to int8"):
        convert(model, X)


def test_unknown_dtype(saved):
    with pytest.raises(UsageError, match=r"dtype 'int4': unknown\n  did you mean"):
        convert(saved, X, dtype="int4")


def test_folder_of_the_output_is_missing(saved, tmp_path):
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        convert(saved, X, tmp_path / "gone" / "m.tflite")


def test_without_tensorflow(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(SetupError, match=r"needs TensorFlow.*\n.*pip install 'boardless\[convert\]'"):
        convert(saved, X)


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "sim", "convert", *map(str, words)]
    return subprocess.run(call, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_command(saved, tmp_path):
    np.save(tmp_path / "x.npy", X)
    done = command(saved, "--data", tmp_path / "x.npy", "-o", tmp_path / "m.tflite")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "input   window: int8 [1, 6, 2], real = (raw " in done.stdout
    assert "output  score: int8 [1, 3], real = (raw + 128) * 0.00390625" in done.stdout
    assert "average pooling over 4" in done.stdout
    assert Model.load(tmp_path / "m.tflite").macs > 0


@pytest.mark.slow
def test_command_as_json(saved, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    np.save(tmp_path / "x.npy", X)
    done = command(saved, "--data", tmp_path / "x.npy", "-o", tmp_path / "m.tflite", "--json", "-")
    assert done.returncode == 0, done.stderr
    schema = Path(__file__).parents[2] / "sim/report/schemas/convert.json"
    jsonschema.validate(json.loads(done.stdout), json.loads(schema.read_text(encoding="utf-8")))
    assert json.loads(done.stdout)["bytes"] == (tmp_path / "m.tflite").stat().st_size


@pytest.mark.slow
def test_command_with_wrong_data(saved, tmp_path):
    np.save(tmp_path / "x.npy", X[:, :5])
    done = command(saved, "--data", tmp_path / "x.npy", "-o", tmp_path / "m.tflite")
    assert done.returncode == 2
    assert "the model wants [n, 6, 2]" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]
