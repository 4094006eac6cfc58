"""What a TFLM tree refuses of a model. The models are real; trees are stood for by what is asked of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sim.errors import UsageError
from sim.model import Model
from sim.model.check import Refusal, check, refusals
from sim.model.schema import OPERATORS

MODELS = Path(__file__).parents[1] / "data" / "models"
OF_2020 = (
    "ABS ADD ARG_MAX AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEQUANTIZE FULLY_CONNECTED"
    " L2_NORMALIZATION LOGISTIC MAX_POOL_2D MAXIMUM MEAN MUL PACK PAD PRELU QUANTIZE RELU RELU6 RESHAPE"
    " RESIZE_NEAREST_NEIGHBOR SOFTMAX SPLIT STRIDED_SLICE SUB SVDF TANH UNPACK"
)
_MISSING_TODAY = {"GELU", "TILE"}


class Tree:
    def __init__(self, generation: str, ops: Collection[str]) -> None:
        self.generation = generation
        self._ops = ops

    def builtin_ops(self) -> Collection[str]:
        return self._ops


OLD = Tree("2020", OF_2020.split())
NEW = Tree("current", set(OPERATORS) - _MISSING_TODAY)


def model(name: str) -> Model:
    return Model.load(MODELS / f"{name}.tflite")


def found(m: Model, tree: Tree = OLD) -> list[tuple[str, str]]:
    return [(r.kind, r.reason) for r in refusals(m, tree, "reference")]


def changed(
    m: Model, *, tensors: dict[int, dict[str, Any]] | None = None, operators: dict[int, dict[str, Any]] | None = None
) -> Model:
    """The model with some fields of tensors and operators set otherwise."""
    g = m.graphs[0]
    new = replace(
        g,
        tensors=tuple(replace(t, **(tensors or {}).get(t.index, {})) for t in g.tensors),
        operators=tuple(replace(o, **(operators or {}).get(o.index, {})) for o in g.operators),
    )
    return replace(m, graphs=(new, *m.graphs[1:]))


@pytest.mark.parametrize("name", ["conv", "conv_float", "depthwise", "dense", "add", "concat", "slice", "softmax"])
def test_what_the_tree_of_2020_computes_right_is_not_refused(name: str) -> None:
    assert found(model(name)) == []


@pytest.mark.parametrize(
    ("name", "kind", "layer", "reason", "remedy"),
    [
        ("dense_per_channel", "FULLY_CONNECTED", "hidden", "a scale for each unit", "per tensor"),
        ("dense_3d", "FULLY_CONNECTED", "rows", "only the first rows", "Reshape"),
        ("conv_groups", "CONV_2D", "CONV_2D #0", "grouped convolution", "DepthwiseConv2D"),
        ("depthwise_dilated", "DEPTHWISE_CONV_2D", "dw", "as if there were no dilation", "padding='valid'"),
        ("relu", "RELU", "alone", "does not rescale", "fused"),
        ("relu6", "RELU6", "alone", "does not rescale", "fused"),
        ("average", "MEAN", "mean", "float32 only", "AveragePooling"),
        ("leaky", "LEAKY_RELU", "LEAKY_RELU #0", "does not have it", "PReLU"),
        ("gelu", "GELU", "GELU #0", "its code 150 is younger", "current TFLM tree"),
        ("conv_hybrid", "CONV_2D", "edges", "hybrid: float32 input with int8 weights", "full int8"),
        ("conv_int16", "CONV_2D", "edges", "int16: the kernel of 2020 has only", "full int8"),
        ("uint8", "QUANTIZE", "QUANTIZE #0", "uint8 to int8", "int8"),
        ("split", "SPLIT", "split", "output 1 is not used by anything", "leave that part out"),
        ("resize", "RESIZE_NEAREST_NEIGHBOR", "shrink", "half-pixel", "whole number"),
        ("open_batch", "SHAPE", "flatten", "does not have it", "batch_size=1"),
    ],
)
def test_what_the_tree_of_2020_gets_wrong(name: str, kind: str, layer: str, reason: str, remedy: str) -> None:
    matching = [r for r in refusals(model(name), OLD, "reference") if r.kind == kind]
    assert matching
    assert matching[0].layer == layer
    assert reason in matching[0].reason
    assert remedy in matching[0].remedy


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("dense_per_channel", set()),
        ("dense_3d", set()),
        ("conv_groups", set()),
        ("depthwise_dilated", set()),
        ("relu", set()),
        ("average", set()),
        ("leaky", set()),
        ("conv_int16", set()),
        ("split", set()),
        ("resize", set()),
        ("uint8", set()),
        ("gelu", {"GELU"}),
        ("relu6", {"RELU6"}),
        ("conv_hybrid", {"CONV_2D"}),
    ],
)
def test_what_a_current_tree_refuses(name: str, kinds: set[str]) -> None:
    assert {kind for kind, _ in found(model(name), NEW)} == kinds


def test_what_cmsis_nn_refuses_besides() -> None:
    """Its Prepare: per-channel Dense for int8 alone, where the reference kernels have int16 too."""
    m = model("dense_per_channel")
    (op, *_) = m.operators
    assert refusals(m, NEW, "cmsis-nn") == ()
    wide = changed(m, tensors={i: {"dtype": "int16"} for i in (op.inputs[0], *op.outputs)})
    assert "a scale per channel: CMSIS-NN" in refusals(wide, NEW, "cmsis-nn")[0].reason
    assert not any("per channel" in r.reason for r in refusals(wide, NEW, "reference"))


def test_half_floats_are_refused_on_a_current_tree() -> None:
    """Models with float16 weights begin with a DEQUANTIZE of them, which TFLM has for integers only."""
    m = changed(model("relu"), operators={0: {"kind": "DEQUANTIZE"}}, tensors={0: {"dtype": "float16"}})
    assert "float16: the kernel has only int8, int16, uint8" in [r.reason for r in refusals(m, NEW, "reference")]


def test_variables_need_a_current_tree() -> None:
    """As streaming models have them."""
    m = model("stream")
    assert refusals(m, NEW, "reference") == refusals(m, NEW, "cmsis-nn") == ()
    assert {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"} <= {kind for kind, _ in found(m)}


def test_fused_activation_of_a_depthwise_convolution() -> None:
    """The int8 kernel of 2020 clamps to int8's limits: right only where the activation's are the same."""
    m = model("depthwise")
    (op, *_), out = m.operators, m.operators[0].outputs[0]
    relu6 = {**op.options, "fused_activation_function": "RELU6"}

    def with_scale(scale: float, zero: int) -> Model:
        # The next operator's output follows, or the pool itself would be refused.
        pooled = m.operators[1].outputs[0]
        same = {"scale": (scale,), "zero_point": (zero,)}
        return changed(m, tensors={out: same, pooled: same}, operators={0: {"options": relu6}})

    assert found(with_scale(6 / 255, -128)) == []
    assert "clamps only there" in found(with_scale(8 / 255, -128))[0][1]  # 6.0 is stored as 63
    assert "clamps only there" in found(with_scale(6 / 255, -100))[0][1]  # 0.0 is stored as -100


def test_dilation_without_padding_is_computed_right() -> None:
    m = model("depthwise_dilated")
    (op,) = m.operators
    valid = {"options": {**op.options, "padding": "VALID"}}
    smaller = {op.outputs[0]: {"shape": (1, 4, 4, 3)}}
    assert found(changed(m, tensors=smaller, operators={0: valid})) == []


def test_depthwise_without_bias_and_weights_with_zero_point() -> None:
    m = model("depthwise")
    op = m.operators[0]
    bare = changed(m, operators={0: {"inputs": (*op.inputs[:2], -1)}})
    skewed = changed(m, tensors={op.inputs[1]: {"zero_point": (0, 3, 0)}})
    for tree in (OLD, NEW):
        assert any("reads one all the same" in reason for _, reason in found(bare, tree))
        assert any("weights with a zero point" in reason for _, reason in found(skewed, tree))


def test_unlike_scales_where_nothing_rescales() -> None:
    for name, index in (("concat", 0), ("conv", 1), ("resize", 0)):
        m = model(name)
        bad = changed(m, tensors={m.operators[index].outputs[0]: {"scale": (0.5,)}})
        for tree in (OLD, NEW):
            assert any("unlike scales" in reason for _, reason in found(bad, tree)), name


def test_softmax_into_another_range() -> None:
    m = model("softmax")
    out = m.operators[0].outputs[0]
    for tree in (OLD, NEW):
        assert "writes 0.00390625, -128" in found(changed(m, tensors={out: {"scale": (0.01,)}}), tree)[0][1]


def test_fused_tanh_is_left_out_by_every_tree() -> None:
    m = model("conv")
    tanh = {**m.operators[0].options, "fused_activation_function": "TANH"}
    for tree in (OLD, NEW):
        assert "TANH is left out" in found(changed(m, operators={0: {"options": tanh}}), tree)[0][1]


def test_strided_slice_masks() -> None:
    m = model("slice")
    for mask in ("ellipsis_mask", "new_axis_mask"):
        options = {**m.operators[0].options, mask: 1}
        for tree in (OLD, NEW):
            assert mask in found(changed(m, operators={0: {"options": options}}), tree)[0][1]


def test_a_code_only_in_the_new_field_would_be_read_as_add() -> None:
    m = model("conv")
    assert "field younger" in found(changed(m, operators={0: {"short_code": 0}}))[0][1]
    assert found(changed(m, operators={0: {"short_code": 0}}), NEW) == []


def test_tensor_that_nobody_uses() -> None:
    m = model("add")
    left_out = changed(m, operators={0: {"inputs": (m.operators[0].inputs[0],) * 2}})
    assert [r.operator_index for r in refusals(left_out, OLD, "reference")] == [-1]
    assert found(left_out, NEW) == []


def test_eleven_inputs() -> None:
    m = model("concat")
    (op,) = m.operators
    deep = {op.outputs[0]: {"shape": (1, 8, 8, 33)}}
    many = changed(m, tensors=deep, operators={0: {"inputs": (op.inputs * 6)[:11]}})
    for tree in (OLD, NEW):
        assert "11 inputs" in found(many, tree)[0][1]


def test_custom_operator() -> None:
    m = changed(model("softmax"), operators={0: {"kind": "MyOp", "custom": True}})
    for tree in (OLD, NEW):
        assert found(m, tree) == [("MyOp", "the tree has no such custom operator")]
    audio = changed(model("softmax"), operators={0: {"kind": "SignalRfft", "custom": True}})
    assert "signal/ and kissfft" in refusals(audio, NEW, "reference")[0].reason


def test_what_vela_made_is_refused_as_that() -> None:
    """Its one operator has scratch memory for an input, which nobody writes: the file is not damaged."""
    m = changed(model("softmax"), operators={0: {"kind": "ethos-u", "custom": True}})
    for tree in (OLD, NEW):
        (refusal,) = refusals(m, tree, "reference")
        assert "Ethos-U" in refusal.reason
        assert "went into Vela" in refusal.remedy


def test_check_names_every_layer_once_with_the_remedy() -> None:
    check(model("dense"), OLD, "reference")
    with pytest.raises(UsageError) as error:
        check(model("dense_per_channel"), OLD, "reference")
    text = str(error.value)
    assert "dense_per_channel.tflite" in text
    assert "hidden, out (FULLY_CONNECTED)" in text
    assert text.count("->") == 1
    assert "tflm =" in text


def test_refusals_come_in_the_order_of_the_operators() -> None:
    order = [r.operator_index for r in refusals(model("open_batch"), OLD, "reference")]
    assert order == sorted(order)
    assert all(isinstance(r, Refusal) and r.reason and r.remedy for r in refusals(model("uint8"), OLD, "reference"))
