"""The TFLM tree of July 2020: CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED. See `sim.model.rules_2020`."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

from sim.model.site import FULL_INT8, NEWER, Finding, Site, only_types

PER_TENSOR = (
    "quantise Dense per tensor: boardless convert does; with TensorFlow's converter set"
    " _experimental_disable_per_channel_quantization_for_dense_layers = True; or " + NEWER
)


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
    yield from only_types(site, "float32 int8 uint8")
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


def conv(site: Site) -> Iterator[Finding]:
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


def _padding(site: Site, axis: str, dilation: int | None) -> int:
    """Rows or columns of padding before the input, with the dilation of the file or another one."""
    if site.operator.options["padding"] != "SAME":
        return 0
    at = 1 if axis == "h" else 2
    size, stride = site.need(0).shape[at], site.option(f"stride_{axis}")
    covered = (site.need(1).shape[at] - 1) * (dilation or site.option(f"dilation_{axis}_factor")) + 1
    return max(0, (-(-size // stride) - 1) * stride + covered - size) // 2


def depthwise(site: Site) -> Iterator[Finding]:
    yield from _convolution(site)
    data, out = site.need(0), site.outputs[0]
    if any(_padding(site, axis, 1) != _padding(site, axis, None) for axis in ("h", "w")):
        # wrong: padding is reckoned without the dilation; with padding "valid" there is none, and it is right
        yield (
            "dilation with padding 'same': the depthwise kernel of 2020 pads as if there were no dilation",
            "use padding='valid' behind ZeroPadding2D, or dilation_rate=1; or " + NEWER,
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


def fully_connected(site: Site) -> Iterator[Finding]:
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
