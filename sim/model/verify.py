"""Sense checks of a .tflite whose structure is sound: what it says must be possible.

Whatever passes here can be read, shown and handed to a TFLM tree; whether that tree computes it right is asked
in `sim.model.check`.
"""

from __future__ import annotations

import math
from typing import Any

from sim.errors import UsageError
from sim.model import schema, shapes
from sim.model.types import Graph, Operator, Tensor

_DAMAGED = "the file is damaged, or was edited by a tool that did it wrong; convert it again"
_CONTROL = {"IF", "WHILE", "CALL", "CALL_ONCE"}
_MAX_BYTES = 1 << 31
_MAX_RANK = 32
_LIMITS = {
    "int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "uint16": (0, 65535), "int4": (-8, 7),
    "uint4": (0, 15), "int2": (-2, 1), "int32": (-(1 << 31), (1 << 31) - 1), "int64": (-(1 << 63), (1 << 63) - 1),
}  # fmt: skip

_ONE = (
    "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D SOFTMAX LOG_SOFTMAX LOGISTIC TANH RELU RELU6 RELU_N1_TO_1"
    " RELU_0_TO_1 LEAKY_RELU ELU HARD_SWISH GELU L2_NORMALIZATION QUANTIZE DEQUANTIZE ABS SIN COS LOG SQRT"
    " RSQRT SQUARE NEG EXP FLOOR CEIL ROUND LOGICAL_NOT CAST SQUEEZE SHAPE RANK ZEROS_LIKE"
)
_TWO = (
    "ADD SUB MUL DIV MAXIMUM MINIMUM EQUAL NOT_EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_OR"
    " LOGICAL_AND SQUARED_DIFFERENCE FLOOR_DIV FLOOR_MOD POW MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD"
    " REDUCE_ANY REDUCE_ALL"
)
# kind -> (least inputs, most inputs, outputs; None: any number from 1)
_ARITY: dict[str, tuple[int, int, int | None]] = {
    "CONV_2D": (2, 3, 1), "DEPTHWISE_CONV_2D": (2, 3, 1), "FULLY_CONNECTED": (2, 3, None),
    "TRANSPOSE_CONV": (3, 4, 1), "SVDF": (5, 5, 1), "BATCH_MATMUL": (2, 2, 1), "PRELU": (2, 2, 1),
    "PAD": (2, 2, 1), "PADV2": (3, 3, 1), "RESHAPE": (1, 2, 1), "STRIDED_SLICE": (4, 4, 1), "SPLIT": (2, 2, None),
    "SPLIT_V": (3, 3, None), "UNPACK": (1, 1, None), "PACK": (1, 1 << 20, 1), "CONCATENATION": (1, 1 << 20, 1),
    "ARG_MAX": (2, 2, 1), "ARG_MIN": (2, 2, 1), "RESIZE_NEAREST_NEIGHBOR": (2, 2, 1), "RESIZE_BILINEAR": (2, 2, 1),
    "TRANSPOSE": (2, 2, 1), "GATHER": (2, 2, 1), "SLICE": (3, 3, 1), "CONV_3D": (2, 3, 1), "EXPAND_DIMS": (2, 2, 1),
    **dict.fromkeys(_TWO.split(), (2, 2, 1)),
    **dict.fromkeys(_ONE.split(), (1, 1, 1)),
}  # fmt: skip

# Options without which a kernel runs on whatever is in memory: TFLM does not set defaults.
_OPTIONS = {
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions", "L2_POOL_2D": "Pool2DOptions", "FULLY_CONNECTED": "FullyConnectedOptions",
    "SOFTMAX": "SoftmaxOptions", "CONCATENATION": "ConcatenationOptions", "STRIDED_SLICE": "StridedSliceOptions",
    "PACK": "PackOptions", "UNPACK": "UnpackOptions", "SVDF": "SVDFOptions", "TRANSPOSE_CONV": "TransposeConvOptions",
    "ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MEAN": "ReducerOptions", "SUM": "ReducerOptions", "REDUCE_MAX": "ReducerOptions", "REDUCE_MIN": "ReducerOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions", "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "IF": "IfOptions", "WHILE": "WhileOptions", "CALL_ONCE": "CallOnceOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
}  # fmt: skip
_STRIDED = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D", "TRANSPOSE_CONV")


def _fail(where: str, what: str, hint: str = _DAMAGED) -> None:
    raise UsageError(f"{where}: {what}", hint=hint)


