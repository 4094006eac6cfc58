"""UpSampling: Keras writes it as TILE, which the tree does not have."""

from __future__ import annotations

from typing import Any

from sim.convert.rewrite.context import Context, sizes


def upsampling(c: Context, layer: Any, x: Any) -> Any:
    """UpSampling1D, nearest UpSampling2D -> RESIZE_NEAREST_NEIGHBOR by whole factors, which repeats exactly."""
    shape = sizes(x)
    two = type(layer).__name__ == "UpSampling2D"
    if shape is None or getattr(layer, "data_format", "") == "channels_first":
        return None
    if two and layer.interpolation != "nearest":
        return None
    factors = tuple(int(s) for s in layer.size) if two else (int(layer.size), 1)
    picture = shape if two else (shape[0], 1, shape[1])
    size = (picture[0] * factors[0], picture[1] * factors[1])
    tf = c.tf

    class Nearest(c.keras.layers.Layer):  # type: ignore[name-defined,misc]
        def call(self, t: Any) -> Any:
            return tf.raw_ops.ResizeNearestNeighbor(images=t, size=list(size), half_pixel_centers=False)

        def compute_output_shape(self, given: Any) -> Any:
            return (given[0], *size, given[3])

    y = Nearest(name=c.name(layer, "nearest"))(c.reshape(layer, x, picture))
    c.say(layer, f"nearest-neighbour resize to {size[0]} x {size[1]}")
    return y if two else c.reshape(layer, y, (size[0], shape[1]))
