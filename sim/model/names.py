"""From the tensor names that the converter leaves to layer names that a Keras user recognises.

The converter joins the names of everything it fused ("sequential/conv2d/Relu;sequential/conv2d/BiasAdd;…") and
renames what leaves the model ("StatefulPartitionedCall:0"); then the names of the weights tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

# Path components that are operations of TensorFlow, never a layer: CamelCase ones and these.
_OPERATION = re.compile(
    r"[A-Z]\w*|(resource|depthwise|convolution|stack|unstack|perm|split|concat|transpose|zeros|zeros_like|ones"
    r"|strided_slice|moments|batchnorm|mul|add|sub|free|axes|dim|size|shape|range|packed|reduction_indices"
    r"|dropout|norm|squared_difference|div|truediv|weights_quant|clip_by_value|value|x|y|\d*)(_?\d+)*"
)
_MODEL = re.compile(r"(sequential|functional|model)(_\d+)*")
_NO_LAYER = re.compile(
    r"(StatefulPartitionedCall|PartitionedCall|Identity|serving_default|weights_quant|tfl\.|arith\.).*|tensor \d+"
)
# Operations that say which of the fused layers the operator itself is.
_OWN = {
    "CONV_2D": ("Conv2D", "convolution", "Conv1D", "separable_conv2d"),
    "DEPTHWISE_CONV_2D": ("depthwise", "DepthwiseConv2dNative"),
    "FULLY_CONNECTED": ("MatMul", "Tensordot"),
    "TRANSPOSE_CONV": ("conv2d_transpose", "conv_transpose"),
}
_SUFFIX = re.compile(r"_\d+$")
_VERSION = re.compile(rb"\d+\.\d+\.\d+[\w.+-]*")


def converter_version(metadata: bytes) -> str:
    """TensorFlow's version from the metadata that its converter writes since 2.10, or ''."""
    found = _VERSION.search(metadata)
    return found.group().decode() if found else ""


def _scopes(name: str, prefix: str = "") -> list[tuple[str, str]]:
    """(layer, operation) of each fused part of a tensor name; parts that name no layer are left out."""
    found = []
    for part in name.split(";"):
        words = [w for w in part.split("/") if w]
        while len(words) > 1 and (_MODEL.fullmatch(words[0]) or words[0] == prefix):
            words.pop(0)
        if not words or _NO_LAYER.fullmatch(words[0]) or (len(words) == 1 and _OPERATION.fullmatch(words[0])):
            continue
        found.append((words[0], words[1] if len(words) > 1 else ""))
    return found


def _prefix(names: Sequence[str]) -> str:
    """The name of the model itself, where it stands before all layers: "MobilenetV1"."""
    scoped = [part.split("/") for name in names for part in name.split(";") if part.count("/") > 1]
    firsts = {words[0] for words in scoped}
    return firsts.pop() if len(firsts) == 1 and len({words[1] for words in scoped}) > 1 else ""


class Namer:
    """Names the layers of one model; needs all tensor names to know how they were made."""

    def __init__(self, names: Sequence[str], converter: str = "") -> None:
        self._prefix = _prefix(names)
        layers = {layer for name in names for layer, operation in _scopes(name, self._prefix) if operation}
        firsts = {part.split("/")[0] for name in names for part in name.split(";") if "/" in part}
        models = {word for word in firsts if _MODEL.fullmatch(word)}
        # Keras 3 (TensorFlow 2.16 on) enters the scope of every layer, and of the model, twice: all get one
        # more number. Where one has none, it was not so.
        version = tuple(int(n) for n in re.findall(r"\d+", converter)[:2])
        self._doubled = (
            version >= (2, 16) and bool(layers and models) and all(_SUFFIX.search(n) for n in layers | models)
        )

    def layer(self, kind: str, index: int, outputs: Sequence[str], constants: Sequence[str]) -> str:
        """The layer of operator `index`, by its output tensors, else its constants, else "SOFTMAX #12"."""
        named = [scope for name in outputs for scope in _scopes(name, self._prefix)]
        weights = [scope for name in constants for scope in _scopes(name, self._prefix)]
        if not named and not weights:
            return f"{kind} #{index}"
        layer = _choose(kind, named, weights)
        return _SUFFIX.sub("", layer) if self._doubled else layer


def _choose(kind: str, outputs: Sequence[tuple[str, str]], weights: Sequence[tuple[str, str]]) -> str:
    own = _OWN.get(kind, ())
    scopes = [*outputs, *weights]
    candidates = [layer for layer, operation in scopes if own and operation.startswith(own)]
    if not candidates:
        # A weightless layer's operator carries its own name first; fused ones follow.
        return scopes[0][0]
    # Constants that layers share bring in other names; the one with most parts is the operator's.
    counts = Counter(layer for layer, _ in scopes)
    return max(candidates, key=lambda layer: counts[layer])
