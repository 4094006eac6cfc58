"""Transposed convolutions and permuted axes: the tree has neither TRANSPOSE_CONV nor TRANSPOSE."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.convert.rewrite.context import Context, sizes

_MOST_PIECES = 32  # what an axis is taken apart into and put together from again


def transposed(c: Context, layer: Any, x: Any) -> Any:
    """Conv1D/2DTranspose -> zeros put between the samples, then a convolution with the kernel turned round."""
    shape = sizes(x)
    flat = type(layer).__name__ == "Conv1DTranspose"
    if shape is None or layer.data_format == "channels_first" or layer.output_padding not in (None, (None, None)):
        return None
    if any(d != 1 for d in _tuple(layer.dilation_rate)) or getattr(layer, "groups", 1) != 1:
        return None
    h, w, channels = (1, *shape) if flat else shape
    (sh, sw), (kh, kw) = _tuple(layer.strides)[-2:], _tuple(layer.kernel_size)[-2:]
    kernel, *bias = layer.get_weights()
    kernel = np.flip(kernel.reshape(kh, kw, *kernel.shape[-2:]), (0, 1)).swapaxes(2, 3)

    y = _gaps(c, layer, c.reshape(layer, x, (h * w, 1, channels)), sw)
    y = _gaps(c, layer, c.reshape(layer, y, (h, 1, w * sw * channels)), sh)
    y = c.reshape(layer, y, (h * sh, w * sw, channels))
    around = tuple(_around(k, s, layer.padding) for k, s in ((kh, sh), (kw, sw)))
    if around != ((0, 0), (0, 0)):
        y = c.layers.ZeroPadding2D(around, name=c.name(layer, "around"))(y)
    conv = c.layers.Conv2D(
        layer.filters,
        (kh, kw),
        activation=layer.activation,
        use_bias=layer.use_bias,
        name=c.name(layer, "conv"),
    )
    y = c.with_weights(conv, y, [kernel, *bias])
    c.say(layer, "zeros between the samples, then a convolution (more multiplications)")
    return c.reshape(layer, y, tuple(y.shape[2:])) if flat else y


def _tuple(value: Any) -> tuple[int, ...]:
    values = tuple(int(v) for v in value) if isinstance(value, list | tuple) else (int(value),)
    return values if len(values) == 2 else (1, *values)


def _gaps(c: Context, layer: Any, x: Any, stride: int) -> Any:
    """[n, 1, m] -> [n, stride, m], zeros behind each row."""
    if stride == 1:
        return x
    return c.layers.ZeroPadding2D(((0, 0), (0, stride - 1)), name=c.name(layer, "gaps"))(x)


def _around(kernel: int, stride: int, padding: str) -> tuple[int, int]:
    """Zeros before and after, so that a plain convolution gives the transposed one's size and place."""
    over = max(kernel - stride, 0)
    if padding == "valid":
        return kernel - 1, over
    before = kernel - 1 - over // 2
    return before, kernel - 1 - before


def permute(c: Context, layer: Any, x: Any) -> Any:
    """Permute -> axes taken apart (UNPACK) and put together elsewhere (PACK), or a Reshape where that does it."""
    shape = sizes(x)
    if shape is None or len(shape) > 3:
        return None
    wanted = [d - 1 for d in layer.dims]
    if [d for d in wanted if shape[d] > 1] == [d for d in range(len(shape)) if shape[d] > 1]:
        c.say(layer, "reshape: only axes of size 1 move")
        return c.reshape(layer, x, tuple(shape[d] for d in wanted))
    moves = _moves(wanted, shape)
    if any(shape[axis] > _MOST_PIECES for axis, _, _ in moves):
        return None
    ops = c.keras.ops
    for _, source, target in moves:
        x = ops.stack(ops.unstack(x, axis=source + 1), axis=target + 1)
    c.say(layer, "taken apart along an axis and stacked along another")
    return x


def _moves(wanted: list[int], shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(original axis, from, to) moves that bring axes 0, 1, ... into the order `wanted`, the short axes moving."""
    best: list[tuple[int, int, int]] = []
    cost = float("inf")
    for fixed in range(len(shape)):  # one axis never needs to move
        order, moves = list(range(len(shape))), []
        for axis in sorted((a for a in range(len(shape)) if a != fixed), key=lambda a: shape[a]):
            rest = [a for a in order if a != axis]
            # Where it belongs among those that are in place already, or stay.
            target = sum(1 for a in rest if wanted.index(a) < wanted.index(axis))
            if order.index(axis) != target:
                moves.append((axis, order.index(axis), target))
                order = [*rest[:target], axis, *rest[target:]]
        price = sum(shape[a] for a, _, _ in moves)
        if order == wanted and price < cost:
            best, cost = moves, price
    return best
