"""Compiler flags: for the core, for the TFLM tree, and for builds that do not depend on where they are made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sim.boards import Board
from sim.tflm import TflmTree

OPTIMISATION = "-O2"

# -ffp-contract=off: no fused multiply-add, so that float32 models agree with the host.
COMMON = (
    OPTIMISATION,
    "-g1",  # call frames and lines, for backtraces; nothing of it is loaded
    "-ffp-contract=off",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-common",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-DNDEBUG",
    "-DTF_LITE_STATIC_MEMORY",
    "-DTF_LITE_DISABLE_X86_NEON",
    "-DGEMMLOWP_ALLOW_SLOW_SCALAR_FALLBACK",
)
CXX = ("-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-use-cxa-atexit")
GLUE_STANDARD = "-std=gnu++17"


def core_flags(board: Board) -> tuple[str, ...]:
    """What selects the instruction set, and with it the C library that fits."""
    return _core(board, board.core if board.mve or board.core != "cortex-m55" else "cortex-m55+nomve")


def scalar_flags(board: Board) -> tuple[str, ...]:
    """As `core_flags`, without the vector extension: for all but CMSIS-NN.

    The assembler of Debian 12 (binutils 2.40) refuses the conditional `vcvtne.f32.s32` that GCC 12 writes for
    TFLM's kernels when the vector extension is on. The calling convention is the same.
    """
    return _core(board, "cortex-m55+nomve" if board.core == "cortex-m55" else board.core)


def _core(board: Board, cpu: str) -> tuple[str, ...]:
    if board.fpu == "none":
        return ("-mthumb", f"-mcpu={cpu}", "-mfloat-abi=soft")
    return ("-mthumb", f"-mcpu={cpu}", f"-mfpu={board.fpu}", "-mfloat-abi=hard")


def tree_defines(tree: TflmTree, kernels: str) -> tuple[str, ...]:
    """Macros that the library and everything that includes its headers must agree on."""
    if tree.generation == "2020":
        return ("-DBOARDLESS_TFLM_2020",)
    # Upstream's default is speed; some kernels refuse to run with neither.
    nn = ("-DCMSIS_NN", "-DARM_NN_ENABLE_F16=0", "-DARM_NN_ENABLE_F32=0") if kernels == "cmsis-nn" else ()
    return ("-DKERNELS_OPTIMIZED_FOR_SPEED", "-DFLATBUFFERS_LOCALE_INDEPENDENT=0", *nn)


def library_standard(tree: TflmTree) -> str:
    """C++ standard that the tree is written in."""
    return "-std=gnu++11" if tree.generation == "2020" else "-std=gnu++17"


def prefix_maps(folders: Iterable[tuple[Path, str]]) -> tuple[str, ...]:
    """Flags that write `name` for each folder into debug information and __FILE__. The last match wins."""
    return tuple(f"-ffile-prefix-map={folder}={name}" for folder, name in folders)


def tree_maps(tree: TflmTree, includes: Iterable[Path]) -> list[tuple[Path, str]]:
    """Names for the tree and its libraries that are the same however the tree is arranged."""
    return [
        *((p, "tflm") for p in includes),
        (tree.path, "tflm"),
        *((p, f"tflm/{n}") for n, p in sorted(tree.libraries.items())),
    ]
