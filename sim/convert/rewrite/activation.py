"""Activations: RELU that rescales, and LEAKY_RELU and HARD_SWISH, which the tree does not have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sim.convert.rewrite.context import Context, sizes

# What the converter fuses a following ReLU into. After anything else ReLU becomes an operator of its own.
_FUSES = {
    "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "Dense", "Add",
    "Subtract", "BatchNormalization", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D",
}  # fmt: skip
LEAKY_DEFAULT = 0.2  # keras.activations.leaky_relu


def relu_layer(c: Context, layer: Any, x: Any) -> Any:
    """ReLU layer: leaky ones become PReLU, standing-alone ones a 1x1 max pooling that carries the ReLU."""
    config = layer.get_config()
    top, slope = config.get("max_value"), float(config.get("negative_slope") or 0)
    if float(config.get("threshold") or 0) != 0:
        return None
    if slope:
        return leaky(c, layer, x, slope) if top is None else None
    if top is None or float(top) == 6.0:
        return relu(c, layer, x, layer)
    bare = c.layers.ReLU(name=c.name(layer, "relu"))
    y = relu(c, layer, x, bare)
    c.say(layer, f"ReLU, then the minimum with {top:g}")
    return c.keras.ops.minimum(bare(x) if y is None else y, float(top))


def activation_layer(c: Context, layer: Any, x: Any) -> Any:
    """Activation("relu"), ("relu6"), ("leaky_relu"), ("hard_swish")."""
    name = activation_name(layer)
    if name in ("relu", "relu6"):
        return relu(c, layer, x, layer)
    return TAKEN_OFF[name](c, layer, x) if name in TAKEN_OFF else None


def leaky_layer(c: Context, layer: Any, x: Any) -> Any:
    """LeakyReLU -> PReLU."""
    return leaky(c, layer, x, float(layer.negative_slope))


def activation_name(layer: Any) -> str:
    """Name of a layer's activation function; empty without one."""
    function = getattr(layer, "activation", None)
    return str(getattr(function, "__name__", ""))


def leaky(c: Context, layer: Any, x: Any, slope: float) -> Any:
    """PReLU with one constant slope: maximum(x, slope * x) would be turned back into LEAKY_RELU."""
    axes = list(range(1, len(x.shape)))
    constant = c.keras.initializers.Constant(slope)
    c.say(layer, f"PReLU with the one slope {slope:g}")
    return c.layers.PReLU(alpha_initializer=constant, shared_axes=axes, name=c.name(layer, "prelu"))(x)


def hard_swish(c: Context, layer: Any, x: Any) -> Any:
    """x * hard_sigmoid(x); a 1x1 pooling between keeps the converter from making HARD_SWISH of it again."""
    shape = sizes(x)
    if shape is None:
        return None
    gate = c.layers.Activation("hard_sigmoid", name=c.name(layer, "gate"))(x)
    pool = c.layers.MaxPooling2D(1, name=c.name(layer, "apart"))
    gate = c.reshape(layer, pool(c.reshape(layer, gate, _picture(shape))), shape)
    c.say(layer, "x * hard_sigmoid(x), kept apart by a 1x1 max pooling")
    return c.layers.Multiply(name=c.name(layer, "product"))([x, gate])


# Activations that are taken off a layer and put behind it.
TAKEN_OFF: dict[str, Callable[[Context, Any, Any], Any]] = {
    "leaky_relu": lambda c, layer, x: leaky(c, layer, x, LEAKY_DEFAULT),
    "hard_swish": hard_swish,
    "hard_silu": hard_swish,
}


def _picture(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The same elements as [height, width, channels]."""
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (1, math.prod(shape[:-1]), shape[-1])


def relu(c: Context, layer: Any, x: Any, function: Any) -> Any:
    """A ReLU (or ReLU6) that the converter will not fuse -> fused into a 1x1 max pooling, which keeps the scale."""
    if not c.every_relu and _fuses(c, x):
        return None
    shape = sizes(x)
    if shape is None:
        return None
    pool = c.layers.MaxPooling2D(1, name=c.name(layer, "pool"))
    y = function(pool(c.reshape(layer, x, _picture(shape))))
    c.say(layer, "1x1 max pooling with the ReLU fused (a ReLU alone rescales, which the tree leaves out)")
    return c.reshape(layer, y, shape)


def _fuses(c: Context, x: Any) -> bool:
    made_by = x._keras_history.operation
    if c.readers.get(id(made_by), 1) > 1 or type(made_by).__name__ not in _FUSES:
        return False
    return activation_name(made_by) in ("", "linear")
