"""A current TFLM tree: what its kernels refuse or get wrong, as far as the file alone tells.

From the kernels of upstream in August 2026 (reference kernels; CMSIS-NN falls back on them for other types).
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.model.site import FULL_INT8, Finding, Site, same_scale

# Types of the first input that carries data.
_THREE = "float32 int8 int16"
_TYPES: dict[str, str] = {
    **dict.fromkeys(
        ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "AVERAGE_POOL_2D", "MAX_POOL_2D"), _THREE
    ),
    **dict.fromkeys(("SOFTMAX", "LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "PRELU"), _THREE),
    **dict.fromkeys(("TRANSPOSE", "EXPAND_DIMS", "BATCH_MATMUL", "SUM", "REDUCE_MAX", "MEAN"), _THREE),
    **dict.fromkeys(("ADD", "SUB", "MUL"), _THREE + " int32"),
    **dict.fromkeys(("SPLIT", "SPLIT_V", "PAD", "PADV2", "UNPACK"), _THREE + " int32"),
    **dict.fromkeys(("MAXIMUM", "MINIMUM", "PACK"), _THREE + " int32 int64"),
    "CONCATENATION": _THREE + " int32 int64 bool",
    "DEQUANTIZE": "int8 int16 uint8",
    **dict.fromkeys(("SLICE", "STRIDED_SLICE"), _THREE + " int32 bool"),
    **dict.fromkeys(("HARD_SWISH", "ELU", "LOG_SOFTMAX", "L2_NORMALIZATION", "SVDF", "CUMSUM"), "float32 int8"),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"), "float32 int8"),
    **dict.fromkeys(("GATHER", "RESIZE_BILINEAR", "ARG_MAX", "ARG_MIN"), "float32 int8"),
    **dict.fromkeys(("EXP", "NEG", "FLOOR", "CEIL", "ROUND", "SIN", "COS", "LOG", "SQRT", "SQUARE"), "float32"),
    **dict.fromkeys(("FLOOR_DIV", "FLOOR_MOD", "L2_POOL_2D"), "float32"),
    **dict.fromkeys(("EQUAL", "NOT_EQUAL"), "bool float32 int32 int64 int8"),
    **dict.fromkeys(("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"), "float32 int32 int64 int8 int16"),
}
_DATA = {"SPLIT": 1, "TRANSPOSE_CONV": 2}
# kind -> inputs that must stand in the file, because the kernel plans with them before anything has run
_FIXED = {
    "FILL": (0,), "STRIDED_SLICE": (1, 2, 3), "SPLIT": (0,), "SPLIT_V": (1, 2), "PAD": (1,), "PADV2": (1,),
    "EXPAND_DIMS": (1,), "RESIZE_BILINEAR": (1,), "RESIZE_NEAREST_NEIGHBOR": (1,),
}  # fmt: skip
_HYBRID = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def findings(site: Site) -> Iterator[Finding]:
    """What a current tree refuses of one operator that it can register."""
    o = site.operator
    data = site.input(_DATA.get(o.kind, 0))
    allowed = _TYPES.get(o.kind, "").split()
    if data is not None and allowed and data.dtype not in allowed:
        yield f"{data.dtype}: the kernel has only {', '.join(allowed)}", FULL_INT8
    elif o.kind in _HYBRID:
        data, weights = site.need(_DATA.get(o.kind, 0)), site.need(1)
        if (data.dtype == "float32") != (weights.dtype == "float32"):
            yield f"hybrid: {data.dtype} input with {weights.dtype} weights", FULL_INT8
    for position in _FIXED.get(o.kind, ()):
        tensor = site.input(position)
        if tensor is not None and not tensor.constant:
            yield (
                f"its input {position} is computed while the model runs",
                "convert with a fixed batch size and input shape: keras.Input(shape, batch_size=1)",
            )
            break
    if o.kind == "CONCATENATION" and len(site.inputs) > 10:
        yield f"{len(site.inputs)} inputs; the kernel takes 10", "use several Concatenate layers"
    if o.kind == "RELU6" and any(not same_scale(t, site.outputs[0]) for t in site.inputs):
        # Tried: every value is wrong, against LiteRT's reference kernels.
        yield (
            "input and output have unlike scales, and TFLM's RELU6 does not rescale",
            "give the activation to the layer before it, so that it is fused",
        )
    for mask in ("ellipsis_mask", "new_axis_mask"):
        if o.kind == "STRIDED_SLICE" and site.option(mask):
            yield f"{mask}, which the kernel ignores", "write out all slices, and use Reshape"
    if o.kind == "DEQUANTIZE" and site.inputs[0].per_channel:
        yield "a scale per channel: the kernel uses the first for all", FULL_INT8
    if o.kind == "SELECT_V2" and site.outputs[0].dtype not in _THREE.split():
        yield (
            f"{site.outputs[0].dtype}: the kernel has only {_THREE.replace(' ', ', ')}",
            "choose among float or int8 values",
        )


def findings_cmsis_nn(site: Site) -> Iterator[Finding]:
    """What CMSIS-NN's kernels of a current tree refuse besides; they stop with the number of a source line."""
    if site.operator.kind == "FULLY_CONNECTED":
        data, weights = site.need(0), site.need(1)
        if weights.per_channel and (data.dtype != "int8" or weights.dtype == "int4"):
            yield (
                f"{data.dtype} with {weights.dtype} weights, a scale per channel: CMSIS-NN has that for int8 only",
                'build with kernels = "reference", or quantise Dense per tensor',
            )
