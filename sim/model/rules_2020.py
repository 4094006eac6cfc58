"""The TFLM tree of July 2020: constructs it refuses while it runs, and those it gets wrong without a word.

From its sources (kernels, kernel_util, micro_allocator, flatbuffer_conversions) built with NDEBUG, where a
DCHECK is gone and a missing check means wrong numbers; each rule was tried against a build of them. "wrong" in
a comment marks what happens silently; everything else stops with a message, later than here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator

from sim.model import Graph, Model
from sim.model.resize import nearest_differs
from sim.model.rules import FULL_INT8, NEWER, Finding, Site, same_scale

PER_TENSOR = (
    "quantise Dense per tensor: boardless convert does; with TensorFlow's converter set"
    " _experimental_disable_per_channel_quantization_for_dense_layers = True; or " + NEWER
)
_TYPES = {"float32", "int16", "int32", "uint8", "int8", "int64", "bool", "complex64"}


def whole(model: Model) -> Iterator[tuple[int, str, str, Finding]]:
    """What concerns the model as a whole: (operator index or -1, layer, kind, finding)."""
    if len(model.graphs) > 1:
        yield -1, "", "", ("it has several subgraphs (control flow); this tree of 2020 runs one", NEWER)
    graph = model.graphs[0]
    yield from _lifetimes(graph)
    for o in graph.operators:
        tensors = [graph.tensors[i] for i in (*o.inputs, *o.outputs) if i >= 0]
        strange = sorted({t.dtype for t in tensors} - _TYPES)
        if strange:
            yield (
                o.index,
                o.layer,
                o.kind,
                (f"tensors of {', '.join(strange)}: unknown to this tree of 2020", FULL_INT8),
            )
        # wrong: it reads the short field alone, and 0 there is ADD
        if o.code < 127 and o.short_code != o.code:
            yield o.index, o.layer, o.kind, ("its code stands only in a field younger than this tree of 2020", NEWER)


def _lifetimes(graph: Graph) -> Iterator[tuple[int, str, str, Finding]]:
    """The memory planner stops at a tensor that is made and never read, or listed and never used."""
    made = dict.fromkeys(graph.inputs, -1) | {i: o.index for o in graph.operators for i in o.outputs}
    read = {i for o in graph.operators for i in o.inputs} | set(graph.outputs)
    remedy = "leave it out of the model, or make it an output; or " + NEWER
    for t in graph.tensors:
        if t.constant or t.variable or t.index in read:
            continue
        if t.index not in made:
            yield -1, "", "", (f"tensor {t.index} ({t.name[:60]}) is listed, but no operator uses it", remedy)
        elif made[t.index] < 0:
            yield -1, "", "", (f"input {t.index} ({t.name[:60]}) is not used by any operator", remedy)
        else:
            o = graph.operators[made[t.index]]
            place = o.outputs.index(t.index)
            reason = f"its output {place} is not used by anything, which the memory planner of 2020 refuses"
            yield (
                o.index,
                o.layer,
                o.kind,
                (reason, "leave that part out of the model (LSTM, GRU: use Conv1D or SimpleRNN); or " + NEWER),
            )


def _dtype(site: Site, allowed: str, position: int = 0) -> Iterator[Finding]:
    tensor = site.input(position)
    if tensor is not None and tensor.dtype not in allowed.split():
        words = allowed.replace(" ", ", ")
        remedy = FULL_INT8 if "int8" in allowed.split() and "16" in tensor.dtype else NEWER
        yield f"{tensor.dtype}: the kernel of 2020 has only {words}", remedy


def clamp(site: Site) -> tuple[int, int]:
    """Least and largest stored number that the fused activation of an int8 output lets through."""
    out, kind = site.outputs[0], site.operator.options["fused_activation_function"]
    low, high = -128, 127
    if not out.scale:
        return low, high

    def stored(value: float) -> int:
        quotient = float(struct.unpack("f", struct.pack("f", value / out.scale[0]))[0])
        return out.zero_point[0] + math.floor(abs(quotient) + 0.5) * (1 if quotient >= 0 else -1)

    if kind in ("RELU", "RELU6"):
        low = max(low, stored(0.0))
    if kind == "RELU_N1_TO_1":
        low, high = max(low, stored(-1.0)), min(high, stored(1.0))
    if kind == "RELU6":
        high = min(high, stored(6.0))
    return low, high


def _weights(site: Site) -> Iterator[Finding]:
    """Types of input, weights and bias of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED."""
    data, weights, bias = site.need(0), site.need(1), site.input(2)
    yield from _dtype(site, "float32 int8 uint8")
    if data.dtype == "int16":
        return
    if weights.dtype != data.dtype:
        # wrong: a float convolution reads the bytes of int8 weights as floats
        yield f"hybrid: {data.dtype} input with {weights.dtype} weights", FULL_INT8
    elif site.outputs[0].dtype != data.dtype:
        yield f"{data.dtype} input with {site.outputs[0].dtype} output", FULL_INT8
    if bias is not None and bias.dtype != ("float32" if data.dtype == "float32" else "int32"):
        yield f"{bias.dtype} bias", FULL_INT8
    if data.dtype != "float32" and not all(t.scale for t in (data, weights, *site.outputs)):
        yield "a tensor has no scale", FULL_INT8
    elif data.dtype == "uint8" and weights.per_channel:
        yield "uint8 with a scale per channel", FULL_INT8
    elif bias is not None and bias.scale and (data.dtype == "uint8" or site.operator.kind == "FULLY_CONNECTED"):
        product = data.scale[0] * weights.scale[0] if data.scale else 0.0
        if data.scale and not weights.per_channel and abs(product - bias.scale[0]) > 0.02 * site.outputs[0].scale[0]:
            yield "the scale of the bias is not that of input times weights", FULL_INT8


def _convolution(site: Site) -> Iterator[Finding]:
    yield from _weights(site)
    data, weights = site.need(0), site.need(1)
    if len(data.shape) != 4 or len(weights.shape) != 4:
        yield f"input of {len(data.shape)} dimensions; the kernel of 2020 takes 4", NEWER
        return
    if weights.per_channel and weights.quantized_dimension != (0 if site.operator.kind == "CONV_2D" else 3):
        yield f"a scale for each index along dimension {weights.quantized_dimension}", FULL_INT8


def _conv(site: Site) -> Iterator[Finding]:
    yield from _convolution(site)
    data, weights = site.need(0), site.need(1)
    if data.shape[-1] != weights.shape[-1]:
        # wrong: groups are unknown to it
        yield (
            "grouped convolution: the kernel of 2020 takes all channels for one group",
            "use one Conv2D per group and Concatenate, or DepthwiseConv2D; or " + NEWER,
        )
    elif site.operator.version > 5:
        yield f"CONV_2D version {site.operator.version} is younger than this tree of 2020", NEWER


def _depthwise(site: Site) -> Iterator[Finding]:
    yield from _convolution(site)
    data, out = site.need(0), site.outputs[0]
    if site.option("dilation_h_factor") != 1 or site.option("dilation_w_factor") != 1:
        # wrong: padding is reckoned without the dilation. With padding "valid" a host build came out right, but
        # the measurement on the board was wrong throughout, so no dilation is trusted.
        yield (
            "dilation: the depthwise kernel of 2020 does not reckon with it",
            "use dilation_rate=1, or Conv2D with dilation; or " + NEWER,
        )
    if data.shape[-1] * site.option("depth_multiplier") != out.shape[-1]:
        yield (
            f"depth multiplier {site.option('depth_multiplier')} does not lead to {out.shape[-1]} channels",
            NEWER,
        )  # wrong
    if data.dtype == "int8" and clamp(site) != (-128, 127):
        # wrong: the int8 kernel clamps to int8's own limits, whatever the activation
        yield (
            f"the fused {site.operator.options['fused_activation_function']} is not where int8 ends, and the"
            " depthwise kernel of 2020 clamps only there",
            "calibrate with data that reaches the activation's limits, or put it in a later layer; or " + NEWER,
        )


def _fully_connected(site: Site) -> Iterator[Finding]:
    yield from _weights(site)
    data, weights, out = site.need(0), site.need(1), site.outputs[0]
    if weights.per_channel:
        yield "a scale for each unit: the kernel of 2020 uses the first for all", PER_TENSOR  # wrong
    if data.dtype == "int8" and len(out.shape) != 2:
        # wrong: the int8 kernel takes the first two dimensions of the output for batch and units
        yield (
            f"Dense on an input of {len(data.shape)} dimensions: the kernel of 2020 computes only the first rows",
            "Reshape to (rows, features) before and back after the layer, or use Conv1D with kernel_size=1; or "
            + NEWER,
        )


def _relu(site: Site) -> Iterator[Finding]:
    yield from _dtype(site, "float32 int8 uint8")
    if any(not same_scale(t, site.outputs[0]) for t in site.inputs):
        # wrong: it compares with the zero point and copies
        yield (
            "input and output have unlike scales, and the kernel of 2020 does not rescale",
            "give the activation to the layer before it (activation='relu'), so that it is fused; or " + NEWER,
        )


def _alike(types: str) -> Callable[[Site], Iterator[Finding]]:
    """Operators on one tensor whose output has the type of the input."""

    def rule(site: Site) -> Iterator[Finding]:
        yield from _dtype(site, types)
        data, out = site.need(0), site.outputs[0]
        if out.dtype != data.dtype:
            yield f"{data.dtype} to {out.dtype}", FULL_INT8

    return rule


def _broadcast(types: str, most: int) -> Callable[[Site], Iterator[Finding]]:
    """Operators on two tensors: `most` dimensions where shapes differ, any number where they do not."""

    def rule(site: Site) -> Iterator[Finding]:
        yield from _dtype(site, types)
        a, b = site.inputs[0], site.inputs[-1]
        out = site.outputs[0]
        if a.dtype != b.dtype or (out.dtype != a.dtype and out.dtype != "bool"):
            yield f"{a.dtype} with {b.dtype} to {out.dtype}", FULL_INT8
        if a.shape != b.shape and max(len(a.shape), len(b.shape)) > most:
            yield (
                f"broadcasting over {max(len(a.shape), len(b.shape))} dimensions",
                f"Reshape to at most {most}",
            )  # wrong

    return rule


def _types(allowed: str, position: int = 0) -> Callable[[Site], Iterator[Finding]]:
    return lambda site: _dtype(site, allowed, position)


def _concatenation(site: Site) -> Iterator[Finding]:
    yield from _dtype(site, "float32 uint8 int8 int32 int64")
    if len(site.inputs) > 10:
        yield f"{len(site.inputs)} inputs; the kernel of 2020 takes 10", "use several Concatenate layers"
    if any(len(t.shape) > 4 for t in site.inputs):
        yield "more than 4 dimensions", "Reshape to at most 4"
    if site.operator.options["fused_activation_function"] != "NONE":
        yield "a fused activation", "make the activation a layer of its own"


def _pad(site: Site) -> Iterator[Finding]:
    yield from _dtype(site, "float32 uint8 int8 int32")
    data, amounts, value = site.need(0), site.need(1), site.input(2)
    if len(data.shape) > 4:
        yield "more than 4 dimensions", "Reshape to at most 4"
    if not amounts.constant or amounts.dtype != "int32":
        yield f"padding amounts that are {'computed' if not amounts.constant else amounts.dtype}", NEWER
    if value is not None and not same_scale(value, site.outputs[0]):
        yield "the padding value has another scale than the output", FULL_INT8


def _strided_slice(site: Site) -> Iterator[Finding]:
    yield from _dtype(site, "float32 uint8 int8")
    data = site.need(0)
    if len(data.shape) > 4:
        yield "more than 4 dimensions", "Reshape to at most 4"
    for mask in ("ellipsis_mask", "new_axis_mask", "offset"):
        if site.option(mask):
            yield (
                f"{mask}, which the kernel of 2020 ignores",
                "write out all slices, and use Reshape; or " + NEWER,
            )  # wrong
    for name, t in zip(("begin", "end", "strides"), site.inputs[1:], strict=False):
        if not t.constant or t.dtype != "int32":
            yield f"{name} is {'computed' if not t.constant else t.dtype}", "slice at fixed places"  # wrong
        elif t.size < len(data.shape):
            yield f"{name} has {t.size} entries for {len(data.shape)} dimensions", "write out all slices"  # wrong


def _resize_nearest(site: Site) -> Iterator[Finding]:
    data, size, out = site.need(0), site.need(1), site.outputs[0]
    yield from _dtype(site, "float32 uint8 int8")
    if size.dtype != "int32" or len(data.shape) != 4:
        yield "it needs 4 dimensions and an int32 size", NEWER
    elif site.option("half_pixel_centers"):
        corners = bool(site.option("align_corners"))
        if any(nearest_differs(data.shape[d], out.shape[d], corners) for d in (1, 2)):
            # wrong: it takes another pixel
            yield "half-pixel centres, which the kernel of 2020 ignores", "resize by a whole number; or " + NEWER


def _quantize(site: Site) -> Iterator[Finding]:
    pair = (site.inputs[0].dtype, site.outputs[0].dtype)
    if pair not in {("float32", "int8"), ("float32", "uint8"), ("int16", "int8")}:
        yield (
            f"{pair[0]} to {pair[1]}: this tree of 2020 does not requantise that",
            "let inputs and outputs be int8 (inference_input_type), and keep scales equal; or " + NEWER,
        )


def _dequantize(site: Site) -> Iterator[Finding]:
    pair = (site.inputs[0].dtype, site.outputs[0].dtype)
    fine = {("int8", "float32"), ("uint8", "float32"), ("int16", "float32"), ("int8", "int32"), ("int16", "int32")}
    if pair not in fine:
        yield f"{pair[0]} to {pair[1]}: not in this tree of 2020", FULL_INT8
    elif site.inputs[0].per_channel:
        yield "a scale per channel: the kernel uses the first for all", FULL_INT8  # wrong


def _mean(site: Site) -> Iterator[Finding]:
    data, axes = site.need(0), site.need(1)
    remedy = (
        "use AveragePooling over the whole map instead of global average pooling (boardless convert does); or " + NEWER
    )
    if data.dtype != "float32":
        yield f"{data.dtype} mean (global average pooling): this tree of 2020 has float32 only", remedy
        return
    at = sorted(struct.unpack(f"<{axes.size}i", axes.data)) if axes.data and axes.dtype == "int32" else []
    if len(data.shape) != 4 or at != [1, 2]:
        yield "a mean over other axes than height and width of 4 dimensions", remedy


def _svdf(site: Site) -> Iterator[Finding]:
    data, feature, time, state = site.need(0), site.need(1), site.input(2), site.input(4)
    yield from _dtype(site, "float32 int8")
    wanted = ("int8", "int16", "int16") if data.dtype == "int8" else ("float32",) * 3
    have = tuple(t.dtype if t else "none" for t in (feature, time, state))
    if have != wanted:
        yield f"weights and state of {', '.join(have)}; it needs {', '.join(wanted)}", FULL_INT8
    elif data.dtype == "int8" and site.operator.options["fused_activation_function"] != "RELU":
        yield "int8 without a fused RELU", "use activation='relu'; or " + NEWER
    elif data.dtype == "int8" and site.outputs[0].zero_point != (-128,):
        yield "the RELU is not where int8 ends, and the kernel clamps only there", FULL_INT8  # wrong


def _arg(site: Site) -> Iterator[Finding]:
    yield from _dtype(site, "float32 uint8 int8")
    axis = site.need(1)
    if axis.dtype != "int32" or site.outputs[0].dtype != "int32":
        yield f"axis of {axis.dtype}, output of {site.outputs[0].dtype}: it has int32 only", "use output_type=int32"


def _split(site: Site) -> Iterator[Finding]:
    yield from _dtype(site, "float32 uint8 int8 int16 int32", 1)
    axis = site.input(0)
    if axis is None or not axis.constant:
        yield "the axis is computed", "split at a fixed axis"


def _prelu(site: Site) -> Iterator[Finding]:
    yield from _dtype(site, "float32 uint8 int8")
    data, alpha = site.need(0), site.need(1)
    if alpha.dtype != data.dtype:
        yield f"{data.dtype} with {alpha.dtype} slopes", FULL_INT8
    if len(data.shape) > 4:
        yield "more than 4 dimensions", "Reshape to at most 4"  # wrong


def _circular_buffer(site: Site) -> Iterator[Finding]:
    yield from _dtype(site, "int8")
    out = site.outputs[0]
    if len(out.shape) != 4 or out.shape[1] != 5:
        # wrong: how often it runs is fixed to what one model of 2020 needed, whatever the options say
        yield "it lets the model run in every second inference only", NEWER


_EIGHT = "float32 int8 uint8"
_ELEMENT = "float32 uint8 int8 int32 int64"
_COMPARE = "float32 int32 int64 uint8 int8"
FAMILIES: dict[str, Callable[[Site], Iterator[Finding]]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "RELU": _relu,
    "RELU6": _relu,
    "SOFTMAX": _alike(_EIGHT),
    "LOGISTIC": _alike("float32 int8"),
    "TANH": _alike("float32 int8"),
    "L2_NORMALIZATION": _alike(_EIGHT),
    "ADD": _broadcast(_EIGHT, 4),
    "SUB": _broadcast(_EIGHT, 5),
    "MUL": _broadcast(_EIGHT, 4),
    "MAXIMUM": _broadcast(_ELEMENT, 5),
    "MINIMUM": _broadcast(_ELEMENT, 5),
    "LOGICAL_OR": _broadcast("bool", 4),
    "LOGICAL_AND": _broadcast("bool", 4),
    "EQUAL": _broadcast("bool " + _COMPARE, 4),
    "NOT_EQUAL": _broadcast("bool " + _COMPARE, 4),
    **dict.fromkeys(("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"), _broadcast(_COMPARE, 4)),
    **dict.fromkeys(("ABS", "SIN", "COS", "LOG", "SQRT", "RSQRT", "SQUARE", "NEG"), _types("float32")),
    **dict.fromkeys(("FLOOR", "CEIL", "ROUND"), _types("float32")),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _types(_EIGHT)),
    "LOGICAL_NOT": _types("bool"),
    "PACK": _types(_ELEMENT),
    "UNPACK": _types("float32 int32 uint8 int8"),
    "SPLIT": _split,
    "PRELU": _prelu,
    "CONCATENATION": _concatenation,
    "PAD": _pad,
    "PADV2": _pad,
    "STRIDED_SLICE": _strided_slice,
    "RESIZE_NEAREST_NEIGHBOR": _resize_nearest,
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _dequantize,
    "MEAN": _mean,
    "SVDF": _svdf,
    "CIRCULAR_BUFFER": _circular_buffer,
    "ARG_MAX": _arg,
    "ARG_MIN": _arg,
}
