"""Seeded random networks of the layers in layers.py: what single layers cannot show (shared scales, branches)."""

from __future__ import annotations

from typing import Any

import numpy as np

NETWORKS = 15
SHAPES = ((8, 8, 2), (6, 9, 3), (12, 4))


def shape(seed: int) -> tuple[int, ...]:
    return SHAPES[seed % len(SHAPES)]


def build(seed: int, k: Any, x: Any) -> Any:
    """Three to six layers, drawn by `seed`, closed by a small head."""
    rng = np.random.default_rng(1000 + seed)
    draw = _picture if len(x.shape) == 4 else _series
    for _ in range(rng.integers(3, 7)):
        x = draw(rng, k, x)
    return _head(rng, k, x)


def _activation(rng: np.random.Generator) -> str | None:
    return str(rng.choice(["linear", "relu", "relu6", "tanh", "sigmoid"]))


def _picture(rng: np.random.Generator, k: Any, x: Any) -> Any:
    _, h, w, c = x.shape
    choices = ["conv", "conv", "depthwise", "separable", "residual", "pool", "norm", "gate", "concat", "relu", "pad"]
    layers = k.layers
    match str(rng.choice(choices)):
        case "conv":
            padding = "valid" if min(h, w) > 3 and rng.random() < 0.5 else "same"
            return layers.Conv2D(
                int(rng.integers(2, 5)), int(rng.integers(1, 4)), padding=padding, activation=_activation(rng)
            )(x)
        case "depthwise":
            return layers.DepthwiseConv2D(3, padding="same", activation=_activation(rng))(x)
        case "separable":
            return layers.SeparableConv2D(int(rng.integers(2, 6)), 3, padding="same", activation="relu")(x)
        case "residual":
            return layers.ReLU()(layers.Add()([x, layers.Conv2D(c, 3, padding="same")(x)]))
        case "pool" if min(h, w) >= 4:
            return (layers.MaxPooling2D if rng.random() < 0.5 else layers.AveragePooling2D)(2)(x)
        case "norm":
            return layers.BatchNormalization()(x)
        case "gate":
            return layers.Multiply()([x, layers.Conv2D(c, 1, activation="sigmoid")(x)])
        case "concat" if c <= 6:
            return layers.Concatenate()([x, layers.Conv2D(2, 1, activation=_activation(rng))(x)])
        case "relu":
            return layers.ReLU()(x)
        case _:
            return layers.ZeroPadding2D(((0, 1), (1, 0)))(x)


def _series(rng: np.random.Generator, k: Any, x: Any) -> Any:
    _, t, c = x.shape
    layers = k.layers
    match str(rng.choice(["conv", "conv", "causal", "pool", "residual", "norm", "maximum", "crop"])):
        case "conv":
            return layers.Conv1D(int(rng.integers(2, 6)), 3, padding="same", activation=_activation(rng))(x)
        case "causal":
            return layers.Conv1D(int(rng.integers(2, 6)), 2, padding="causal", dilation_rate=2)(x)
        case "pool" if t >= 6:
            return (layers.MaxPooling1D if rng.random() < 0.5 else layers.AveragePooling1D)(2)(x)
        case "residual":
            return layers.Add()([x, layers.Conv1D(c, 3, padding="same", activation="relu")(x)])
        case "norm":
            return layers.BatchNormalization()(x)
        case "crop" if t >= 5:
            return layers.Cropping1D((1, 0))(x)
        case _:
            return layers.Maximum()([x, layers.Conv1D(c, 1)(x)])


def _head(rng: np.random.Generator, k: Any, x: Any) -> Any:
    layers = k.layers
    kind = rng.integers(0, 3)
    if kind == 0:
        return x
    flat = layers.Flatten()(x)
    if int(flat.shape[-1]) > 100:
        flat = layers.Flatten()(layers.AveragePooling2D(tuple(x.shape[1:3]))(x) if len(x.shape) == 4 else x[:, -1:])
    return layers.Dense(4, activation="softmax" if kind == 1 else "tanh")(flat)
