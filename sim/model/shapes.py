"""Whether the shapes of an operator's tensors belong together.

TFLM takes the shapes in the file as they are and walks its buffers by them: where they do not agree, it reads or
writes beyond their ends. Only what every kernel relies on is asked; kinds not named here pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

Shape = tuple[int, ...]
Options = Mapping[str, Any]
_Rule = Callable[[Sequence[Shape | None], Sequence[Shape], Options], str]


def text(shape: Sequence[int]) -> str:
    """1x8x8x3"""
    return "x".join(map(str, shape)) or "scalar"


def problem(kind: str, inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    """What does not fit in the shapes of one operator, or ''."""
    rule = _RULES.get(kind)
    if rule is None or not inputs or not outputs or inputs[0] is None:
        return ""
    return rule(inputs, outputs, options)


def _window(size: int, filter_: int, stride: int, dilation: int, padding: str) -> int:
    covered = (filter_ - 1) * dilation + 1
    return -(-size // stride) if padding == "SAME" else -(-(size - covered + 1) // stride)


def _windowed(data: Shape, filter_: tuple[int, int], out: Shape, options: Options, dilated: bool) -> str:
    for axis, name, size in ((1, "h", filter_[0]), (2, "w", filter_[1])):
        dilation = options[f"dilation_{name}_factor"] if dilated else 1
        expected = _window(data[axis], size, options[f"stride_{name}"], dilation, options["padding"])
        if out[axis] != expected:
            return f"input {text(data)} and filter {text(filter_)} do not lead to output {text(out)}"
    return "" if out[0] == data[0] else f"input {text(data)}, output {text(out)}: batch sizes differ"


def _convolution(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options, last: int) -> str:
    data, weights, out = inputs[0] or (), inputs[1] or (), outputs[0]
    if not len(data) == len(weights) == len(out) == 4:
        return f"input {text(data)}, weights {text(weights)}, output {text(out)}: each needs 4 dimensions"
    bias = inputs[2] if len(inputs) > 2 else None
    if out[3] != weights[last] or (bias is not None and prod(bias) != out[3]):
        return f"weights {text(weights)} do not lead to the {out[3]} channels of the output and the bias"
    return _windowed(data, (weights[1], weights[2]), out, options, True)


def _conv(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    found = _convolution(inputs, outputs, options, 0)
    data, weights = inputs[0] or (), inputs[1] or ()
    # Groups: the filter is as deep as one group of the input.
    if not found and (not weights[3] or data[3] % weights[3] or weights[0] % (data[3] // weights[3])):
        return f"weights {text(weights)} do not divide the {data[3]} channels of the input"
    return found


def _depthwise(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    found = _convolution(inputs, outputs, options, 3)
    data = inputs[0] or ()
    if not found and outputs[0][3] % data[3]:
        return f"{outputs[0][3]} output channels are no multiple of {data[3]}"
    return found


def _pool(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    data, out = inputs[0] or (), outputs[0]
    if not len(data) == len(out) == 4 or data[3] != out[3]:
        return f"input {text(data)}, output {text(out)}: each needs 4 dimensions, and the same channels"
    return _windowed(data, (options["filter_height"], options["filter_width"]), out, options, False)


def _dense(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    data, weights, out = inputs[0] or (), inputs[1] or (), outputs[0]
    if len(weights) < 2 or not out or out[-1] != weights[-2]:
        return f"weights {text(weights)} do not lead to output {text(out)}"
    if prod(data) != prod(out[:-1]) * weights[-1]:
        return f"input {text(data)} and weights {text(weights)} do not lead to output {text(out)}"
    bias = inputs[2] if len(inputs) > 2 else None
    return f"{prod(bias)} biases for {out[-1]} units" if bias is not None and prod(bias) != out[-1] else ""


def _same(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    data, out = inputs[0] or (), outputs[0]
    return "" if data == out else f"input {text(data)}, output {text(out)}: they must be the same"


def _count(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    before, after = prod(inputs[0] or ()), prod(outputs[0])
    return "" if before == after else f"{before} elements become {after}"


def _blocks(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    # With the batch size open, the converter writes 1 where the blocks make it 4: then most of the picture is lost.
    # Only padding adds elements, only cropping takes some away.
    data, out = inputs[0] or (), outputs[0]
    return "" if prod(out) >= prod(data) else f"input {text(data)} does not fit into output {text(out)}"


def _unblocks(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    data, out = inputs[0] or (), outputs[0]
    return "" if prod(out) <= prod(data) else f"input {text(data)} does not fill output {text(out)}"


def _merge(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    a, b, out = inputs[0] or (), inputs[1] or (), outputs[0]
    rank = max(len(a), len(b))
    long_a, long_b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    pairs = list(zip(long_a, long_b, strict=True))
    if any(x != y and 1 not in (x, y) for x, y in pairs) or out != tuple(max(p) for p in pairs):
        return f"inputs {text(a)} and {text(b)} do not lead to output {text(out)}"
    return ""


def _sum(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    before = sum(prod(s) for s in inputs if s is not None)
    after = sum(prod(s) for s in outputs)
    return "" if before == after else f"{before} elements become {after}"


def _concatenation(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    out, axis = outputs[0], options["axis"]
    axis += len(out) if axis < 0 else 0
    shapes = [s for s in inputs if s is not None]
    fits = 0 <= axis < len(out) and all(
        len(s) == len(out) and s[:axis] == out[:axis] and s[axis + 1 :] == out[axis + 1 :] for s in shapes
    )
    if not fits or sum(s[axis] for s in shapes) != out[axis]:
        return f"inputs {', '.join(map(text, shapes[:4]))} along dimension {axis} do not lead to output {text(out)}"
    return ""


def _pieces(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    # SPLIT: axis first, then what is split.
    return _sum(inputs[1:], outputs, options)


def _resize(inputs: Sequence[Shape | None], outputs: Sequence[Shape], options: Options) -> str:
    data, out = inputs[0] or (), outputs[0]
    if len(data) != len(out) or len(out) != 4 or (data[0], data[3]) != (out[0], out[3]):
        return f"input {text(data)}, output {text(out)}"
    return ""


_UNARY = (
    "SOFTMAX LOG_SOFTMAX LOGISTIC TANH RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LEAKY_RELU ELU HARD_SWISH GELU ABS SIN"
    " COS LOG SQRT RSQRT SQUARE NEG EXP FLOOR CEIL ROUND LOGICAL_NOT QUANTIZE DEQUANTIZE CAST L2_NORMALIZATION"
)
_BINARY = (
    "ADD SUB MUL DIV MAXIMUM MINIMUM EQUAL NOT_EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_OR LOGICAL_AND"
    " SQUARED_DIFFERENCE FLOOR_DIV FLOOR_MOD PRELU"
)
_RULES: dict[str, _Rule] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "L2_POOL_2D": _pool,
    "FULLY_CONNECTED": _dense,
    "CONCATENATION": _concatenation,
    "SPLIT": _pieces,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "RESIZE_BILINEAR": _resize,
    **dict.fromkeys(_UNARY.split(), _same),
    **dict.fromkeys(_BINARY.split(), _merge),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"), _count),
    "SPACE_TO_BATCH_ND": _blocks,
    "BATCH_TO_SPACE_ND": _unblocks,
    **dict.fromkeys(("PACK", "UNPACK"), _sum),
}
