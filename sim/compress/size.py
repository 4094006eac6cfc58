"""How many bytes a model's weights are when they are sent: float32 as Keras has them, or as a `.tflite` has them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compress.coding import Coded, encode, of_values
from sim.compress.tuning import kernels
from sim.model import Model

Array = NDArray[Any]


@dataclass(frozen=True)
class Layer:
    """One coded kernel: `values` of them, `zeros` zero, in `coded` bytes; `index_bits` None: sent densely."""

    name: str
    values: int
    zeros: int
    index_bits: int | None
    shared: int  # entries of the code book, 0: values are sent as they are
    coded: int


@dataclass(frozen=True)
class Size:
    """`coded` = `kernels` (of `layers`) + `other`: biases, normalisation, scales of int8 kernels, all as they are.

    The graph (which layers, their shapes, scales of activations) is not counted, as in the paper.
    """

    layers: tuple[Layer, ...]
    other: int
    coders: tuple[Coded, ...] = field(repr=False, default=())

    @property
    def kernels(self) -> int:
        return sum(layer.coded for layer in self.layers)

    @property
    def coded(self) -> int:
        return self.kernels + self.other

    @property
    def zeros(self) -> float:
        """Share of kernel weights that are zero."""
        return sum(layer.zeros for layer in self.layers) / max(1, sum(layer.values for layer in self.layers))


def float_bytes(model: Any) -> int:
    """All weights of a Keras model, four bytes each: what a coded size is compared with."""
    return 4 * int(sum(int(np.prod(v.shape)) for v in _all(model)))


def of_keras(model: Any) -> Size:
    """A float model, its weights as they are."""
    names = {v.path for v in kernels(model)}
    rows = [(v.path, v.numpy().astype(np.float32)) for v in _all(model)]
    coders = [(name, w, of_values(w)) for name, w in rows if name in names]
    return Size(
        tuple(_layer(name.rpartition("/")[0] or name, w, c) for name, w, c in coders),
        4 * sum(w.size for name, w in rows if name not in names),
        tuple(c for _, _, c in coders),
    )


def of_tflite(data: bytes, books: Sequence[Array] = ()) -> Size:
    """A quantised `.tflite`. `books`: the shared weights [k] float32 of the kernels before they were quantised.

    A kernel whose every integer is round(weight / scale) of its channel for the weights of a book is sent as numbers
    into that book: a receiver computes the integers. Others are sent as integers, with a code book of their own.
    """
    layers, coders, other = [], [], 0
    left = list(books)
    model = Model.from_bytes(data, "compressed model")
    for tensor in model.tensors:
        if not tensor.constant or tensor.data is None or not (tensor.scale or tensor.dtype == "float32"):
            continue  # shapes and paddings belong to the graph
        values = np.frombuffer(tensor.data, np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape)
        if len(tensor.shape) < 2 or tensor.dtype == "int32":
            other += values.nbytes
            continue
        other += 4 * len(tensor.scale)
        found = None
        for i, book in enumerate(left):
            symbols = numbered(values, np.asarray(tensor.scale), tensor.quantized_dimension, book)
            if symbols is not None:
                found = encode(symbols, book)
                del left[i]
                break
        own = of_values(values)
        coded = own if found is None or len(own.data) <= len(found.data) else found
        layers.append(_layer(tensor.name, values, coded))
        coders.append(coded)
    return Size(tuple(layers), other, tuple(coders))


def numbered(values: Array, scale: Array, axis: int, book: Array) -> Array | None:
    """Symbols [n] (0: zero, i + 1: book[i]) that give int8 `values` again as round(book / scale); None if none do.

    `scale` [1], or one for each index of `axis`.
    """
    by_channel = np.moveaxis(values, axis, 0).reshape(len(scale), -1) if len(scale) > 1 else values.reshape(1, -1)
    out = np.zeros(by_channel.shape, np.int64)
    for channel, row in enumerate(by_channel):
        codes = np.clip(np.rint(book.astype(np.float64) / scale[channel]), -128, 127).astype(np.int64)
        known = np.full(256, -1, np.int64)
        known[codes[::-1] + 128] = np.arange(len(book), 0, -1)  # of equal codes the first book entry
        known[128] = 0
        out[channel] = known[row.astype(np.int64) + 128]
    if (out < 0).any():
        return None
    if len(scale) > 1:
        out = np.moveaxis(out.reshape(np.moveaxis(values, axis, 0).shape), 0, axis)
    return out.ravel()


def zipped(data: bytes) -> int:
    """Bytes of a `.tflite` after deflate: what an update over the air takes without any of this."""
    return len(zlib.compress(data, 9))


def _layer(name: str, values: Array, coded: Coded) -> Layer:
    shared = len(np.unique(values[values != 0])) if coded.shared else 0
    return Layer(name, values.size, int((values == 0).sum()), coded.index_bits, shared, len(coded.data))


def _all(model: Any) -> list[Any]:
    """All variables but those of training only (states of random numbers)."""
    return [v for v in model.variables if "seed_generator" not in v.path]
