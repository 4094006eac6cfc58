"""Multiply-accumulates of an operator, from shapes alone.

| operator | MACs |
|---|---|
| CONV_2D, CONV_3D | output elements x filter elements of one output channel |
| DEPTHWISE_CONV_2D | output elements x filter height x filter width |
| TRANSPOSE_CONV | input elements x filter elements of one input channel |
| FULLY_CONNECTED | output elements x inputs of one unit |
| BATCH_MATMUL | output elements x length of the summed dimension |
| SVDF | batch x filters x (input size + memory size) |
| UNIDIRECTIONAL_SEQUENCE_LSTM | batch x steps x 4 x units x (input size + units) |

Products with padding count, as in the usual tables of networks. Everything else, pooling too, counts 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

Shape = tuple[int, ...]


def macs(kind: str, inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Mapping[str, Any]) -> int:
    """MACs of one operator; shapes as in the file, None for an input that is left out."""
    weights = inputs[1] if len(inputs) > 1 else None
    if not outputs or not inputs or inputs[0] is None or weights is None:
        return 0
    first, out = inputs[0], prod(outputs[0])
    if kind in ("CONV_2D", "CONV_3D") and len(weights) > 1:
        # CONV_2D: [out, h, w, in]; CONV_3D: [d, h, w, in, out]. Groups are in the filter's own input depth.
        return out * (prod(weights[1:]) if kind == "CONV_2D" else prod(weights[:-1]))
    if kind == "DEPTHWISE_CONV_2D" and len(weights) == 4:
        return out * weights[1] * weights[2]
    if kind == "TRANSPOSE_CONV" and len(inputs) > 2 and inputs[2] is not None and len(weights) == 4:
        return prod(inputs[2]) * weights[0] * weights[1] * weights[2]
    if kind == "FULLY_CONNECTED" and weights:
        return out * weights[-1]
    if kind == "BATCH_MATMUL" and len(first) > 1:
        return out * (first[-2] if options.get("adj_x") else first[-1])
    if kind == "SVDF" and len(inputs) > 2 and inputs[2] is not None and len(weights) == 2 and first:
        return first[0] * weights[0] * (weights[1] + inputs[2][-1])
    if kind == "UNIDIRECTIONAL_SEQUENCE_LSTM" and len(first) == 3 and len(inputs) > 2:
        # Input 1 may be absent (coupled gates), input 2 (input to forget) never is.
        units = inputs[2][0] if inputs[2] else 0
        return first[0] * first[1] * 4 * units * (first[2] + units)
    return 0
