"""Which constructs no TFLM tree can be trusted with."""

from __future__ import annotations

from collections.abc import Iterator

from sim.model.site import FIXED_BATCH, FULL_INT8, Finding, Site, same_scale
from sim.model.verify import misfit

# These copy or compare stored numbers: with unlike scales the result means something else.
SAME_SCALE = {
    "AVERAGE_POOL_2D", "MAX_POOL_2D", "PAD", "PADV2", "RESHAPE", "PACK", "UNPACK", "SPLIT", "SPLIT_V",
    "STRIDED_SLICE", "RESIZE_NEAREST_NEIGHBOR", "MAXIMUM", "MINIMUM", "TRANSPOSE", "GATHER", "SLICE", "EXPAND_DIMS",
    "SQUEEZE", "TILE", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND",
}  # fmt: skip
# Kernels that write into a fixed range, whatever the output's scale says: scale, and zero point by type.
FIXED_RANGE: dict[str, tuple[float, dict[str, int]]] = {
    "SOFTMAX": (1 / 256, {"int8": -128, "uint8": 0}),
    "LOGISTIC": (1 / 256, {"int8": -128}),
    "TANH": (1 / 128, {"int8": 0}),
    "L2_NORMALIZATION": (1 / 128, {"int8": 0, "uint8": 128}),
}
_COMPARE = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
_CLAMPS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")
_INDEX_INPUTS = {"GATHER": {1}, "SPLIT": {0}}


def common(site: Site) -> Iterator[Finding]:
    """What no TFLM kernel does right, and says nothing about."""
    o = site.operator
    wrong = misfit(site.graph, o)
    if wrong:
        yield f"shapes that are known only when it runs: {wrong}", FIXED_BATCH
    if any(t.sparse for t in site.inputs):
        yield "sparse weights are read as if they were dense", "convert without sparsity (densify the weights)"
    if (
        o.options.get("fused_activation_function", "NONE") not in _CLAMPS
        and "LSTM" not in o.kind
        and "RNN" not in o.kind
    ):
        activation = o.options["fused_activation_function"]
        yield f"the fused activation {activation} is left out", "make the activation a layer of its own"
    if any(t.scale and not t.scale[0] for t in (*site.inputs, *site.outputs)):
        yield "a tensor with scale 0: it was 0 throughout the calibration", "calibrate with data in which it is not"
    if o.options.get("weights_format"):
        yield "shuffled weights are read as if they were not", FULL_INT8
    yield from _quantisation(site)
    if o.kind in SAME_SCALE or (o.kind == "CONCATENATION" and site.outputs[0].dtype != "uint8"):
        skip = _INDEX_INPUTS.get(o.kind, set())
        data = [t for p, t in ((p, site.input(p)) for p in range(len(o.inputs))) if t is not None and p not in skip]
        if any(not same_scale(t, out) for t in data for out in site.outputs):
            yield "input and output have unlike scales, and the kernel does not rescale", FULL_INT8


def _quantisation(site: Site) -> Iterator[Finding]:
    """What kernels take for granted of scales and zero points."""
    kind = site.operator.kind
    scale, zero = FIXED_RANGE.get(kind, (0.0, {}))
    for out in site.outputs:
        if out.dtype in zero and out.scale and (out.scale[0], out.zero_point[0]) != (scale, zero[out.dtype]):
            is_now = f"output scale {out.scale[0]:.6g}, zero point {out.zero_point[0]}"
            yield f"{is_now}; the kernel writes {scale:.6g}, {zero[out.dtype]}", FULL_INT8
    if kind in _COMPARE and any(t.dtype in ("int8", "uint8") and t.scale and t.scale[0] >= 1 for t in site.inputs):
        yield "a scale of 1 or more, at which the kernel aborts", "scale the values down"
    weights = site.input(1)
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and weights is not None:
        if weights.dtype == "int8" and any(weights.zero_point):
            yield "weights with a zero point, which the kernel ignores", FULL_INT8
        if kind == "DEPTHWISE_CONV_2D" and len(site.operator.inputs) == 3 and site.input(2) is None:
            yield "without bias: the kernel reads one all the same", "use use_bias=True"
