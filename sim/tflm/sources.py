"""Which files of a TFLM tree the library is compiled from."""

from __future__ import annotations

from pathlib import Path

_SUFFIXES = (".cc", ".cpp", ".c")

# Folders with the interpreter, its allocators and the kernels; every source in them is TFLM's own.
_MICRO = (
    "tensorflow/lite/micro",
    "tensorflow/lite/micro/arena_allocator",
    "tensorflow/lite/micro/memory_planner",
    "tensorflow/lite/micro/tflite_bridge",
)
_KERNELS = "tensorflow/lite/micro/kernels"

# The audio library of a current tree: its operators' kernels, and what they call; with kissfft.
_SIGNAL = ("signal/micro/kernels", "signal/src", "signal/src/kiss_fft_wrappers")

# What TFLM takes from TensorFlow Lite. The 2020 tree carries all of TFLite's kernels beside these.
_SHARED_2020 = (
    "tensorflow/lite/c/common.c",
    "tensorflow/lite/core/api/error_reporter.cc",
    "tensorflow/lite/core/api/flatbuffer_conversions.cc",
    "tensorflow/lite/core/api/op_resolver.cc",
    "tensorflow/lite/core/api/tensor_utils.cc",
    "tensorflow/lite/kernels/internal/quantization_util.cc",
    "tensorflow/lite/kernels/kernel_util.cc",
)
_SHARED_FOLDERS = (
    "tensorflow/lite/c",
    "tensorflow/lite/core/api",
    "tensorflow/lite/core/c",
    "tensorflow/lite/kernels",
    "tensorflow/lite/kernels/internal",
    "tensorflow/lite/kernels/internal/reference",
    "tensorflow/lite/schema",
    "tensorflow/compiler/mlir/lite/schema",
    "tensorflow/compiler/mlir/lite/core/api",
)

# The log and the clock are the firmware's own. What only upstream's tests use is left out.
_OWN = {"debug_log", "micro_time", "system_setup"}
_TESTS_ONLY = {"test_helpers", "test_helper_custom_ops", "fake_micro_context", "mock_micro_graph"}

# A current tree has a hundred kernels, and each takes seconds to compile. These operators come with the first
# library; the others' kernels are a second one, compiled when a model has one of them.
USUAL: dict[str, str] = {
    "ADD": "add",
    "AVERAGE_POOL_2D": "pooling",
    "CONCATENATION": "concatenation",
    "CONV_2D": "conv",
    "DEPTHWISE_CONV_2D": "depthwise_conv",
    "DEQUANTIZE": "dequantize",
    "EXPAND_DIMS": "expand_dims",
    "FULLY_CONNECTED": "fully_connected",
    "LOGISTIC": "logistic",
    "MAX_POOL_2D": "pooling",
    "MEAN": "reduce",
    "MUL": "mul",
    "PAD": "pad",
    "QUANTIZE": "quantize",
    "RELU": "activations",
    "RELU6": "activations",
    "RESHAPE": "reshape",
    "SOFTMAX": "softmax",
    "STRIDED_SLICE": "strided_slice",
    "SUB": "sub",
    "TANH": "tanh",
}
_SHARED_KERNELS = {"kernel_util", "kernel_runner", "micro_tensor_utils", *USUAL.values()}

HEADER_FOLDERS = (
    "tensorflow/lite/micro",
    "tensorflow/lite/c",
    "tensorflow/lite/core",
    "tensorflow/lite/kernels",
    "tensorflow/lite/schema",
    "tensorflow/compiler/mlir/lite",
    "signal",
)
SKIPPED = {
    "arc_custom", "arc_emsdp", "arc_mli", "benchmarks", "bluepill", "ceva", "ceva_common", "chre",
    "cortex_m_corstone_300", "docs", "ethos_u", "examples", "hexagon", "hexkl_ml", "integration_tests",
    "models", "optimized", "python", "riscv32_generic", "testdata", "testing", "tools", "xtensa",
    "xtensa_hifi", "xtensa_hifimini", "hashtable", "delegates", "experimental", "tensorflow_core",
}  # fmt: skip


def library_sources(tree: Path, generation: str, kernels: str) -> list[Path]:
    """The tree's own sources for the library, sorted: interpreter, allocators, kernels.

    With `kernels = "cmsis-nn"` a kernel that has an optimised version is taken from there.
    """
    chosen = {p.stem: p for p in _in(tree / _KERNELS)}
    if kernels == "cmsis-nn":
        chosen |= {p.stem: p for p in _in(tree / _KERNELS / "cmsis_nn")}
    out = list(chosen.values())
    for folder in _MICRO:
        out += [p for p in _in(tree / folder) if p.stem not in _OWN]
    if generation == "2020":
        out += [tree / name for name in _SHARED_2020]
    else:
        for folder in _SHARED_FOLDERS:
            out += _in(tree / folder)
    return sorted(out)


def is_rare(path: Path, generation: str) -> bool:
    """Whether a source is of the second library: a kernel that few models use."""
    folder = path.parent.parts
    if generation == "2020" or ("micro", "kernels") not in (folder[-2:], folder[-3:-1]):
        return False
    return not (path.stem in _SHARED_KERNELS or path.stem.endswith("_common"))


def signal_sources(tree: Path) -> list[Path]:
    """The audio library's sources, sorted; none where the tree does not have it."""
    found = [p for folder in _SIGNAL for p in _in(tree / folder)]
    return sorted(p for p in found if not p.stem.endswith("_flexbuffers_generated_data"))  # of upstream's tests


def cmsis_nn_sources(folder: Path) -> list[Path]:
    """CMSIS-NN's sources without its float kernels, as upstream builds it."""
    return sorted(
        p
        for p in (folder / "Source").rglob("*.c")
        if not p.stem.endswith(("_f16", "_f32")) and p.stem != "arm_nntables_flt"
    )


def _in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        p
        for p in folder.iterdir()
        if p.suffix in _SUFFIXES and not p.stem.endswith(("_test", "_benchmark")) and p.stem not in _TESTS_ONLY
    ]
