"""The QEMU process seen from outside: its limits, and whether it waits."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

CONSOLE_MAX = 64 << 20  # bytes: a process that writes more to a file is killed by the kernel
_ADDRESS_SPACE = 8 << 30  # bytes of address space (QEMU needs under 3 GB, for a 2 GB DDR twin)


def limit_process(pid: int) -> None:
    """Limits that the kernel keeps, where it can set them for another process (Linux)."""
    try:
        import resource
    except ImportError:
        return
    if not hasattr(resource, "prlimit"):
        return
    with contextlib.suppress(OSError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (CONSOLE_MAX, CONSOLE_MAX))
        resource.prlimit(pid, resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def cpu_seconds(pid: int) -> float | None:
    """CPU time that the process has used, all threads; None where that cannot be known (no Linux)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def asleep(pid: int) -> bool:
    """Whether every thread of the process waits for something; False where that cannot be known (no Linux)."""
    states = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            # "pid (name) state ...": the name may hold anything, so count from its end.
            states.append(
                task.joinpath("stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
            )
    except (OSError, IndexError):
        return False
    return bool(states) and all(state == "S" for state in states)
