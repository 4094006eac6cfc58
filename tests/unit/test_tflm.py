"""TFLM trees: found in every usual arrangement, recognised by what is in them, named by their content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sim.errors import SetupError, UsageError
from sim.settings import Settings
from sim.tflm import TflmTree, tree_for

MICRO = "tensorflow/lite/micro"
DOWNLOADS = f"{MICRO}/tools/make/downloads"
LIBRARIES = {
    "flatbuffers": "flatbuffers/include/flatbuffers/flatbuffers.h",
    "gemmlowp": "gemmlowp/fixedpoint/fixedpoint.h",
    "ruy": "ruy/ruy/profiler/instrumentation.h",
}
RESOLVER = """
template <unsigned int tOpCount> class MicroMutableOpResolver {
  TfLiteStatus AddBuiltin(tflite::BuiltinOperator op, const TFLMRegistration& r) { return kTfLiteOk; }
  TfLiteStatus AddCustom(const char* name, const TFLMRegistration* registration) {
    MicroPrintf("Calling AddCustom for the same op more than once ");
  }
  // TfLiteStatus AddGone() { return AddBuiltin(BuiltinOperator_GONE, r, p); }
  TfLiteStatus AddConv2D(const TFLMRegistration& registration = Register_CONV_2D()) {
    return AddBuiltin(BuiltinOperator_CONV_2D, registration, ParseConv2D);
  }
  TfLiteStatus AddCircularBuffer() {
    return AddCustom("CIRCULAR_BUFFER", tflite::Register_CIRCULAR_BUFFER());
  }
  TfLiteStatus AddRfft() { return AddCustom("SignalRfft", registration); }
};
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDLESS_CACHE", str(tmp_path / "cache"))


