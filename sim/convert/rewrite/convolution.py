"""Convolutions that the tree computes wrongly without a word: groups and depthwise dilation are ignored by it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.convert.rewrite.context import Context


def grouped(c: Context, layer: Any, x: Any) -> Any:
    """Conv1D/Conv2D with groups -> one convolution a group, concatenated; or a DepthwiseConv2D where that is it."""
    groups = int(getattr(layer, "groups", 1))
    if groups == 1 or layer.data_format == "channels_first" or x.shape[-1] is None:
        return None
    kernel, *bias = layer.get_weights()
    each_in, each_out = x.shape[-1] // groups, layer.filters // groups
    parts = []
    for g in range(groups):
        mine = slice(g * each_out, (g + 1) * each_out)
        config = {k: getattr(layer, k) for k in ("kernel_size", "strides", "padding", "dilation_rate", "use_bias")}
        part = type(layer)(each_out, activation=layer.activation, name=c.name(layer, f"group{g}"), **config)
        taken = x[..., g * each_in : (g + 1) * each_in]
        parts.append(c.with_weights(part, taken, [kernel[..., mine], *[b[mine] for b in bias]]))
    c.say(layer, f"{groups} convolutions of {each_in} channels each, concatenated")
    return c.layers.Concatenate(name=c.name(layer, "groups"))(parts)


def dilated_depthwise(c: Context, layer: Any, x: Any) -> Any:
    """DepthwiseConv1D/2D or SeparableConv1D/2D, dilated -> the same with the gaps written into the kernel as zeros."""
    rates = _pair(layer.dilation_rate)
    if all(r == 1 for r in rates):
        return None
    kernel, *rest = layer.get_weights()
    spread = kernel
    for axis, rate in enumerate(rates):
        spread = _with_gaps(spread, axis, rate)
    config = layer.get_config()
    config["name"] = c.name(layer, "gaps")
    config["kernel_size"], config["dilation_rate"] = spread.shape[: len(rates)], (1,) * len(rates)
    c.say(
        layer,
        f"kernel {' x '.join(map(str, kernel.shape[: len(rates)]))} written as "
        f"{' x '.join(map(str, spread.shape[: len(rates)]))} with zeros in the gaps (more multiplications)",
    )
    return c.with_weights(type(layer).from_config(config), x, [spread, *rest])


def _pair(rate: Any) -> tuple[int, ...]:
    return tuple(int(r) for r in rate) if isinstance(rate, list | tuple) else (int(rate),)


def _with_gaps(kernel: NDArray[Any], axis: int, rate: int) -> NDArray[Any]:
    shape = list(kernel.shape)
    shape[axis] = (shape[axis] - 1) * rate + 1
    out = np.zeros(shape, kernel.dtype)
    where = [slice(None)] * kernel.ndim
    where[axis] = slice(None, None, rate)
    out[tuple(where)] = kernel
    return out
