"""The TFLM library: compiled once per tree, core, kernels and flags, and kept in the cache."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from sim.boards import Board
from sim.errors import BuildError
from sim.firmware import flags
from sim.firmware.schema import schema_folders
from sim.firmware.toolchain import Toolchain, check_libraries
from sim.firmware.workshop import configure, locked, ninja, private_folder, writable
from sim.paths import cache_root, data_root
from sim.tflm import TflmTree
from sim.tflm.operators import SIGNAL
from sim.tflm.sources import USUAL, is_rare

USUALLY, RARE, AUDIO = "tflm", "tflm_rare", "tflm_signal"  # names of the libraries
_CALLED = {USUALLY: "TFLM", RARE: "the rarer kernels of TFLM", AUDIO: "the audio library of TFLM"}
_FORMAT = "3"  # changes when the way of building changes


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


def tflm_libraries(
    tree: TflmTree,
    board: Board,
    kernels: str,
    op_kinds: Sequence[str],
    tools: Toolchain,
    progress: Callable[[str], None],
    *,
    whole: bool = False,
) -> tuple[Path, ...]:
    """Static libraries with what a model of these operators needs, compiled if they are not in the cache.

    `whole`: all there are. Raises BuildError with the compiler's lines.
    """
    # The 2020 tree is small enough to be one library.
    rare = tree.generation != "2020" and (whole or not set(op_kinds) <= set(USUAL))
    audio = any(kind.startswith(SIGNAL) for kind in op_kinds)
    parts = [*([AUDIO] if audio else []), *([RARE] if rare else []), USUALLY]
    key = library_key(tree, board, kernels, tools)
    return tuple(_library(key, part, tree, board, kernels, tools, progress) for part in parts)


def include_folders(tree: TflmTree, kernels: str, tools: Toolchain) -> list[Path]:
    """Include folders for all that is compiled against the tree."""
    folders = tree.include_folders(kernels)
    return [*schema_folders(tree, folders, tools), *folders]


def _library(
    key: str,
    part: str,
    tree: TflmTree,
    board: Board,
    kernels: str,
    tools: Toolchain,
    progress: Callable[[str], None],
) -> Path:
    path = cache_root() / "tflm" / key / f"lib{part}.a"
    if path.is_file():
        return path
    with locked(f"{part}-{key}"):
        if path.is_file():  # another process has made it while we waited
            return path
        progress(f"compiling {_CALLED[part]} for {board.core}, {kernels} kernels (once; up to a minute)")
        _compile(tree, board, kernels, part, tools, path)
    return path


def _compile(tree: TflmTree, board: Board, kernels: str, part: str, tools: Toolchain, path: Path) -> None:
    sources = (
        list(tree.signal_sources)
        if part == AUDIO
        else [p for p in tree.sources(kernels) if is_rare(p, tree.generation) == (part == RARE)]
    )
    nn = set(tree.vector_sources(kernels))
    includes = include_folders(tree, kernels, tools)
    cmake = data_root() / "firmware" / "cmake"
    with private_folder("tflm") as folder, writable(folder):
        maps = flags.prefix_maps([(folder, "."), *flags.tree_maps(tree, includes)])
        project = folder / "project.cmake"
        project.write_text(
            cmake_list("BL_NAME", part)
            + cmake_list("BL_SOURCES", sources)
            + cmake_list("BL_VECTOR_SOURCES", [p for p in sources if p in nn])
            + cmake_list("BL_VECTOR_FLAGS", flags.core_flags(board))
            + cmake_list("BL_INCLUDES", includes)
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
        path.parent.mkdir(parents=True, exist_ok=True)
        (out / path.name).replace(path)


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
