"""What taking filters out of one layer means for the layers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LOSING = ("Conv1D", "Conv2D", "Dense", "SeparableConv1D", "SeparableConv2D")
_DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
# The last axis stays what it is, and no channel has to do with another.
_EACH = (
    "ReLU", "LeakyReLU", "ELU", "Activation", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout",
    "GaussianNoise", "ActivityRegularization", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "ZeroPadding1D",
    "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D",
)  # fmt: skip
_MERGED = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
_ACROSS = ("softmax", "log_softmax")  # activations in which each channel depends on all


class Stuck(Exception):
    """A layer needs all that `sources` (names of layers) give; the text says why."""

    def __init__(self, why: str, sources: frozenset[str]) -> None:
        super().__init__(why)
        self.sources = sources


@dataclass(frozen=True, eq=False)
class Kept:
    """Which elements of a tensor are left: `mask` has its shape before anything went, without the batch.

    `sources`: names of the layers whose filters they were.
    """

    mask: Array
    sources: frozenset[str]

    def last(self, layer: Any) -> Array:
        """Which channels are left, where that is the same at every place; else raises Stuck."""
        flat = self.mask.reshape(-1, self.mask.shape[-1])
        if not (flat == flat[0]).all():
            raise Stuck(f"{layer.name} mixes channels and places", self.sources)
        return np.asarray(flat[0])


def rule(layer: Any, inputs: Sequence[Kept], lost: Array | None) -> tuple[Any, list[Array] | None, Kept]:
    """(new layer, its weights, what is left of its output) for a layer of the old model.

    `lost`: filters (units) of this layer that go. Raises Stuck for a layer that is not understood and reads from one
    that lost something, or that cannot lose what it should.
    """
    name = type(layer).__name__
    config, weights = layer.get_config(), layer.get_weights()
    sources = frozenset[str]().union(*(k.sources for k in inputs))
    if name == "InputLayer":
        raise AssertionError("inputs are made by Keras")
    if not _plain(layer, config, name):
        if lost is not None and lost.any():
            raise Stuck("its activation, groups or layout needs all channels", frozenset([layer.name]))
        name = ""
    if name in LOSING or name in _DEPTHWISE:
        (given,) = inputs
        shape = _out(layer, given)
        keep = np.ones(shape[-1], bool) if lost is None else ~lost
        if name in _DEPTHWISE:
            reads = given.last(layer)
            keep = np.repeat(reads, config["depth_multiplier"])
            weights[0] = weights[0][..., reads, :]
        elif name == "Dense":
            reads = given.mask if given.mask.ndim == 1 else given.last(layer)
            weights[0] = weights[0][reads][:, keep]
        elif name.startswith("Separable"):
            reads = given.last(layer)
            deep = np.repeat(reads, config["depth_multiplier"])
            weights[0], weights[1] = weights[0][..., reads, :], weights[1][..., deep, :][..., keep]
        else:
            weights[0] = weights[0][..., given.last(layer), :][..., keep]
        if config["use_bias"]:
            weights[-1] = weights[-1][keep]
        if name not in _DEPTHWISE:
            config["units" if name == "Dense" else "filters"] = int(keep.sum())
            sources = frozenset([layer.name]) if lost is not None and lost.any() else frozenset()
        return type(layer).from_config(config), weights, Kept(_over(shape, keep), sources)
    if name in ("BatchNormalization", "PReLU"):
        (given,) = inputs
        keep = given.last(layer)
        return type(layer).from_config(config), [w[..., keep] for w in weights], given
    if name in _EACH:
        (given,) = inputs
        kept = Kept(_over(_out(layer, given), given.last(layer)), sources)
        return type(layer).from_config(config), None, kept
    if name in ("Flatten", "Reshape"):
        return _reshaped(layer, config, inputs[0])
    if name in _MERGED and all(np.array_equal(k.mask, inputs[0].mask) for k in inputs):
        return type(layer).from_config(config), None, Kept(inputs[0].mask, sources)
    if name == "Concatenate" and config["axis"] in (-1, inputs[0].mask.ndim):
        mask = np.concatenate([k.mask for k in inputs], axis=-1)
        return type(layer).from_config(config), None, Kept(mask, sources)
    if not all(k.mask.all() for k in inputs):
        what = {"Add": "adds it to channels of another layer", "": "needs all channels"}
        why = what.get("Add" if name in _MERGED else name, "needs all channels, or is not understood here")
        raise Stuck(f"{layer.name} ({type(layer).__name__}) {why}", sources)
    new = type(layer).from_config(layer.get_config())
    shapes = [(None, *k.mask.shape) for k in inputs]
    shape = layer.compute_output_shape(shapes[0] if len(shapes) == 1 else shapes)
    whole = np.ones([s or 1 for s in shape[1:]], bool)
    return new, weights or None, Kept(whole, frozenset())


def _plain(layer: Any, config: dict[str, Any], name: str) -> bool:
    """Whether the rules below hold for this layer as it is configured."""
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    if activation in _ACROSS and name == "Activation":
        return False
    if name in LOSING or name in _DEPTHWISE:
        return config.get("groups", 1) == 1 and config.get("data_format") in (None, "channels_last")
    if name == "BatchNormalization":
        return config["axis"] in (-1, [-1], len(layer.input.shape) - 1)
    return config.get("data_format") in (None, "channels_last")


def _reshaped(layer: Any, config: dict[str, Any], given: Kept) -> tuple[Any, list[Array] | None, Kept]:
    shape = _out(layer, given)
    if int(np.prod(shape)) != given.mask.size:
        raise Stuck(f"{layer.name} reshapes sizes that are not known before running", given.sources)
    kept = Kept(given.mask.reshape(shape), given.sources)
    if "target_shape" in config:
        config["target_shape"] = (*shape[:-1], int(kept.last(layer).sum()))
    return type(layer).from_config(config), None, kept


def _out(layer: Any, given: Kept) -> tuple[int, ...]:
    return tuple(s or 1 for s in layer.compute_output_shape((None, *given.mask.shape))[1:])


def _over(shape: tuple[int, ...], keep: Array) -> Array:
    return np.broadcast_to(keep, shape).copy()
