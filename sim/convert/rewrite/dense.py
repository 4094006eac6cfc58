"""Dense on more than one axis: the tree ignores that FULLY_CONNECTED should keep the dimensions."""

from __future__ import annotations

import math
from typing import Any

from sim.convert.rewrite.context import Context, sizes


def dense(c: Context, layer: Any, x: Any) -> Any:
    """Dense on [time, channels] or [height, width, channels] -> a 1x1 convolution."""
    shape = sizes(x)
    if shape is None or len(shape) < 2:
        return None
    height = math.prod(shape[:-2])
    one = c.layers.Conv2D(
        layer.units, 1, activation=layer.activation, use_bias=layer.use_bias, name=c.name(layer, "1x1")
    )
    kernel, *bias = layer.get_weights()
    y = c.with_weights(one, c.reshape(layer, x, (height, shape[-2], shape[-1])), [kernel[None, None], *bias])
    c.say(layer, f"1x1 convolution over {' x '.join(map(str, shape[:-1]))}")
    return c.reshape(layer, y, (*shape[:-1], layer.units))


def time_distributed(c: Context, layer: Any, x: Any) -> Any:
    """TimeDistributed(Dense) -> as Dense, in one operator instead of one a step."""
    return dense(c, layer.layer, x) if type(layer.layer).__name__ == "Dense" else None
