"""Memory files shared with QEMU: they have no name, so nothing is left behind however a run ends."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path


def anonymous_file(name: str) -> int:
    """A file descriptor of an empty file in memory (Linux), else of an unlinked temporary file."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    fd, path = tempfile.mkstemp(prefix=name)
    Path(path).unlink()
    return fd


def shared_file(name: str, size: int) -> tuple[int, mmap.mmap]:
    """A file of `size` bytes, zero, mapped read-write. The caller closes both."""
    fd = anonymous_file(name)
    os.ftruncate(fd, size)
    return fd, mmap.mmap(fd, size)


def fd_path(fd: int) -> str:
    """A path by which a child that inherits the descriptor can open the file."""
    return f"/proc/self/fd/{fd}" if Path("/proc/self/fd").is_dir() else f"/dev/fd/{fd}"
