"""Each replacement: same float model, and only operators that the July 2020 tree computes right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from sim.convert.rewrite import rewritten
from sim.errors import UsageError

pytest.importorskip("tensorflow", reason="converting needs TensorFlow: pip install 'boardless[convert]'")
from sim.convert import quantise
from sim.convert.quiet import tensorflow
from sim.model import Model

_, keras = tensorflow()
K = keras.layers


def chain(*layers: Any) -> Callable[[Any], Any]:
    def build(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return build


def model_of(build: Callable[..., Any], *shapes: tuple[int, ...]) -> tuple[Any, list[np.ndarray]]:
    """The model with weights that are nowhere zero, and 40 samples of it."""
    keras.utils.set_random_seed(3)
    inputs = [keras.Input(s) for s in shapes]
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], build(*inputs))
    rng = np.random.default_rng(3)
    for weight in model.weights:
        if "kernel" not in weight.path:
            weight.assign(np.abs(rng.normal(0.5, 0.3, weight.shape)) + 0.1)
    return model, [rng.normal(0, 1, (40, *s)).astype(np.float32) for s in shapes]


def kinds(tflite: bytes) -> list[str]:
    return [o.kind for o in Model.from_bytes(tflite).operators]


def branches(x: Any) -> Any:
    c = K.Conv2D(3, 3)(x)
    return K.Concatenate()([c, K.ReLU()(c)])


def inner(x: Any) -> Any:
    layers = [keras.Input((6, 2)), K.ReLU(), K.Conv1D(3, 3, activation="leaky_relu"), K.GlobalAveragePooling1D()]
    return keras.Sequential(layers)(x)


CASES = {
    "GlobalAveragePooling2D": (chain(K.GlobalAveragePooling2D()), [(5, 4, 2)], ["AVERAGE_POOL_2D", "RESHAPE"]),
    "GlobalAveragePooling1D": (
        chain(K.GlobalAveragePooling1D(keepdims=True)),
        [(6, 3)],
        ["RESHAPE", "AVERAGE_POOL_2D", "RESHAPE"],
    ),
    "GlobalMaxPooling2D": (chain(K.GlobalMaxPooling2D()), [(5, 4, 2)], ["MAX_POOL_2D", "RESHAPE"]),
    "GlobalMaxPooling1D": (chain(K.GlobalMaxPooling1D()), [(6, 3)], ["RESHAPE", "MAX_POOL_2D", "RESHAPE"]),
    "Dense on 2 axes": (chain(K.Dense(5, activation="relu")), [(6, 3)], ["RESHAPE", "CONV_2D", "RESHAPE"]),
    "Dense on 3 axes": (chain(K.Dense(5)), [(4, 3, 2)], ["CONV_2D"]),
    "Dense on 4 axes": (chain(K.Dense(5, use_bias=False)), [(2, 4, 3, 2)], ["RESHAPE", "CONV_2D", "RESHAPE"]),
    "TimeDistributed": (chain(K.TimeDistributed(K.Dense(3))), [(4, 2)], ["RESHAPE", "CONV_2D", "RESHAPE"]),
    "Conv2D groups": (
        chain(K.Conv2D(6, 3, groups=3, activation="relu", padding="same", strides=2)),
        [(6, 6, 6)],
        ["STRIDED_SLICE", "CONV_2D"] * 3 + ["CONCATENATION"],
    ),
    "Conv1D groups": (
        chain(K.Conv1D(4, 3, groups=2, dilation_rate=2, padding="same")),
        [(9, 4)],
        ["STRIDED_SLICE", "RESHAPE", "CONV_2D", "RESHAPE"] * 2 + ["CONCATENATION"],
    ),
    "DepthwiseConv2D dilated": (
        chain(K.DepthwiseConv2D(3, dilation_rate=(2, 1), depth_multiplier=2, padding="same"), K.ReLU()),
        [(8, 7, 2)],
        ["DEPTHWISE_CONV_2D"],
    ),
    "SeparableConv2D dilated": (
        chain(K.SeparableConv2D(4, 3, dilation_rate=2)),
        [(8, 7, 2)],
        ["DEPTHWISE_CONV_2D", "CONV_2D"],
    ),
    "DepthwiseConv1D dilated": (
        chain(K.DepthwiseConv1D(3, dilation_rate=3)),
        [(12, 2)],
        ["RESHAPE", "DEPTHWISE_CONV_2D", "RESHAPE"],
    ),
    "ReLU on the input": (chain(K.ReLU()), [(4, 4, 2)], ["MAX_POOL_2D"]),
    "ReLU on a vector": (chain(K.Activation("relu")), [(5,)], ["RESHAPE", "MAX_POOL_2D", "RESHAPE"]),
    "ReLU6 on a reshape": (chain(K.Reshape((4, 2, 1)), K.ReLU(6.0)), [(8,)], ["RESHAPE", "MAX_POOL_2D"]),
    "ReLU up to 1.5": (chain(K.ReLU(1.5)), [(4, 4, 2)], ["MAX_POOL_2D", "MINIMUM"]),
    "ReLU beside another reader": (branches, [(6, 6, 2)], ["CONV_2D", "MAX_POOL_2D", "CONCATENATION"]),
    "ReLU behind a product": (
        lambda a, b: K.ReLU()(K.Multiply()([a, b])),
        [(4, 4, 2), (4, 4, 2)],
        ["MUL", "MAX_POOL_2D"],
    ),
    "LeakyReLU": (chain(K.LeakyReLU(0.3)), [(4, 4, 2)], ["PRELU"]),
    "ReLU with a slope": (chain(K.ReLU(negative_slope=0.3)), [(5,)], ["PRELU"]),
    "leaky_relu of a layer": (chain(K.Conv2D(3, 3, activation="leaky_relu")), [(5, 5, 2)], ["CONV_2D", "PRELU"]),
    "UpSampling2D": (chain(K.UpSampling2D((2, 3))), [(4, 3, 2)], ["RESIZE_NEAREST_NEIGHBOR"]),
    "UpSampling1D": (chain(K.UpSampling1D(3)), [(4, 2)], ["RESHAPE", "RESIZE_NEAREST_NEIGHBOR", "RESHAPE"]),
    "Conv2DTranspose": (
        chain(K.Conv2DTranspose(3, 3, strides=2, activation="relu")),
        [(4, 5, 2)],
        ["RESHAPE", "PAD", "RESHAPE", "PAD", "RESHAPE", "PAD", "CONV_2D"],
    ),
    "Conv2DTranspose same, even": (
        chain(K.Conv2DTranspose(2, (2, 4), strides=(3, 1), padding="same")),
        [(4, 5, 2)],
        ["RESHAPE", "PAD", "RESHAPE", "PAD", "CONV_2D"],
    ),
    "Conv2DTranspose same, 5x5": (
        chain(K.Conv2DTranspose(2, 5, strides=2, padding="same", use_bias=False)),
        [(4, 5, 2)],
        ["RESHAPE", "PAD", "RESHAPE", "PAD", "RESHAPE", "PAD", "CONV_2D"],
    ),
    "Conv1DTranspose": (
        chain(K.Conv1DTranspose(3, 4, strides=2, padding="same")),
        [(5, 2)],
        ["RESHAPE", "PAD", "RESHAPE", "PAD", "CONV_2D", "RESHAPE"],
    ),
    "Permute 2 1": (chain(K.Permute((2, 1))), [(4, 3)], ["UNPACK", "PACK"]),
    "Permute 3 1 2": (chain(K.Permute((3, 1, 2))), [(4, 5, 3)], ["UNPACK", "PACK"]),
    "Permute 2 3 1": (chain(K.Permute((2, 3, 1))), [(4, 5, 3)], ["UNPACK", "PACK"]),
    "Permute 3 2 1": (chain(K.Permute((3, 2, 1))), [(4, 5, 3)], ["UNPACK", "PACK"] * 2),
    "Permute of a single channel": (chain(K.Permute((3, 1, 2))), [(4, 5, 1)], ["RESHAPE"]),
    "hard_swish": (chain(K.Activation("hard_swish")), [(4, 5, 3)], ["ADD", "MUL", "MAX_POOL_2D", "MUL"]),
    "hard_swish of a layer": (
        chain(K.Dense(4, activation="hard_silu")),
        [(6,)],
        ["FULLY_CONNECTED", "ADD", "MUL", "RESHAPE", "MAX_POOL_2D", "RESHAPE", "MUL"],
    ),
    "SimpleRNN": (
        chain(K.SimpleRNN(3)),
        [(2, 2)],
        ["RESHAPE", "UNPACK", "FULLY_CONNECTED", "TANH", "FULLY_CONNECTED", "FULLY_CONNECTED", "ADD", "TANH"],
    ),
    "model in a model": (
        inner,
        [(6, 2)],
        ["RESHAPE", "MAX_POOL_2D", "CONV_2D", "RESHAPE", "PRELU", "RESHAPE", "AVERAGE_POOL_2D", "RESHAPE"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_same_float_model_of_operators_the_tree_has(name: str) -> None:
    build, shapes, expected = CASES[name]
    model, rows = model_of(build, *shapes)
    before = quantise.float_outputs(model, rows)
    new, replaced = rewritten(model)
    assert replaced
    for b, a in zip(before, quantise.float_outputs(new, rows), strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-5 * max(1.0, np.abs(b).max())
    got = kinds(quantise.to_tflite(new, rows, "int8", per_tensor_dense=True))
    assert sorted(got) == sorted(expected)


FUSED: dict[str, tuple[Callable[..., Any], Sequence[tuple[int, ...]]]] = {
    "conv": (chain(K.Conv2D(3, 3), K.ReLU()), [(5, 5, 2)]),
    "conv, batch normalisation": (chain(K.Conv1D(3, 3), K.BatchNormalization(), K.ReLU()), [(8, 2)]),
    "dense, dropout": (chain(K.Dense(3), K.Dropout(0.5), K.ReLU(6.0)), [(5,)]),
    "sum": (lambda a, b: K.Activation("relu")(K.Add()([a, b])), [(5,), (5,)]),
    "pooling": (chain(K.AveragePooling2D(2), K.ReLU()), [(4, 4, 2)]),
}


@pytest.mark.parametrize("name", FUSED)
def test_relu_that_the_converter_fuses_is_left_alone(name: str) -> None:
    build, shapes = FUSED[name]
    model, rows = model_of(build, *shapes)
    new, replaced = rewritten(model)
    assert replaced == []
    assert new is model
    assert "RELU" not in "".join(kinds(quantise.to_tflite(new, rows, "int8", per_tensor_dense=True)))


@pytest.mark.parametrize("layer", [K.LSTM(3), K.GRU(3), K.Bidirectional(K.SimpleRNN(2))])
def test_gated_recurrence_is_refused_with_a_way_out(layer: Any) -> None:
    model, _ = model_of(chain(layer), (4, 2))
    with pytest.raises(UsageError, match=rf"layer '{layer.name}': {type(layer).__name__} cannot run.*\n.*Conv1D"):
        rewritten(model)


def test_long_rnn_is_not_unrolled() -> None:
    model, _ = model_of(chain(K.SimpleRNN(3)), (65, 2))
    with pytest.raises(UsageError, match="65 steps"):
        rewritten(model)


def test_given_model_keeps_working() -> None:
    model, rows = model_of(chain(K.Conv2D(2, 3), K.GlobalMaxPooling2D(), K.Dense(2)), (5, 5, 2))
    before = [w.numpy() for w in model.weights]
    out = quantise.float_outputs(model, rows)
    rewritten(model)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.weights, strict=True))
    assert np.array_equal(quantise.float_outputs(model, rows)[0], out[0])
