"""The single-layer models: one a Keras layer and variant, each as small as shows the matter.

`MODELS[name] = Spec(...)`; `generate.py` turns them into .tflite files the way TensorFlow's converter does by default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

# How a model is quantised:
#   int8     full integer, int8 in and out              float_io  full integer inside, float32 in and out (the default)
#   uint8    int8 inside, uint8 in and out              int16     int16 activations, int8 weights
#   float    no quantisation                            hybrid    dynamic range: int8 weights, float activations
KINDS = ("int8", "uint8", "float_io", "int16", "float", "hybrid")


@dataclass(frozen=True)
class Spec:
    """`build(k, *inputs)` with `k` = the module keras; `shapes` of the inputs without the batch axis."""

    build: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    kind: str = "int8"
    spread: float = 1.0  # standard deviation of the representative data
    per_tensor_dense: bool = False
    open_batch: bool = False  # batch size not fixed to 1: the converter then computes shapes at run time


MODELS: dict[str, Spec] = {}


def add(name: str, build: Callable[..., Any], *shapes: tuple[int, ...], **more: Any) -> None:
    if name in MODELS:
        raise ValueError(f"two models of the name {name}")
    MODELS[name] = Spec(build, shapes, **more)


def layer(kind: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """A model of a single Keras layer."""
    return lambda k, x: getattr(k.layers, kind)(*args, **kwargs)(x)


def _tf(function: str, *args: Any) -> Callable[..., Any]:
    """A model of a single TensorFlow function."""

    def build(k: Any, x: Any) -> Any:
        import operator

        import tensorflow as tf

        call = operator.attrgetter(function)(tf)
        return k.layers.Lambda(lambda t: call(t, *args))(x)

    return build


IMAGE, SERIES, VECTOR = (6, 5, 3), (10, 3), (12,)

# --- convolutions
for name, kwargs in {
    "3x3": {},
    "1x1": {"kernel_size": 1},
    "same": {"padding": "same"},
    "stride2": {"strides": 2},
    "stride2_same": {"strides": 2, "padding": "same"},
    "strides_1_2": {"strides": (1, 2)},
    "kernel_2x4": {"kernel_size": (2, 4)},
    "dilation2": {"kernel_size": 2, "dilation_rate": 2},
    "dilation2_same": {"kernel_size": 2, "dilation_rate": 2, "padding": "same"},
    "no_bias": {"use_bias": False},
    "relu": {"activation": "relu"},
    "relu6": {"activation": "relu6"},
    "sigmoid": {"activation": "sigmoid"},
    "tanh": {"activation": "tanh"},
    "elu": {"activation": "elu"},
    "swish": {"activation": "swish"},
    "groups3": {"groups": 3, "filters": 6},
}.items():
    add(f"conv2d_{name}", layer("Conv2D", **{"filters": 4, "kernel_size": 3, **kwargs}), IMAGE)
add("conv2d_odd_picture", layer("Conv2D", 5, 3, strides=3, padding="same"), (7, 4, 1))
add("conv2d_whole_picture", layer("Conv2D", 5, (6, 5)), IMAGE)
add("conv2d_many_channels", layer("Conv2D", 3, 1), (2, 2, 33))
add("conv2d_groups_depthwise", layer("Conv2D", 3, 3, groups=3), IMAGE)
for name, kwargs in {
    "valid": {},
    "same": {"padding": "same"},
    "stride2": {"strides": 2, "activation": "relu"},
    "causal": {"padding": "causal"},
    "causal_dilated": {"padding": "causal", "dilation_rate": 2},
    "dilated": {"dilation_rate": 3},
}.items():
    add(f"conv1d_{name}", layer("Conv1D", 4, 3, **kwargs), SERIES)
for name, kwargs in {
    "3x3": {},
    "same": {"padding": "same"},
    "stride2": {"strides": 2},
    "multiplier2": {"depth_multiplier": 2, "activation": "relu"},
    "dilation2": {"dilation_rate": 2, "kernel_size": 2},
    "relu6": {"activation": "relu6"},
}.items():
    add(f"depthwise_{name}", layer("DepthwiseConv2D", **{"kernel_size": 3, **kwargs}), IMAGE)
add("depthwise_one_channel", layer("DepthwiseConv2D", 3, depth_multiplier=4), (6, 5, 1))
add("depthwise1d", layer("DepthwiseConv1D", 3), SERIES)
add("separable2d", layer("SeparableConv2D", 4, 3), IMAGE)
add("separable2d_stride2_relu", layer("SeparableConv2D", 4, 3, strides=2, activation="relu"), IMAGE)
add("separable1d", layer("SeparableConv1D", 4, 3), SERIES)
add("transpose2d_stride2", layer("Conv2DTranspose", 3, 3, strides=2), (3, 3, 2))
add("transpose2d_same", layer("Conv2DTranspose", 3, 2, strides=2, padding="same", activation="relu"), (3, 3, 2))
add("transpose1d", layer("Conv1DTranspose", 3, 3, strides=2), (5, 2))
add("conv3d", layer("Conv3D", 2, 2), (4, 4, 4, 1))

# --- dense, per channel as the converter makes it now, and per tensor
for name, kwargs in {"linear": {}, "relu": {"activation": "relu"}, "no_bias": {"use_bias": False}}.items():
    add(f"dense_{name}", layer("Dense", 7, **kwargs), VECTOR)
    add(f"dense_{name}_per_tensor", layer("Dense", 7, **kwargs), VECTOR, per_tensor_dense=True)
add("dense_softmax", layer("Dense", 5, activation="softmax"), VECTOR, per_tensor_dense=True)
add("dense_one_output", layer("Dense", 1), VECTOR)
add("dense_2d", layer("Dense", 4), SERIES, per_tensor_dense=True)
add("dense_3d", layer("Dense", 4), IMAGE, per_tensor_dense=True)
add("time_distributed", lambda k, x: k.layers.TimeDistributed(k.layers.Dense(3))(x), (4, 3), per_tensor_dense=True)
add(
    "conv_flatten_dense",
    lambda k, x: k.layers.Dense(4)(k.layers.Flatten()(k.layers.Conv2D(2, 3, activation="relu")(x))),
    IMAGE,
)
add("einsum_dense", layer("EinsumDense", "abc,cd->abd", output_shape=(None, 4), bias_axes="d"), (5, 3))

# --- pooling
for kind in ("MaxPooling", "AveragePooling"):
    short = kind.lower().removesuffix("pooling") + "pool"
    add(f"{short}2d", layer(f"{kind}2D", 2), IMAGE)
    add(f"{short}2d_same", layer(f"{kind}2D", 3, strides=2, padding="same"), IMAGE)
    add(f"{short}2d_overlap", layer(f"{kind}2D", (3, 2), strides=1), IMAGE)
    add(f"{short}1d", layer(f"{kind}1D", 2), SERIES)
    add(f"{short}2d_relu", lambda k, x, kind=kind: k.layers.ReLU()(getattr(k.layers, f"{kind}2D")(2)(x)), IMAGE)
    add(f"global_{short}2d", layer(f"Global{kind}2D"), IMAGE)
    add(f"global_{short}1d", layer(f"Global{kind}1D"), SERIES)
add("global_averagepool2d_keepdims", layer("GlobalAveragePooling2D", keepdims=True), IMAGE)

# --- activations on their own
for name in ("relu", "relu6", "sigmoid", "tanh", "softmax", "elu", "gelu", "swish", "softplus", "exponential"):
    add(f"activation_{name}", layer("Activation", name), SERIES)
for name in ("hard_sigmoid", "hard_silu", "hard_tanh", "selu", "softsign", "log_softmax", "leaky_relu"):
    add(f"activation_{name}", layer("Activation", name), (4, 3, 2))
add("leaky_relu_layer", layer("LeakyReLU", 0.1), IMAGE)
add("relu_up_to_1", layer("ReLU", 1.0), VECTOR)
add("relu_slope", layer("ReLU", negative_slope=0.2), VECTOR)
add("relu_n1_to_1", lambda k, x: k.ops.clip(x, -1.0, 1.0), VECTOR)
add("prelu_shared", layer("PReLU", shared_axes=[1, 2], alpha_initializer="glorot_uniform"), IMAGE)
add("prelu_each", layer("PReLU", alpha_initializer="he_uniform"), (5, 4))
add("softmax_wide_range", layer("Softmax"), VECTOR, spread=20.0)
add("softmax_axis1", layer("Softmax", axis=1), SERIES)
add("sigmoid_wide_range", layer("Activation", "sigmoid"), VECTOR, spread=8.0)

# --- two branches, several inputs and outputs
for kind in ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average", "Concatenate", "Dot"):
    short = kind.lower()
    if kind == "Dot":
        add("two_inputs_dot", lambda k, a, b: k.layers.Dot(axes=1)([a, b]), VECTOR, VECTOR)
        continue
    add(f"two_inputs_{short}", lambda k, a, b, kind=kind: getattr(k.layers, kind)()([a, b * 2.5]), (3, 4, 2), (3, 4, 2))
add("add_relu", lambda k, a, b: k.layers.ReLU()(k.layers.Add()([a, b])), (4, 3), (4, 3))
add("add_broadcast_channel", lambda k, a, b: k.layers.Add()([a, b]), (3, 4, 2), (1, 1, 2))
add("mul_broadcast_picture", lambda k, a, b: k.layers.Multiply()([a, b]), (3, 4, 2), (3, 4, 1))
add("sub_broadcast_rank", lambda k, a, b: a - k.ops.reshape(b, (1, 1, 2)), (3, 2), (2,))
add("add_scalar", lambda k, x: x + 0.7, SERIES)
add("mul_scalar", lambda k, x: x * -1.3, SERIES)
add("divide", lambda k, a, b: a / (k.ops.abs(b) + 1.0), VECTOR, VECTOR)
add("concat_axis1", lambda k, a, b: k.layers.Concatenate(axis=1)([a, b * 3.0]), (3, 2), (4, 2))
add("concat_four", lambda k, x: k.layers.Concatenate()([x, x * 2.0, k.ops.tanh(x), k.layers.Dense(3)(x)]), VECTOR)
add(
    "residual",
    lambda k, x: k.layers.ReLU()(k.layers.Add()([x, k.layers.Conv2D(3, 3, padding="same", activation="relu")(x)])),
    IMAGE,
)
add(
    "squeeze_and_excite",
    lambda k, x: k.layers.Multiply()(
        [x, k.layers.Conv2D(3, 1, activation="sigmoid")(k.layers.AveragePooling2D((6, 5))(x))]
    ),
    IMAGE,
)
add(
    "three_inputs",
    lambda k, a, b, c: k.layers.Add()([k.layers.Dense(4)(a), k.layers.Dense(4)(b), c]),
    (5,),
    (3,),
    (4,),
    per_tensor_dense=True,
)
add(
    "two_outputs",
    lambda k, x: [
        k.layers.Conv2D(2, 1, name="map")(x),
        k.layers.Dense(3, name="vector")(k.layers.Flatten()(x)),
    ],
    (3, 3, 2),
    per_tensor_dense=True,
)
add("shared_layer", lambda k, a, b: (d := k.layers.Dense(3, activation="tanh"))(a) - d(b), VECTOR, VECTOR)

# --- shapes
add("flatten", layer("Flatten"), (3, 4, 2))
add("reshape", layer("Reshape", (4, 6)), (3, 4, 2))
add("reshape_conv", lambda k, x: k.layers.Conv2D(3, 2)(k.layers.Reshape((4, 3, 1))(x)), VECTOR)
add("permute_2_1", layer("Permute", (2, 1)), (4, 3))
add("permute_3_1_2", layer("Permute", (3, 1, 2)), (3, 4, 2))
add("zero_padding2d", layer("ZeroPadding2D", ((1, 2), (0, 1))), (3, 4, 2))
add("zero_padding2d_conv", lambda k, x: k.layers.Conv2D(3, 3, strides=2)(k.layers.ZeroPadding2D(1)(x)), IMAGE)
add("zero_padding1d", layer("ZeroPadding1D", (2, 1)), (4, 2))
add("pad_value", lambda k, x: k.ops.pad(x, ((0, 0), (1, 1), (0, 0)), constant_values=0.5), (4, 2))
add("pad_reflect", lambda k, x: k.ops.pad(x, ((0, 0), (1, 1), (0, 0)), mode="reflect"), (4, 2))
add("cropping2d", layer("Cropping2D", ((1, 0), (1, 1))), (4, 5, 2))
add("cropping1d", layer("Cropping1D", (1, 2)), (6, 2))
add("slice_step", lambda k, x: x[:, ::2, 1:], (6, 3))
add("slice_one", lambda k, x: x[:, 2], (6, 3))
add("slice_negative", lambda k, x: x[:, ::-1], (5, 2))
add("split", lambda k, x: k.layers.Concatenate(axis=1)(list(reversed(k.ops.split(x, 2, axis=1)))), (4, 3))
add("unstack_stack", lambda k, x: k.ops.stack(list(reversed(k.ops.unstack(x, axis=1))), axis=1), (3, 4))
add("repeat_vector", layer("RepeatVector", 3), (5,))
add("upsampling2d", layer("UpSampling2D", (2, 3)), (3, 2, 2))
add("upsampling2d_bilinear", layer("UpSampling2D", 2, interpolation="bilinear"), (3, 2, 2))
add("upsampling1d", layer("UpSampling1D", 2), (4, 2))
add("resize_nearest", layer("Resizing", 5, 7, interpolation="nearest"), (3, 4, 2))
add("resize_bilinear", layer("Resizing", 5, 7), (3, 4, 2))
add("expand_dims", lambda k, x: k.ops.expand_dims(x, 2), (4, 3))
add("squeeze", lambda k, x: k.ops.squeeze(x, 2), (4, 1, 3))
add("tile", lambda k, x: k.ops.tile(x, (1, 2, 1)), (3, 2))
add("gather", lambda k, x: k.ops.take(x, [2, 0, 2], axis=1), (4, 2))
add("depth_to_space", _tf("nn.depth_to_space", 2), (2, 3, 8))
add("space_to_depth", _tf("nn.space_to_depth", 2), (4, 2, 2))

# --- reductions and single numbers
for name in ("mean", "sum", "max", "min", "prod"):
    add(f"reduce_{name}_axis1", lambda k, x, name=name: getattr(k.ops, name)(x, axis=1), (4, 3))
add("reduce_mean_last", lambda k, x: k.ops.mean(x, axis=-1, keepdims=True), (4, 3))
add("reduce_mean_12", lambda k, x: k.ops.mean(x, axis=(1, 2)), IMAGE)
# Keras's own argmax handles -0.0 by an operator that the converter does not have.
add("argmax", _tf("argmax", -1, "int32"), VECTOR)
add("argmin_axis1", _tf("argmin", 1, "int32"), (5, 3))
for name in ("abs", "square", "exp", "sin", "floor", "negative", "rsqrt"):
    source = (lambda k, x: k.ops.rsqrt(k.ops.abs(x) + 0.5)) if name == "rsqrt" else None
    add(f"ops_{name}", source or (lambda k, x, name=name: getattr(k.ops, name)(x)), VECTOR)
add("maximum_constant", lambda k, x: k.ops.maximum(x, 0.25), VECTOR)
add("where_greater", lambda k, a, b: k.ops.where(a > b, a, b * 2.0), VECTOR, VECTOR)
add("squared_difference", lambda k, a, b: k.ops.square(a - b), VECTOR, VECTOR)
add("l2_normalise", _tf("math.l2_normalize", -1), VECTOR)
add("cumsum", lambda k, x: k.ops.cumsum(x, axis=1), (5, 2))

# --- normalisation
add("batchnorm", layer("BatchNormalization"), IMAGE)
add(
    "conv_batchnorm_relu",
    lambda k, x: k.layers.ReLU()(k.layers.BatchNormalization()(k.layers.Conv2D(4, 3, use_bias=False)(x))),
    IMAGE,
)
add(
    "depthwise_batchnorm_relu6",
    lambda k, x: k.layers.ReLU(6.0)(k.layers.BatchNormalization()(k.layers.DepthwiseConv2D(3)(x))),
    IMAGE,
)
add("dense_batchnorm", lambda k, x: k.layers.BatchNormalization()(k.layers.Dense(4)(x)), VECTOR)
add("rescaling", layer("Rescaling", 1 / 127.5, offset=-1), (3, 3, 2), spread=60.0)
add("normalization", layer("Normalization", mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 0.5]), SERIES)
add("layer_normalization", layer("LayerNormalization"), VECTOR)
add("group_normalization", layer("GroupNormalization", 2), (3, 3, 4))
add("unit_normalization", layer("UnitNormalization"), VECTOR)

# --- recurrence and attention
add("simple_rnn_unrolled", layer("SimpleRNN", 3, unroll=True), (3, 2))
add("simple_rnn_per_tensor", layer("SimpleRNN", 3, unroll=True), (3, 2), per_tensor_dense=True)
add("lstm_unrolled", layer("LSTM", 2, unroll=True), (2, 2), per_tensor_dense=True)
add("gru_unrolled", layer("GRU", 2, unroll=True), (2, 2), per_tensor_dense=True)
add("attention", lambda k, a, b: k.layers.Attention()([a, b]), (3, 4), (5, 4))
add("multi_head_attention", lambda k, x: k.layers.MultiHeadAttention(1, 2)(x, x), (3, 2))

# --- other kinds of numbers
_SMALL_NET = {
    "conv": lambda k, x: k.layers.Conv2D(3, 3, activation="relu")(x),
    "depthwise": lambda k, x: k.layers.DepthwiseConv2D(3)(x),
    "dense": lambda k, x: k.layers.Dense(4, activation="softmax")(k.layers.Flatten()(x)),
    "pool": lambda k, x: k.layers.AveragePooling2D(2)(k.layers.MaxPooling2D(2)(x)),
    "add": lambda k, x: k.layers.Add()([x, k.layers.Activation("tanh")(x)]),
    "sigmoid": lambda k, x: k.layers.Activation("sigmoid")(x),
}
for kind in ("uint8", "float_io", "int16", "float"):
    for name, build in _SMALL_NET.items():
        add(f"{kind}_{name}", build, (5, 4, 2), kind=kind)
for name in ("conv", "depthwise"):
    # The converter leaves weights of under 1024 elements as they are.
    add(f"hybrid_{name}", _SMALL_NET[name], (3, 3, 128), kind="hybrid")
add("hybrid_dense", lambda k, x: k.layers.Dense(20)(x), (60,), kind="hybrid")
add("float_simple_rnn", layer("SimpleRNN", 3, unroll=True), (3, 2), kind="float")
add("float_lstm", layer("LSTM", 2, unroll=True), (2, 2), kind="float")
add("float_global_averagepool", layer("GlobalAveragePooling2D"), IMAGE, kind="float")
add("float_batchnorm", layer("BatchNormalization"), IMAGE, kind="float")
add("float_conv1d_causal", layer("Conv1D", 4, 3, padding="causal", dilation_rate=2), SERIES, kind="float")
add("float_leaky_relu", layer("LeakyReLU"), IMAGE, kind="float")
add("float_relu", layer("ReLU"), IMAGE, kind="float")
add("float_dense_2d", layer("Dense", 4), SERIES, kind="float")
add("float_depthwise_dilation2", layer("DepthwiseConv2D", 2, dilation_rate=2), IMAGE, kind="float")
add("float_conv_groups", layer("Conv2D", 6, 3, groups=3), IMAGE, kind="float")
add("float_ops_log_sqrt", lambda k, x: k.ops.log(k.ops.sqrt(k.ops.abs(x)) + 1.0), VECTOR, kind="float")
add("float_ops_round_sign", lambda k, x: k.ops.floor(x) + k.ops.ceil(x * 0.5) - k.ops.cos(x), VECTOR, kind="float")
add("int16_add_relu", lambda k, a, b: k.layers.ReLU()(k.layers.Add()([a, b])), (4, 3), (4, 3), kind="int16")

# --- the batch size left open, which is how Keras models mostly come
for name in (
    "conv1d_valid", "conv2d_3x3", "conv2d_dilation2", "dense_linear", "dense_2d", "flatten", "reshape", "upsampling2d",
    "global_averagepool1d", "simple_rnn_per_tensor", "conv_flatten_dense", "transpose2d_stride2",
):  # fmt: skip
    MODELS[f"open_batch_{name}"] = replace(MODELS[name], open_batch=True)
