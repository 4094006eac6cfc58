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
    """Whether every thread of the process waits for something; False where that cannot be known (no Linux).

    A thread may wake another between two looks at them, and sleep itself at its own: all sleep at once only if none
    has run while all were looked at twice.
    """
    seen = _threads(pid)
    return bool(seen) and all(state == "S" for state, *_ in seen) and seen == _threads(pid)


def _threads(pid: int) -> list[tuple[str, ...]]:
    """Of each thread: its state, its id, and how often it has left the processor; empty where that cannot be known."""
    seen: list[tuple[str, ...]] = []
    try:
        for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
            lines = task.joinpath("status").read_text(encoding="ascii", errors="replace").splitlines()
            found = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            seen.append(
                (found["State"][0], task.name, found["voluntary_ctxt_switches"], found["nonvoluntary_ctxt_switches"])
            )
    except (OSError, KeyError):
        return []
    return seen
