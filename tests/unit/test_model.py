"""Reading .tflite files: what a Model says of them, and what is not one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.errors import UsageError
from sim.model import Model, verify
from sim.model.macs import macs

MODELS = Path(__file__).parents[1] / "data" / "models"
_SHARED = os.environ.get("BOARDLESS_MLPERF_TINY") or Path(__file__).parents[3] / "shared" / "mlperf_tiny"
MLPERF = Path(_SHARED)
needs_mlperf = pytest.mark.skipif(
    not (MLPERF / "kws_ref_model.tflite").is_file(),
    reason="no MLPerf Tiny models: set BOARDLESS_MLPERF_TINY to their folder",
)


def model(name: str) -> Model:
    return Model.load(MODELS / f"{name}.tflite")


def test_tensors_inputs_and_outputs() -> None:
    m = model("conv")
    (data,), (out,) = m.inputs, m.outputs
    assert (data.shape, data.dtype, data.nbytes) == ((1, 8, 8, 3), "int8", 192)
    assert (out.shape, out.dtype) == ((1, 3, 3, 4), "int8")
    assert not data.constant
    assert data.data is None
    assert len(data.scale) == len(data.zero_point) == 1
    assert np.dtype(data.dtype).itemsize * data.size == data.nbytes


def test_weights_are_the_bytes_of_the_file() -> None:
    m = model("conv")
    weights = m.tensors[m.operators[0].inputs[1]]
    assert weights.shape == (4, 3, 3, 3)
    assert weights.per_channel
    assert weights.quantized_dimension == 0
    assert len(weights.scale) == 4
    assert weights.zero_point == (0, 0, 0, 0)
    assert weights.data is not None
    assert len(weights.data) == weights.nbytes == 108
    assert weights.data in m.data
    assert m.weights_of(m.operators[0]) == 108 + 4 * 4
    assert m.weight_bytes == 108 + 4 * 4


def test_operators_have_options_version_and_macs() -> None:
    conv, pool = model("conv").operators
    assert (conv.kind, conv.version, conv.custom, conv.layer) == ("CONV_2D", 3, False, "edges")
    assert conv.options["padding"] == "VALID"
    assert conv.options["fused_activation_function"] == "RELU"
    assert (conv.options["stride_w"], conv.options["dilation_h_factor"]) == (1, 1)
    assert conv.macs == 6 * 6 * 4 * 3 * 3 * 3
    assert (pool.kind, pool.macs, pool.options["filter_width"]) == ("MAX_POOL_2D", 0, 2)
    assert model("conv").op_kinds == ("CONV_2D", "MAX_POOL_2D")


@pytest.mark.parametrize(
    ("name", "index", "layer"),
    [
        ("conv", 0, "edges"),
        ("depthwise", 0, "dw"),
        ("dense", 0, "hidden"),
        ("dense", 1, "out"),
        ("dense_per_channel", 0, "hidden"),
        ("dense_3d", 0, "rows"),
        ("average", 0, "mean"),
        ("conv_float", 0, "edges"),
        ("uint8", 1, "out"),
        ("relu", 0, "alone"),
        ("softmax", 0, "SOFTMAX #0"),  # its tensor is the model's output, which the converter renames
    ],
)
def test_layers_are_named_as_in_keras(name: str, index: int, layer: str) -> None:
    assert model(name).operators[index].layer == layer


def test_code_above_127_and_open_batch() -> None:
    (gelu,) = model("gelu").operators
    assert (gelu.kind, gelu.code, gelu.short_code) == ("GELU", 150, 127)
    open_batch = model("open_batch")
    assert open_batch.inputs[0].shape == (1, 8, 8, 3)
    assert open_batch.inputs[0].shape_signature[0] == -1


def test_bytes_and_file_are_the_same_model() -> None:
    path = MODELS / "dense.tflite"
    a, b = Model.load(path), Model.from_bytes(path.read_bytes(), "mine")
    assert a.sha256 == b.sha256
    assert a.tensors == b.tensors
    assert (a.path, b.path, a.name, b.name) == (path, None, "dense", "mine")
    assert a.converter.startswith("2.")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"TFL3", "not a .tflite"),
        (b"\x1c\0\0\0TFL2" + bytes(40), "not a .tflite"),
        (b"PK\x03\x04" + bytes(60), "boardless convert"),
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "boardless convert"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"alignas(16) const unsigned char model[] = {0x1c, 0x00};", "C source"),
        (b"\x1c\0\0\0TFL3" + bytes(8), "outside of the file"),
    ],
)
def test_what_is_not_a_model_is_named(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "given.tflite"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        Model.load(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        Model.load(tmp_path / "none.tflite")
    with pytest.raises(UsageError, match="not a file"):
        Model.load(tmp_path)


def test_truncated_anywhere_is_said_with_the_place() -> None:
    data = (MODELS / "dense.tflite").read_bytes()
    for size in range(8, len(data) - 4, 7):
        with pytest.raises(UsageError, match=r"cut: "):
            Model.from_bytes(data[:size], "cut")


def edited(name: str, old: bytes, new: bytes, *, last: bool = False) -> bytes:
    """The file with one occurrence of `old` replaced; there must be one."""
    data = (MODELS / f"{name}.tflite").read_bytes()
    at = data.rindex(old) if last else data.index(old)
    return data[:at] + new + data[at + len(old) :]


def test_content_of_the_wrong_length_is_refused() -> None:
    m = model("conv")
    weights = m.tensors[m.operators[0].inputs[1]].data
    assert weights is not None
    length = len(weights).to_bytes(4, "little")
    with pytest.raises(UsageError, match=r"107 bytes of content; shape \[4, 3, 3, 3\] of int8 needs 108"):
        Model.from_bytes(edited("conv", length + weights, (107).to_bytes(4, "little") + weights), "m")


def test_scale_must_be_a_positive_number() -> None:
    scale = np.float32(model("dense").inputs[0].scale[0]).tobytes()
    for bad in (np.float32("nan"), np.float32("inf"), np.float32(-1)):
        with pytest.raises(UsageError, match="above 0 and finite"):
            Model.from_bytes(edited("dense", scale, bad.tobytes()), "m")


def test_scales_of_a_bias_may_name_the_dimension_of_its_filter() -> None:
    """As upstream's person_detect.tflite has them; of a filter the dimension must be there."""
    m = model("conv")
    filters, bias = (m.tensors[i] for i in m.operators[0].inputs[1:])
    verify.tensor(replace(bias, scale=(0.1,) * 4, zero_point=(0,) * 4, quantized_dimension=3), False, "m")
    with pytest.raises(UsageError, match="4 scales for dimension 3, which has 3 elements"):
        verify.tensor(replace(filters, quantized_dimension=3), False, "m")
    with pytest.raises(UsageError, match="scales along dimension 4: it has 4"):
        verify.tensor(replace(filters, quantized_dimension=4), False, "m")


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    shape = np.array([4, 1, 3, 3, 4], "<i4").tobytes()  # length 4, then the output's shape
    wide = np.array([4, 1, 9, 3, 4], "<i4").tobytes()
    with pytest.raises(UsageError, match=r"operator 1 \(MAX_POOL_2D.*do not lead to output 1x9x3x4"):
        Model.from_bytes(edited("conv", shape, wide), "m")


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs", "options", "expected"),
    [
        ("CONV_2D", [(1, 8, 8, 6), (4, 3, 3, 2)], [(1, 6, 6, 4)], {}, 6 * 6 * 4 * 3 * 3 * 2),  # three groups
        ("DEPTHWISE_CONV_2D", [(1, 8, 8, 3), (1, 3, 3, 6)], [(1, 6, 6, 6)], {}, 6 * 6 * 6 * 9),
        ("FULLY_CONNECTED", [(2, 7), (5, 7), None], [(2, 5)], {}, 2 * 5 * 7),
        ("TRANSPOSE_CONV", [(4,), (4, 3, 3, 2), (1, 5, 5, 2)], [(1, 11, 11, 4)], {}, 5 * 5 * 2 * 4 * 9),
        ("BATCH_MATMUL", [(2, 3, 4), (2, 4, 5)], [(2, 3, 5)], {}, 2 * 3 * 5 * 4),
        ("BATCH_MATMUL", [(2, 4, 3), (2, 4, 5)], [(2, 3, 5)], {"adj_x": True}, 2 * 3 * 5 * 4),
        ("SVDF", [(1, 16), (8, 16), (8, 10), (4,), (1, 80)], [(1, 4)], {}, 8 * (16 + 10)),
        ("MAX_POOL_2D", [(1, 8, 8, 3)], [(1, 4, 4, 3)], {}, 0),
        ("ADD", [(1, 8), (1, 8)], [(1, 8)], {}, 0),
    ],
)
def test_macs_by_formula(kind, inputs, outputs, options, expected) -> None:  # type: ignore[no-untyped-def]
    assert macs(kind, inputs, outputs, options) == expected


@needs_mlperf
@pytest.mark.parametrize(
    ("name", "expected", "last"),
    [("kws_ref_model", 2_656_768, "dense"), ("ad01_int8", 264_192, "dense_9")],
)
def test_mlperf_tiny(name: str, expected: int, last: str) -> None:
    start = time.process_time()
    m = Model.load(MLPERF / f"{name}.tflite")
    assert time.process_time() - start < 0.5  # 3 ms here; a bar that only a mistake can miss
    assert m.macs == expected
    assert [o.layer for o in m.operators if o.kind == "FULLY_CONNECTED"][-1] == last


def test_importing_takes_no_heavy_library() -> None:
    code = (
        "import sys, sim.model.read, sim.model.check; print([m for m in ('numpy', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