def operator_number(code: dict[str, Any]) -> int:
    """BuiltinOperator of an OperatorCode: files carry it in one or both of two fields."""
    return max(int(code["builtin_code"]), int(code["deprecated_builtin_code"]))


def header(root: dict[str, Any], name: str) -> None:
    """Version, operator codes, number of subgraphs, the first buffer."""
    if root["version"] != 3:
        _fail(name, f"schema version {root['version']}; TFLM reads version 3", "convert it again")
    if not root["subgraphs"]:
        _fail(name, "no subgraph: there is nothing to run")
    if not root["buffers"]:
        _fail(name, "no buffers")
    if root["external_buffers"]:
        _fail(name, "weights in external files", "no TFLM tree reads them; convert into one file")
    kinds = set()
    for index, code in enumerate(root["operator_codes"]):
        number = operator_number(code)
        if not 0 <= number < len(schema.OPERATORS) or number == schema.LONG_CODES_FROM:
            _fail(name, f"operator code {index}: there is no builtin operator {number}")
        if code["version"] < 1:
            _fail(name, f"operator code {index}: version {code['version']}")
        if schema.OPERATORS[number] == "CUSTOM" and not code["custom_code"]:
            _fail(name, f"operator code {index}: a custom operator without a name")
        kinds.add(schema.OPERATORS[number])
    if len(root["subgraphs"]) > 1 and not (kinds & _CONTROL or any(k.startswith("STABLEHLO") for k in kinds)):
        _fail(
            name,
            f"{len(root['subgraphs'])} subgraphs and no operator that calls one",
            "a model with several signatures: convert one of them on its own",
        )


def indices(raw: dict[str, Any], root: dict[str, Any], buffers: int, where: str) -> None:
    """Everything in a subgraph that points to something by number."""
    tensors, codes = len(raw["tensors"]), len(root["operator_codes"])
    for index, tensor in enumerate(raw["tensors"]):
        if tensor["buffer"] >= buffers:
            _fail(f"{where}: tensor {index}", f"buffer {tensor['buffer']}: there are {buffers}")
        if not 0 <= tensor["type"] < len(schema.TENSOR_TYPES):
            _fail(f"{where}: tensor {index}", f"unknown type {tensor['type']}")
        if tensor["external_buffer"]:
            _fail(f"{where}: tensor {index}", "its content is in another file", "convert into one file")
        if len(tensor["shape"]) > _MAX_RANK or any(n < 0 for n in tensor["shape"]):
            _fail(
                f"{where}: tensor {index} ({tensor['name']})",
                f"shape {list(tensor['shape'])[:8]}: every dimension must be known",
                "convert with a fixed input shape, e.g. keras.Input(shape, batch_size=1)",
            )
        if math.prod(tensor["shape"]) * max(schema.TENSOR_TYPES[tensor["type"]][1], 8) >= 8 * _MAX_BYTES:
            _fail(f"{where}: tensor {index} ({tensor['name']})", f"shape {list(tensor['shape'])}: over 2 GB")
    for what in ("inputs", "outputs"):
        for tensor in raw[what]:
            if not 0 <= tensor < tensors:
                _fail(where, f"{what[:-1]} of the graph is tensor {tensor}: there are {tensors}")
    for index, operator in enumerate(raw["operators"]):
        if operator["opcode_index"] >= codes:
            _fail(f"{where}: operator {index}", f"operator code {operator['opcode_index']}: there are {codes}")
        if operator["large_custom_options_offset"] > 1 or operator["large_custom_options_size"] > 1:
            _fail(f"{where}: operator {index}", "options outside of the flatbuffer", "no TFLM tree reads them")
        for what, least in (("inputs", -1), ("outputs", 0), ("intermediates", -1)):
            for tensor in operator[what]:
                if not least <= tensor < tensors:
                    _fail(f"{where}: operator {index}", f"{what[:-1]} is tensor {tensor}: there are {tensors}")


