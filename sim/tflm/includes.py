"""Where a TFLM tree keeps the libraries it needs.

A tree made by upstream's `create_tflm_tree.py` has them in `third_party/`, a git checkout (and the default
crate) in `tensorflow/lite/micro/tools/make/downloads/`; trees arranged by hand have them anywhere near.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOWNLOADS = "tensorflow/lite/micro/tools/make/downloads"


@dataclass(frozen=True)
class Library:
    """One library: a header that proves it is there, seen from its include folder, and the folders to try."""

    name: str
    header: str
    subfolders: tuple[str, ...]


# Subfolders are tried below each root, so that `<root>/flatbuffers/include` and `<root>/include` both work.
LIBRARIES = {
    "flatbuffers": Library(
        "flatbuffers", "flatbuffers/flatbuffers.h", ("flatbuffers/include", "include", "flatbuffers", "")
    ),
    "gemmlowp": Library("gemmlowp", "fixedpoint/fixedpoint.h", ("gemmlowp", "")),
    "ruy": Library("ruy", "ruy/profiler/instrumentation.h", ("ruy", "")),
    "cmsis_nn": Library(
        "cmsis_nn", "Include/arm_nnfunctions.h", ("cmsis_nn", "CMSIS-NN", "cmsis-nn", "cmsis/CMSIS/NN", "")
    ),
    "cmsis": Library("cmsis", "CMSIS/Core/Include/cmsis_compiler.h", ("cmsis", "CMSIS_5", "CMSIS_6", "")),
    "kissfft": Library("kissfft", "kiss_fft.h", ("kissfft", "")),
}


def roots(tree: Path) -> Iterator[Path]:
    """Folders in which third-party libraries are looked for, most usual first."""
    yield tree / "third_party"
    yield tree / DOWNLOADS
    yield tree / "third_party_downloads"
    yield tree / "external"
    yield tree
    yield tree.parent / "third_party"
    yield tree.parent


def find(tree: Path, name: str) -> Path | None:
    """Include folder of library `name` for the tree, or None."""
    library = LIBRARIES[name]
    for root in roots(tree):
        if not root.is_dir():
            continue
        for sub in library.subfolders:
            folder = root / sub if sub else root
            if (folder / library.header).is_file():
                return folder
    return None


def searched(tree: Path, name: str) -> str:
    """The folders that were looked at, as text for an error message."""
    library = LIBRARIES[name]
    places = [str(r / library.subfolders[0] / library.header) for r in roots(tree) if r.is_dir()]
    return "; ".join(places)
