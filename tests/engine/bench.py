"""A project with a small firmware in it, for tests of the plugin and the commands; compiled once a session."""

from __future__ import annotations

import shutil
import sys
import time
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from bare import compiled

# Loaded before pytester notes what is loaded: numpy cannot be loaded twice, and the rest need not be.
import sim.firmware
import sim.machine
import sim.model
import sim.sensors.recording
import sim.target  # noqa: F401

FAULT, SAY, EXIT, SPIN, FLOOD, LATER, HALF_LINE = range(1, 8)  # for the firmware's variable `command`


@lru_cache(maxsize=8)
def _built(start: int) -> bytes:
    folder = Path(mkdtemp(prefix="boardless-bench-"))
    try:
        return compiled(folder, "cortex-m4", ["bench.c"], name="bench", flags=[f"-DSTART={start}"]).read_bytes()
    finally:
        shutil.rmtree(folder)


def bench_elf(folder: Path, start: int = 0, name: str = "bench.elf") -> Path:
    """The firmware bench.c as a file in `folder`, `command` being `start`; skips without compiler or QEMU."""
    path = folder / name
    path.write_bytes(_built(start))
    return path


def processes_with(text: str) -> list[str]:
    """Command lines of all processes (other than this one) in which `text` stands."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip(f"processes cannot be listed on {sys.platform}")
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue  # gone in the meantime
        if text in line and path.parent.name != "self":
            found.append(line)
    return found


def wait_for(what: object, condition: object, seconds: float = 30.0) -> None:
    """Until `condition()` is true; fails after `seconds` of host time."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come about in {seconds} s"
        time.sleep(0.02)
