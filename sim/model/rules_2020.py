"""The TFLM tree of July 2020: constructs it refuses while it runs, and those it gets wrong without a word.

From its sources (kernels, kernel_util, micro_allocator, flatbuffer_conversions) built with NDEBUG, where a
DCHECK is gone and a missing check means wrong numbers. What Keras models reach was tried against a host build of
them; the rest is from reading. "wrong" in a comment marks what happens silently; everything else stops with a
message, later than here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from sim.model.resize import nearest_differs
from sim.model.rules_2020_weights import conv, depthwise, fully_connected
from sim.model.site import FULL_INT8, NEWER, Finding, Site, only_types, same_scale


def _relu(site: Site) -> Iterator[Finding]:
    yield from only_types(site, "float32 int8 uint8")
    if any(not same_scale(t, site.outputs[0]) for t in site.inputs):
        # wrong: it compares with the zero point and copies
        yield (
            "input and output have unlike scales, and the kernel of 2020 does not rescale",
            "give the activation to the layer before it (activation='relu'), so that it is fused; or " + NEWER,
        )


def _alike(types: str) -> Callable[[Site], Iterator[Finding]]:
    """Operators on one tensor whose output has the type of the input."""

    def rule(site: Site) -> Iterator[Finding]:
        yield from only_types(site, types)
        data, out = site.need(0), site.outputs[0]
        if out.dtype != data.dtype:
            yield f"{data.dtype} to {out.dtype}", FULL_INT8

    return rule


def _broadcast(types: str, most: int) -> Callable[[Site], Iterator[Finding]]:
    """Operators on two tensors: `most` dimensions where shapes differ, any number where they do not."""

    def rule(site: Site) -> Iterator[Finding]:
        yield from only_types(site, types)
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
    return lambda site: only_types(site, allowed, position)


def _concatenation(site: Site) -> Iterator[Finding]:
    yield from only_types(site, "float32 uint8 int8 int32 int64")
    if len(site.inputs) > 10:
        yield f"{len(site.inputs)} inputs; the kernel of 2020 takes 10", "use several Concatenate layers"
    if any(len(t.shape) > 4 for t in site.inputs):
        yield "more than 4 dimensions", "Reshape to at most 4"
    if site.operator.options["fused_activation_function"] != "NONE":
        yield "a fused activation", "make the activation a layer of its own"


def _pad(site: Site) -> Iterator[Finding]:
    yield from only_types(site, "float32 uint8 int8 int32")
    data, amounts, value = site.need(0), site.need(1), site.input(2)
    if len(data.shape) > 4:
        yield "more than 4 dimensions", "Reshape to at most 4"
    if not amounts.constant or amounts.dtype != "int32":
        yield f"padding amounts that are {'computed' if not amounts.constant else amounts.dtype}", NEWER
    if value is not None and not same_scale(value, site.outputs[0]):
        yield "the padding value has another scale than the output", FULL_INT8


def _strided_slice(site: Site) -> Iterator[Finding]:
    yield from only_types(site, "float32 uint8 int8")
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
    yield from only_types(site, "float32 uint8 int8")
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
    yield from only_types(site, "float32 int8")
    wanted = ("int8", "int16", "int16") if data.dtype == "int8" else ("float32",) * 3
    have = tuple(t.dtype if t else "none" for t in (feature, time, state))
    if have != wanted:
        yield f"weights and state of {', '.join(have)}; it needs {', '.join(wanted)}", FULL_INT8
    elif data.dtype == "int8" and site.operator.options["fused_activation_function"] != "RELU":
        yield "int8 without a fused RELU", "use activation='relu'; or " + NEWER
    elif data.dtype == "int8" and site.outputs[0].zero_point != (-128,):
        yield "the RELU is not where int8 ends, and the kernel clamps only there", FULL_INT8  # wrong


def _arg(site: Site) -> Iterator[Finding]:
    yield from only_types(site, "float32 uint8 int8")
    axis = site.need(1)
    if axis.dtype != "int32" or site.outputs[0].dtype != "int32":
        yield f"axis of {axis.dtype}, output of {site.outputs[0].dtype}: it has int32 only", "use output_type=int32"


def _split(site: Site) -> Iterator[Finding]:
    yield from only_types(site, "float32 uint8 int8 int16 int32", 1)
    axis = site.input(0)
    if axis is None or not axis.constant:
        yield "the axis is computed", "split at a fixed axis"


def _prelu(site: Site) -> Iterator[Finding]:
    yield from only_types(site, "float32 uint8 int8")
    data, alpha = site.need(0), site.need(1)
    if alpha.dtype != data.dtype:
        yield f"{data.dtype} with {alpha.dtype} slopes", FULL_INT8
    if len(data.shape) > 4:
        yield "more than 4 dimensions", "Reshape to at most 4"  # wrong


def _circular_buffer(site: Site) -> Iterator[Finding]:
    yield from only_types(site, "int8")
    out = site.outputs[0]
    if len(out.shape) != 4 or out.shape[1] != 5:
        # wrong: how often it runs is fixed to what one model of 2020 needed, whatever the options say
        yield "it lets the model run in every second inference only", NEWER


_EIGHT = "float32 int8 uint8"
_ELEMENT = "float32 uint8 int8 int32 int64"
_COMPARE = "float32 int32 int64 uint8 int8"
FAMILIES: dict[str, Callable[[Site], Iterator[Finding]]] = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": fully_connected,
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
