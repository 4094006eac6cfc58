"""Which constructs a TFLM tree cannot be trusted with: what all trees share, and who asks which rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.model import Graph, Model, Operator, Tensor
from sim.model.verify import misfit

if TYPE_CHECKING:
    from sim.model.check import Refusal, Tree

NEWER = 'point to a current TFLM tree: tflm = "path" in [tool.boardless], or --tflm PATH'
FIXED_BATCH = "convert with a fixed batch size: keras.Input(shape, batch_size=1)"
FULL_INT8 = "convert with full int8 quantisation and representative data (boardless convert does)"
# (reason, remedy)
Finding = tuple[str, str]

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


@dataclass(frozen=True)
class Site:
    """One operator with its tensors at hand."""

    graph: Graph
    operator: Operator

    def input(self, position: int) -> Tensor | None:
        """The input at `position`; None where it is left out."""
        inputs = self.operator.inputs
        given = position < len(inputs) and inputs[position] >= 0
        return self.graph.tensors[inputs[position]] if given else None

    def need(self, position: int) -> Tensor:
        """The input at `position`, which `sim.model.verify` has seen to be there."""
        tensor = self.input(position)
        if tensor is None:
            raise IndexError(f"{self.operator.kind} without input {position}")
        return tensor

    @property
    def inputs(self) -> list[Tensor]:
        """All inputs that are given."""
        return [self.graph.tensors[i] for i in self.operator.inputs if i >= 0]

    @property
    def outputs(self) -> list[Tensor]:
        return [self.graph.tensors[i] for i in self.operator.outputs]

    def option(self, name: str) -> int:
        return int(self.operator.options.get(name, 0))


def same_scale(a: Tensor, b: Tensor) -> bool:
    """Whether equal stored numbers of both mean the same; true for unquantised ones."""
    if a.dtype != b.dtype or not a.scale or not b.scale:
        return True
    return abs(a.scale[0] - b.scale[0]) <= 1e-6 * a.scale[0] and a.zero_point[0] == b.zero_point[0]


def only_types(site: Site, allowed: str, position: int = 0) -> Iterator[Finding]:
    """Refuses an input of a type that the kernel of 2020 does not have (`allowed`: words)."""
    tensor = site.input(position)
    if tensor is not None and tensor.dtype not in allowed.split():
        words = allowed.replace(" ", ", ")
        remedy = FULL_INT8 if "int8" in allowed.split() and "16" in tensor.dtype else NEWER
        yield f"{tensor.dtype}: the kernel of 2020 has only {words}", remedy


def find(model: Model, tree: Tree, kernels: str) -> tuple[Refusal, ...]:
    """All refusals, in the order of the operators."""
    from sim.model.check import Refusal
    from sim.model.rules_2020 import FAMILIES
    from sim.model.rules_2020_model import whole
    from sim.model.rules_current import findings as current

    known = frozenset(tree.builtin_ops())
    old = tree.generation == "2020"
    found: list[Refusal] = []
    if old:
        found += [Refusal(index, layer, kind, *finding) for index, layer, kind, finding in whole(model)]
    for graph in model.graphs:
        for o in graph.operators:
            site = Site(graph, o)
            if o.kind not in known:
                reasons: Iterable[Finding] = [_unknown(o, old)]
            else:
                # Where shapes do not fit, the other rules have nothing to stand on.
                own = None if misfit(graph, o) else FAMILIES.get(o.kind) if old else current
                reasons = [*common(site), *(own(site) if own else ())]
            found += [Refusal(o.index, o.layer, o.kind, *finding) for finding in reasons]
    return tuple(sorted(found, key=lambda r: r.operator_index))


def _unknown(o: Operator, old: bool) -> Finding:
    instead = _INSTEAD.get(o.kind, "")
    if o.custom:
        return "the tree has no such custom operator", "build the model from builtin operators"
    what = "this tree of 2020 does not have it" if old else "this tree cannot register it"
    if old and o.code >= 127:
        what = f"its code {o.code} is younger than this tree of 2020"
    remedy = " or ".join(x for x in (instead, NEWER if old else "") if x)
    return what, remedy or "build the model from other layers"


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


# What Keras users can build instead, where there is an exact or near equivalent.
_INSTEAD = {
    "LEAKY_RELU": "use keras.layers.PReLU (shared_axes=[1, 2]) or ReLU",
    "ELU": "use ReLU",
    "GELU": "use ReLU, or x * sigmoid(1.702 x)",
    "HARD_SWISH": "use swish (LOGISTIC and MUL) or ReLU6",
    "REDUCE_MAX": "use MaxPooling over the whole map instead of GlobalMaxPooling",
    "SUM": "use AveragePooling over the whole map, times its size",
    "TRANSPOSE": "reorder the data before the model, or leave out Permute",
    "TRANSPOSE_CONV": "use UpSampling2D and Conv2D",
    "EXPAND_DIMS": "convert with a fixed batch size (keras.Input(shape, batch_size=1)), or use Reshape",
    "SQUEEZE": "convert with a fixed batch size, or use Reshape",
    "SHAPE": FIXED_BATCH,
    "SPACE_TO_BATCH_ND": FIXED_BATCH,
    "BATCH_TO_SPACE_ND": FIXED_BATCH,
    "TILE": "use Concatenate of the same tensor",
    "RESIZE_BILINEAR": "use nearest interpolation",
    "DIV": "multiply by the reciprocal",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "use Conv1D",
}
