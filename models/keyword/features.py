"""The microfrontend of the TFLM tree, compiled for this machine from the very file that the app compiles.

Sound int16 at 16 kHz -> frames int8 [n, 40] every 20 ms; windows of 49 frames are the model's input as they are; the
model sees input / 32 as a real number. The noise estimate adapts: sound must be taken as a stream, from its beginning.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tomllib
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CARD = tomllib.loads((Path(__file__).parent / "model.toml").read_text(encoding="utf-8"))
LABELS: list[str] = CARD["labels"]
RATE: float = CARD["rate_hz"]
HOP: int = CARD["hop"]
FRAMES: int = CARD["frames"]
STRIDE: int = CARD["stride"]
CHANNELS = 40
INPUT_SCALE = 1 / 32


class CompilerMissing(Exception):
    """There is no C++ compiler for this machine."""


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    from sim.paths import cache_root, data_root
    from sim.tflm import TflmTree

    tree = TflmTree.default()
    app = data_root() / "firmware" / "apps" / "keyword"
    sources = sorted(p for p in app.glob("*.c*") if p.name != "keyword.cc")
    state = hashlib.sha256(tree.digest.encode() + b"".join(p.read_bytes() for p in [*sources, app / "microfrontend.h"]))
    path = cache_root() / "host" / f"microfrontend-{state.hexdigest()[:16]}.so"
    if not path.is_file():
        compilers = shutil.which("gcc"), shutil.which("g++")
        if not all(compilers):
            raise CompilerMissing("the microfrontend is compiled for this machine: install gcc and g++")
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = ["-O2", "-ffp-contract=off", "-fPIC", "-w", "-DBOARDLESS_TFLM_2020"]
        flags += [f"-I{folder}" for folder in tree.include_folders("reference")]
        objects = []
        for source in sources:
            objects.append(path.with_name(f"{path.stem}-{os.getpid()}-{source.name}.o"))
            compiler = compilers[0] if source.suffix == ".c" else compilers[1]
            subprocess.run([str(compiler), *flags, "-c", str(source), "-o", str(objects[-1])], check=True)
        private = path.with_suffix(f".{os.getpid()}")
        subprocess.run([str(compilers[1]), "-shared", *map(str, objects), "-o", str(private), "-lm"], check=True)
        private.replace(path)
        for left in objects:
            left.unlink()
    library = ctypes.CDLL(str(path))
    if not library.frontend_start():
        raise MemoryError("the microfrontend does not start")
    return library


def frames(sound: NDArray[np.int16]) -> NDArray[np.int8]:
    """Samples [n] from the opening of the microphone -> frames [m, 40]; the first needs 480 samples, others 320."""
    library = _library()
    library.frontend_start()
    samples = np.ascontiguousarray(sound, dtype=np.int16)
    out = np.empty((len(samples) // HOP + 1, CHANNELS), np.int8)
    used = ctypes.c_size_t(0)
    at = found = 0
    base, to = samples.ctypes.data, out.ctypes.data
    while at < len(samples):
        found += library.frontend_take(
            ctypes.c_void_p(base + 2 * at),
            ctypes.c_size_t(len(samples) - at),
            ctypes.byref(used),
            ctypes.c_void_p(to + CHANNELS * found),
        )
        at += used.value
    return out[:found]


def windows(found: NDArray[np.int8], stride: int = STRIDE) -> NDArray[np.int8]:
    """Frames -> inputs [looks, FRAMES, 40], oldest first, as the app looks at them."""
    return np.stack([found[s : s + FRAMES] for s in range(0, len(found) - FRAMES + 1, stride)])


def heard(scores: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Real scores of each look [n, labels] -> (look, label) of each word that the app would report."""
    out: list[tuple[int, int]] = []
    deaf_until = 0
    for look in range(len(scores)):
        mean = scores[max(0, look + 1 - CARD["smoothing"]) : look + 1].astype(np.float32).mean(axis=0)
        best = int(mean.argmax())
        if best > 1 and look + 1 >= deaf_until and mean[best] >= np.float32(CARD["threshold"]):
            out.append((look, best))
            deaf_until = look + 1 + CARD["refractory"]
    return out
