"""The TFLM library: compiled once per tree, core, kernels and flags, and kept in the cache."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from sim.boards import Board
from sim.errors import BuildError
from sim.firmware import flags
from sim.firmware.toolchain import Toolchain, check_libraries
from sim.firmware.workshop import configure, locked, ninja, private_folder, writable
from sim.paths import cache_root, data_root
from sim.tflm import TflmTree

_FORMAT = "1"  # changes when the way of building changes


def cmake_list(name: str, values: object) -> str:
    """`set(NAME "a" "b")`, quoted so that any path will do."""
    words = values if isinstance(values, list | tuple) else [values]
    quoted = " ".join('"' + re.sub(r'([\\"$;])', r"\\\1", str(w)) + '"' for w in words)
    return f"set({name} {quoted})\n"


def library_key(tree: TflmTree, board: Board, kernels: str, tools: Toolchain) -> str:
    """Name of the library by all that its content depends on."""
    parts = [
        _FORMAT,
        tree.digest,
        kernels,
        *flags.core_flags(board),
        *flags.scalar_flags(board),
        *flags.COMMON,
        *flags.CXX,
        *flags.tree_defines(tree, kernels),
        tools.text,
        (data_root() / "firmware/cmake/tflm/CMakeLists.txt").read_text(encoding="utf-8"),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def tflm_library(tree: TflmTree, board: Board, kernels: str, tools: Toolchain, progress: Callable[[str], None]) -> Path:
    """Path of libtflm.a, compiled if it is not in the cache. Raises BuildError with the compiler's lines."""
    key = library_key(tree, board, kernels, tools)
    path = cache_root() / "tflm" / key / "libtflm.a"
    if path.is_file():
        return path
    with locked(f"tflm-{key}"):
        if path.is_file():  # another process has made it while we waited
            return path
        progress(f"compiling TFLM for {board.core}, {kernels} kernels (once; up to a minute)")
        _compile(tree, board, kernels, tools, path)
    return path


def _compile(tree: TflmTree, board: Board, kernels: str, tools: Toolchain, path: Path) -> None:
    sources = tree.sources(kernels)
    nn = set(tree.vector_sources(kernels))
    cmake = data_root() / "firmware" / "cmake"
    with private_folder("tflm") as folder:
        maps = flags.prefix_maps([(folder, "."), *flags.tree_maps(tree)])
        project = folder / "project.cmake"
        project.write_text(
            cmake_list("BL_SOURCES", sources)
            + cmake_list("BL_VECTOR_SOURCES", [p for p in sources if p in nn])
            + cmake_list("BL_VECTOR_FLAGS", flags.core_flags(board))
            + cmake_list("BL_INCLUDES", tree.include_folders(kernels))
            + cmake_list(
                "BL_FLAGS",
                [*flags.scalar_flags(board), *flags.COMMON, *flags.tree_defines(tree, kernels), *maps],
            )
            + cmake_list("BL_CXX_FLAGS", " ".join([flags.library_standard(tree), *flags.CXX])),
            encoding="utf-8",
        )
        out = folder / "out"
        configure(tools, cmake / "tflm", out, project, cmake / "toolchain.cmake")
        code, text = ninja(tools, out)
        if code != 0:
            check_libraries(tools)
            raise BuildError(
                f"TFLM tree {tree.path} does not compile for {board.core} with {kernels} kernels:\n"
                + "\n".join(compiler_lines(text)[:20]),
                hint="is the tree complete (third-party downloads), and of one version?",
            )
        with writable(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            (out / "libtflm.a").replace(path)


def compiler_lines(text: str) -> list[str]:
    """Ninja's output without Ninja and without the commands: what the compiler and the linker said."""
    out: list[str] = []
    skip = False
    for line in text.splitlines():
        if line.startswith("FAILED:"):
            skip = True  # the command follows
        elif skip:
            skip = False
        elif line.strip() and not line.startswith(("ninja:", "Building ", "Linking ", "[")):
            out.append(line)
    return out
