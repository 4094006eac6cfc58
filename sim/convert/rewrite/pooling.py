"""Global poolings: the tree's MEAN is float only, and REDUCE_MAX it does not have."""

from __future__ import annotations

from typing import Any

from sim.convert.rewrite.context import Context, sizes


def global_pooling(c: Context, layer: Any, x: Any) -> Any:
    """GlobalAverage/MaxPooling1D/2D -> a pooling over the whole picture, then a Reshape."""
    shape = sizes(x)
    if shape is None or len(shape) not in (2, 3) or layer.data_format == "channels_first":
        return None
    spatial, channels = shape[:-1], shape[-1]
    window = spatial if len(spatial) == 2 else (spatial[0], 1)
    average = "Average" in type(layer).__name__
    pool = c.layers.AveragePooling2D if average else c.layers.MaxPooling2D
    y = pool(window, name=c.name(layer, "pool"))(c.reshape(layer, x, (*window, channels)))
    c.say(layer, f"{'average' if average else 'max'} pooling over {' x '.join(map(str, spatial))}, and a reshape")
    kept = (1,) * len(spatial) if layer.keepdims else ()
    return c.reshape(layer, y, (*kept, channels))