def put(path: Path, text: str = "\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def current(top: Path, third_party: str = "third_party", cmsis: bool = False) -> Path:
    for name in ("micro_log.h", "micro_interpreter_graph.h", "micro_interpreter.cc", "debug_log.cc"):
        put(top / MICRO / name)
    put(top / MICRO / "micro_mutable_op_resolver.h", RESOLVER)
    for name in ("conv.cc", "conv_common.cc", "conv_test.cc", "elu.cc"):
        put(top / MICRO / "kernels" / name, f"// {name}\n")
    put(top / "tensorflow/lite/core/c/common.cc")
    for path in LIBRARIES.values():
        put(top / third_party / path)
    if cmsis:
        put(top / MICRO / "kernels/cmsis_nn/conv.cc", "// optimised\n")
        put(top / third_party / "cmsis_nn/Include/arm_nnfunctions.h")
        put(top / third_party / "cmsis_nn/Source/a/arm_convolve_s8.c")
        put(top / third_party / "cmsis_nn/Source/a/arm_convolve_f32.c")
    return top


@pytest.mark.parametrize("third_party", ["third_party", DOWNLOADS, "external"])
def test_arrangements(tmp_path: Path, third_party: str) -> None:
    tree = TflmTree.at(current(tmp_path / "t", third_party))
    assert tree.generation == "current"
    assert tree.kernel_sets == ("reference",)
    top = tmp_path / "t"
    assert tree.include_folders("reference") == [
        top,
        top / third_party / "flatbuffers/include",
        top / third_party / "gemmlowp",
        top / third_party / "ruy",
    ]


def test_sources_without_tests_and_with_what_is_the_firmwares_own_left_out(tmp_path: Path) -> None:
    tree = TflmTree.at(current(tmp_path / "t", cmsis=True))
    assert [p.name for p in tree.sources("reference")] == [
        "common.cc", "conv.cc", "conv_common.cc", "elu.cc", "micro_interpreter.cc",
    ]  # fmt: skip
    chosen = {p.name: p for p in tree.sources("cmsis-nn")}
    assert chosen["conv.cc"].parent.name == "cmsis_nn"
    assert "arm_convolve_s8.c" in chosen
    assert "arm_convolve_f32.c" not in chosen


def test_pointing_inside_or_above_is_understood(tmp_path: Path) -> None:
    top = current(tmp_path / "product" / "tflm")
    assert TflmTree.at(tmp_path / "product").path == top
    assert TflmTree.at(top / MICRO).path == top


def test_digest_is_of_the_content_not_of_the_place(tmp_path: Path) -> None:
    first = TflmTree.at(current(tmp_path / "a"))
    again = TflmTree.at(current(tmp_path / "elsewhere" / "b", DOWNLOADS))
    assert first.digest == again.digest
    changed = tmp_path / "a" / MICRO / "kernels/conv.cc"
    changed.write_text("// other\n", encoding="utf-8")
    assert TflmTree.at(tmp_path / "a").digest != first.digest
    put(changed, "// conv.cc\n")
    assert TflmTree.at(tmp_path / "a").digest == first.digest


def test_digest_of_a_header_of_a_library(tmp_path: Path) -> None:
    first = TflmTree.at(current(tmp_path / "a"))
    put(tmp_path / "a/third_party/gemmlowp/fixedpoint/fixedpoint.h", "changed\n")
    assert TflmTree.at(tmp_path / "a").digest != first.digest


@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
def test_a_read_only_cache_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ro").mkdir(mode=0o500)
    monkeypatch.setenv("BOARDLESS_CACHE", str(tmp_path / "ro"))
    assert TflmTree.at(current(tmp_path / "a")).digest


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_missing_library_is_named_and_where_it_was_looked_for(tmp_path: Path, name: str) -> None:
    top = current(tmp_path / "t")
    shutil.rmtree(top / "third_party" / name)
    with pytest.raises(SetupError, match="not found") as error:
        TflmTree.at(top)
    assert name in error.value.message
    assert str(top / "third_party") in error.value.hint
    assert "third_party_downloads" in error.value.hint


def test_not_a_tree(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a TFLM tree"):
        TflmTree.at(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        TflmTree.at(tmp_path / "missing")


def test_a_generation_in_between_is_refused(tmp_path: Path) -> None:
    top = current(tmp_path / "t")
    (top / MICRO / "micro_interpreter_graph.h").unlink()
    with pytest.raises(UsageError, match="between the two generations"):
        TflmTree.at(top)


def test_operators_are_read_from_the_tree(tmp_path: Path) -> None:
    tree = TflmTree.at(current(tmp_path / "t"))
    assert tree.registrations == {
        "CIRCULAR_BUFFER": "resolver.AddCircularBuffer();",
        "CONV_2D": "resolver.AddConv2D();",
    }
    assert tree.signal_sources == ()


def test_the_audio_library_is_there_with_kissfft(tmp_path: Path) -> None:
    top = current(tmp_path / "t")
    for name in ("micro/kernels/rfft.cc", "micro/kernels/rfft_test.cc", "src/kiss_fft_wrappers/kiss_fft_int16.cc"):
        put(top / "signal" / name)
    put(top / "signal/micro/kernels/fft_flexbuffers_generated_data.cc")  # of upstream's tests
    put(top / "third_party/kissfft/kiss_fft.h")
    tree = TflmTree.at(top)
    assert tree.registrations["SignalRfft"] == "resolver.AddRfft();"
    assert [p.name for p in tree.signal_sources] == ["rfft.cc", "kiss_fft_int16.cc"]
    put(top / "signal/micro/kernels/rfft.cc", "// edited\n")
    assert TflmTree.at(top).digest != tree.digest
    shutil.rmtree(top / "third_party/kissfft")
    assert "SignalRfft" not in TflmTree.at(top).registrations


def test_kernels_that_are_not_there(tmp_path: Path) -> None:
    plain = TflmTree.at(current(tmp_path / "plain"))
    with pytest.raises(UsageError, match="no CMSIS-NN kernels"):
        plain.require("cmsis-nn")
    with pytest.raises(UsageError, match="unknown kernels 'cmsis'"):
        plain.require("cmsis")
    both = current(tmp_path / "both", cmsis=True)
    assert TflmTree.at(both).kernel_sets == ("reference", "cmsis-nn")
    (both / MICRO / "kernels/conv.cc").unlink()  # as create_tflm_tree.py leaves it
    only = TflmTree.at(both)
    assert only.kernel_sets == ("cmsis-nn",)
    with pytest.raises(UsageError, match="made for CMSIS-NN"):
        only.require("reference")
    shutil.rmtree(both / "third_party/cmsis_nn")
    with pytest.raises(SetupError, match=r"arm_nnfunctions\.h not found"):
        TflmTree.at(both).require("cmsis-nn")


def test_without_cargo_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SetupError, match="cargo is not installed") as error:
        TflmTree.default()
    assert "cargo-web" in error.value.hint
    assert "tflm =" in error.value.hint


def test_cargo_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "bin/cargo", "#!/bin/sh\necho 'error: no route to registry' >&2\nexit 101\n")
    (tmp_path / "bin/cargo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    with pytest.raises(SetupError, match="no route to registry"):
        TflmTree.default()


def test_the_setting_wins_over_the_default(tmp_path: Path) -> None:
    top = current(tmp_path / "own")
    assert tree_for(Settings(tflm=str(top))).path == top


def test_default_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        tree = TflmTree.default()
    except SetupError as error:
        pytest.skip(str(error))
    assert tree.generation == "2020"
    assert tree.kernel_sets == ("reference",)
    # Upstream's resolver lists 52, and the custom operator has a file of its own.
    assert len(tree.builtin_ops()) == 53
    assert {"SVDF", "CIRCULAR_BUFFER"} <= set(tree.builtin_ops())
    monkeypatch.setenv("PATH", "/nonexistent")  # remembered: cargo is not asked again
    assert TflmTree.default() == tree
    with pytest.raises(UsageError, match="need a current TFLM tree"):
        tree.require("cmsis-nn")
    # The same tree by path has the same content.
    assert TflmTree.at(tree.path).digest == tree.digest
