"""The network, and its training in numpy: six times as fast here as Keras, whose convolutions are made for larger ones.

Three convolutions over time, the bands as channels, so that an inference is over while the sound that comes in is kept;
two dense layers. Adam, a learning rate that falls as a cosine. On one machine the same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
F32 = np.float32
FRAMES, BANDS, LABELS = 49, 40, 4  # as in features.py: of a window, of a frame, of the answer
SOUNDS, SYLLABLES, BEGINNINGS, WORDS = 32, 40, 40, 48  # channels of the convolutions, units of the first dense layer
FIRST, SECOND, THIRD = 16, 14, 6  # places in time after each convolution: strides 3, 1, 2, three frames or places each
DROPPED = (F32(0.2), F32(0.1))  # before the dense layers
RATE = 2e-3
BATCH = 256
CHANGED_AT_ONCE = 8192


def keras_model(keras: Any, weights: list[Floats]) -> Any:
    """The network for the converter, with weights out of `trained`."""
    k = keras.layers
    model = keras.Sequential(
        [
            keras.Input((FRAMES, BANDS), name="frames"),
            k.Reshape((FRAMES, 1, BANDS)),
            k.Conv2D(SOUNDS, (3, 1), strides=(3, 1), activation="relu", name="sounds"),
            k.Conv2D(SYLLABLES, (3, 1), activation="relu", name="syllables"),
            k.Conv2D(BEGINNINGS, (3, 1), strides=(2, 1), activation="relu", name="beginnings"),
            k.Flatten(),
            k.Dropout(float(DROPPED[0])),
            k.Dense(WORDS, activation="relu", name="words"),
            k.Dropout(float(DROPPED[1])),
            k.Dense(LABELS, activation="softmax", name="score"),
        ]
    )
    model.set_weights([w.reshape(own.shape) for w, own in zip(weights, model.get_weights(), strict=True)])
    return model


def fresh(rng: np.random.Generator) -> list[Floats]:
    """Weights [inputs, outputs] and biases of each layer, as Keras begins: uniform, by Glorot and Bengio (2010)."""
    out: list[Floats] = []
    sizes = [(BANDS, SOUNDS), (SOUNDS, SYLLABLES), (SYLLABLES, BEGINNINGS)]
    shapes = [(3 * i, o, 3 * (i + o)) for i, o in sizes]
    shapes += [(THIRD * BEGINNINGS, WORDS, THIRD * BEGINNINGS + WORDS), (WORDS, LABELS, WORDS + LABELS)]
    for inputs, outputs, fans in shapes:
        limit = np.sqrt(6 / fans)
        out += [rng.uniform(-limit, limit, (inputs, outputs)).astype(F32), np.zeros(outputs, F32)]
    return out


def _threes(x: Floats, places: int, stride: int) -> Floats:
    """[n, times, c] -> [n * places, 3 c]: what a convolution sees at each place."""
    last = stride * (places - 1) + 1
    return np.concatenate([x[:, i : i + last : stride] for i in range(3)], axis=2).reshape(-1, 3 * x.shape[2])


def _unthrees(g: Floats, like: Floats, places: int, stride: int) -> Floats:
    """The gradient of `_threes`' input out of that of its output."""
    out, parts, last = np.zeros_like(like), g.reshape(len(like), places, 3, -1), stride * (places - 1) + 1
    for i in range(3):
        out[:, i : i + last : stride] += parts[:, :, i]
    return out


def step(w: list[Floats], x: Floats, y: NDArray[np.int64], rng: np.random.Generator) -> tuple[Floats, list[Floats]]:
    """Probabilities [n, labels] of windows x [n, FRAMES, CHANNELS] with dropout, and the gradients of all weights."""
    n = len(x)
    seen0 = x[:, : 3 * FIRST].reshape(n * FIRST, -1)
    out0 = np.maximum(seen0 @ w[0] + w[1], 0).reshape(n, FIRST, -1)
    seen1 = _threes(out0, SECOND, 1)
    out1 = np.maximum(seen1 @ w[2] + w[3], 0).reshape(n, SECOND, -1)
    seen2 = _threes(out1, THIRD, 2)
    out2 = np.maximum(seen2 @ w[4] + w[5], 0).reshape(n, -1)
    kept2 = (rng.random(out2.shape, F32) >= DROPPED[0]) / (1 - DROPPED[0])
    seen3 = out2 * kept2
    out3 = np.maximum(seen3 @ w[6] + w[7], 0)
    kept3 = (rng.random(out3.shape, F32) >= DROPPED[1]) / (1 - DROPPED[1])
    seen4 = out3 * kept3
    z = seen4 @ w[8] + w[9]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)

    g4 = p.copy()
    g4[np.arange(n), y] -= 1
    g4 /= F32(n)
    g3 = (g4 @ w[8].T) * kept3 * (out3 > 0)
    g2 = ((g3 @ w[6].T) * kept2 * (out2 > 0)).reshape(n * THIRD, -1)
    g1 = (_unthrees(g2 @ w[4].T, out1, THIRD, 2) * (out1 > 0)).reshape(n * SECOND, -1)
    g0 = (_unthrees(g1 @ w[2].T, out0, SECOND, 1) * (out0 > 0)).reshape(n * FIRST, -1)
    pairs = ((seen0, g0), (seen1, g1), (seen2, g2), (seen3, g3), (seen4, g4))
    return p, [part for seen, g in pairs for part in (seen.T @ g, g.sum(axis=0))]


def trained(
    codes: NDArray[np.int8],
    y: NDArray[np.int64],
    changed: Callable[[NDArray[np.int8]], Floats],
    epochs: int,
    rng: np.random.Generator,
) -> list[Floats]:
    """Weights after so many times all windows, each time otherwise `changed`; a line an epoch."""
    w = fresh(rng)
    mean, square = [np.zeros_like(part) for part in w], [np.zeros_like(part) for part in w]
    steps = 0
    for epoch in range(epochs):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order, loss, hits = rng.permutation(len(codes)), 0.0, 0
        for some in np.split(order, range(CHANGED_AT_ONCE, len(order), CHANGED_AT_ONCE)):
            x = changed(codes[some])
            for at in range(0, len(some), BATCH):
                truth = y[some[at : at + BATCH]]
                p, gradients = step(w, x[at : at + BATCH], truth, rng)
                loss -= float(np.log(p[np.arange(len(truth)), truth] + 1e-9).sum())
                hits += int((p.argmax(axis=1) == truth).sum())
                steps += 1
                now = F32(rate * np.sqrt(1 - 0.999**steps) / (1 - 0.9**steps))
                for i, g in enumerate(gradients):
                    mean[i] += F32(0.1) * (g - mean[i])
                    square[i] += F32(0.001) * (g * g - square[i])
                    w[i] -= now * mean[i] / (np.sqrt(square[i]) + F32(1e-7))
        print(f"epoch {epoch + 1}/{epochs}: loss {loss / len(y):.5f}, accuracy {hits / len(y):.5f}", flush=True)
    return w
