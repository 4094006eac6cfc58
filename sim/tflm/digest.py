"""One hash for the content of a TFLM tree, wherever it lies.

Hashing a tree reads some ten megabytes; the result is remembered under the newest state of the files (names,
sizes, times), so that a second call only lists the folders.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from sim.paths import cache_root
from sim.tflm.sources import HEADER_FOLDERS, SKIPPED

_SUFFIXES = (".h", ".cc", ".cpp", ".c", ".inc", ".hpp")
_PARTS = {  # of each library, the folders that a build can read
    "flatbuffers": ("flatbuffers",),
    "gemmlowp": ("fixedpoint", "internal"),
    "ruy": ("ruy/profiler",),
    "cmsis_nn": ("Include", "Source"),
    "cmsis": ("CMSIS/Core/Include",),
}

Entry = tuple[str, str, int, int]  # logical name, path, size, mtime in ns


def content_digest(tree: Path, libraries: Mapping[str, Path]) -> str:
    """SHA-256 (hex) over logical names and contents of all sources and headers that a build can read."""
    entries = sorted(_entries(tree, libraries))
    state = hashlib.sha256()
    for name, path, size, mtime in entries:
        state.update(f"{name}\0{path}\0{size}\0{mtime}\n".encode())
    note = cache_root() / "tflm" / "digests" / f"{state.hexdigest()[:32]}.json"
    try:
        return str(json.loads(note.read_text(encoding="utf-8"))["digest"])
    except (OSError, ValueError, KeyError):
        pass
    whole = hashlib.sha256()
    for name, path, _, _ in entries:
        whole.update(name.encode() + b"\0")
        whole.update(hashlib.sha256(Path(path).read_bytes()).digest())
    digest = whole.hexdigest()
    remember(note, {"digest": digest, "tree": str(tree)})
    return digest


def remember(note: Path, value: Mapping[str, object]) -> None:
    """Write a small JSON file at once; a cache that cannot be written only costs time."""
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        private = note.with_name(f"{note.name}.{os.getpid()}")
        private.write_text(json.dumps(value), encoding="utf-8")
        private.replace(note)
    except OSError:
        pass


def _entries(tree: Path, libraries: Mapping[str, Path]) -> Iterator[Entry]:
    for folder in HEADER_FOLDERS:
        yield from _walk(str(tree / folder), folder)
    if "kissfft" in libraries and (tree / "signal").is_dir():
        yield from _walk(str(libraries["kissfft"]), "kissfft")
    for name, parts in _PARTS.items():
        if name in libraries:
            for part in parts:
                yield from _walk(str(libraries[name] / part), f"{name}:{part}")


def _walk(folder: str, logical: str) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir():
            if entry.name not in SKIPPED:
                yield from _walk(entry.path, f"{logical}/{entry.name}")
        elif entry.name.endswith(_SUFFIXES) and not entry.name.endswith(("_test.cc", "_test.c")):
            stat = entry.stat()
            yield f"{logical}/{entry.name}", entry.path, stat.st_size, stat.st_mtime_ns