def tensor(t: Tensor, computed: bool, where: str) -> None:
    """Shape, content and quantisation of one tensor."""
    here = f"{where}: tensor {t.index} ({t.name[:80]})"
    if computed and t.data:
        _fail(here, "it is computed, yet has content in the file")
    if computed and t.size == 0:
        _fail(here, f"shape {list(t.shape)} has no element", "convert with a fixed input shape")
    if t.data and not t.sparse and t.dtype not in ("string", "resource", "variant") and len(t.data) != t.nbytes:
        _fail(here, f"{len(t.data)} bytes of content; shape {list(t.shape)} of {t.dtype} needs {t.nbytes}")
    if len(t.zero_point) != len(t.scale):
        _fail(here, f"{len(t.scale)} scales, but {len(t.zero_point)} zero points")
    if not t.scale:
        return
    if t.dtype in _LIMITS:
        low, high = _LIMITS[t.dtype]
        for scale, zero in zip(t.scale, t.zero_point, strict=True):
            # The converter itself writes scale 0 for a tensor that it saw to be 0 everywhere.
            if not math.isfinite(scale) or scale < 0:
                _fail(here, f"scale {scale}: it must be above 0 and finite")
            if not low <= zero <= high:
                _fail(here, f"zero point {zero}: {t.dtype} goes from {low} to {high}")
    if len(t.scale) > 1:
        # Older converters give a bias the dimension of its filter (upstream's person_detect.tflite); nothing reads it.
        axis = 0 if len(t.shape) == 1 else t.quantized_dimension
        if not 0 <= axis < len(t.shape):
            _fail(here, f"scales along dimension {axis}: it has {len(t.shape)}")
        if len(t.scale) != t.shape[axis]:
            _fail(here, f"{len(t.scale)} scales for dimension {axis}, which has {t.shape[axis]} elements")


def misfit(g: Graph, o: Operator) -> str:
    """What does not fit in the shapes of an operator's tensors, or ''."""
    given = [g.tensors[i].shape if i >= 0 else None for i in o.inputs]
    return shapes.problem(o.kind, given, [g.tensors[i].shape for i in o.outputs], o.options)


def graph(g: Graph, where: str) -> None:
    """Operators can run one after the other, each with the inputs, outputs and options of its kind."""
    if g.index == 0 and not (g.inputs and g.outputs and g.operators):
        missing = "inputs" if not g.inputs else "outputs" if not g.outputs else "operators"
        _fail(where, f"the graph has no {missing}")
    ready = [t.constant or t.variable for t in g.tensors]
    for index in g.inputs:
        if g.tensors[index].constant:
            _fail(where, f"input tensor {index} ({g.tensors[index].name}) has its content in the file")
        ready[index] = True
    written = set(g.inputs)
    for o in g.operators:
        here = f"{where}: operator {o.index} ({o.kind}, {o.layer})"
        low, high, outputs = _ARITY.get(o.kind, (0, 1 << 20, None))
        if not low <= len(o.inputs) <= high or any(i < 0 for i in o.inputs[: min(low, 2)]):
            wanted = str(low) if low == high else f"{low} to {high}"
            _fail(here, f"inputs {list(o.inputs)[:8]}: it needs {wanted}")
        if outputs is not None and len(o.outputs) != outputs:
            _fail(here, f"{len(o.outputs)} outputs: it has {outputs}")
        if o.kind in _OPTIONS and o.options_table != _OPTIONS[o.kind]:
            _fail(here, f"its options are {o.options_table or 'missing'}, not {_OPTIONS[o.kind]}")
        if o.kind in _STRIDED and (o.options["stride_w"] < 1 or o.options["stride_h"] < 1):
            _fail(here, f"stride {o.options['stride_h']}x{o.options['stride_w']}")
        for name in ("filter_height", "filter_width", "dilation_h_factor", "dilation_w_factor"):
            if o.options.get(name, 1) < 1:
                _fail(here, f"{name} {o.options[name]}")
        wrong = misfit(g, o)
        # Where a dimension was left open, shapes are guesses until it runs; sim.model.check speaks of that.
        if wrong and not any(-1 in g.tensors[i].shape_signature for i in (*o.inputs, *o.outputs) if i >= 0):
            _fail(here, wrong)
        for i in o.inputs:
            if i >= 0 and not ready[i] and not o.custom:  # which may take room to work in for an input, as Vela's do
                _fail(here, f"reads tensor {i} ({g.tensors[i].name}) before anything wrote it")
        for i in o.outputs:
            if i in written:
                _fail(here, f"writes tensor {i} ({g.tensors[i].name}), which is an input or was written before")
            written.add(i)
            ready[i] = True
    for index in g.outputs:
        if not ready[index]:
            _fail(where, f"output tensor {index} ({g.tensors[index].name}) is never computed")
