"""The TFLite schema without what firmware never uses.

`schema_generated.h` has 25 000 lines, nearly every source of TFLM includes it, and two thirds of a source's time go
into it: into the bodies of flatbuffers' object API (UnPack, Pack), which needs a heap and which TFLM does not use.
A copy without those bodies goes first in the include path. Their declarations stay, so that a use would fail to link
and cannot go wrong silently; cut lines become empty ones, so that line numbers stay.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sim.firmware.toolchain import Toolchain
from sim.firmware.workshop import locked, private_folder, writable
from sim.paths import cache_root
from sim.tflm import TflmTree

_HEADERS = (
    "tensorflow/lite/schema/schema_generated.h",
    "tensorflow/compiler/mlir/lite/schema/schema_generated.h",
)
# Signatures of the object API's functions: X::UnPack, CreateX(..., const XT *_o, ...), XT::XT(const XT &o), unions.
_OBJECT_API = re.compile(r"::UnPack\(|::UnPackTo\(|::Pack\(|T \*_o[,)]|T::\w+T|T::operator=|Union::|const \w+T &o\b")


def without_object_api(text: str) -> str:
    """The header with the bodies of the object API's functions blanked out, as many lines as before."""
    lines = text.split("\n")
    out: list[str] = []
    i = 0
    while i < len(lines):
        end = i + 1
        if lines[i].startswith("inline ") and not lines[i].rstrip().endswith(";"):
            # flatc closes every function of the outermost level with a brace in the first column.
            while not lines[end - 1].endswith("}") or (lines[end - 1] != "}" and end - 1 > i):
                end += 1
                if end > len(lines):
                    return text
            if _OBJECT_API.search(" ".join(lines[i:end]).split("{", 1)[0]):
                out += [""] * (end - i)
                i = end
                continue
        out += lines[i:end]
        i = end
    return "\n".join(out)


def schema_folders(tree: TflmTree, includes: Sequence[Path], tools: Toolchain) -> list[Path]:
    """Include folder to put first; empty where the tree's own header must do (a flatc that writes otherwise)."""
    folder = cache_root() / "tflm" / "schema" / tree.digest[:24]
    if not (folder / "tried").is_file():
        with locked(f"schema-{tree.digest[:24]}"):
            if not (folder / "tried").is_file():
                _make(tree, includes, tools, folder)
    return [folder] if (folder / "tensorflow").is_dir() else []


def _make(tree: TflmTree, includes: Sequence[Path], tools: Toolchain, folder: Path) -> None:
    with private_folder("schema") as private, writable(private):
        kept = private / "kept"
        kept.mkdir()
        for name in _HEADERS:
            header = tree.path / name
            if header.is_file():
                copy = kept / name
                copy.parent.mkdir(parents=True)
                copy.write_text(without_object_api(header.read_text("utf-8")), encoding="utf-8")
        if not _compiles([kept, *includes], tools):
            kept = private / "none"
            kept.mkdir()
        (kept / "tried").touch()
        folder.parent.mkdir(parents=True, exist_ok=True)
        kept.rename(folder)


def _compiles(includes: Sequence[Path], tools: Toolchain) -> bool:
    done = subprocess.run(
        [
            f"{tools.prefix}g++",
            *(["-mcpu=cortex-m3", "-mthumb", "-std=gnu++17", "-fsyntax-only", "-w", "-fno-exceptions", "-fno-rtti"]),
            "-DTF_LITE_STATIC_MEMORY",
            *(f"-I{folder}" for folder in includes),
            "-x",
            "c++",
            "-",
        ],
        input='#include "tensorflow/lite/micro/micro_interpreter.h"\n',
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0
