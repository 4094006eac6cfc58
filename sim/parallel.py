"""How many boards run at once on this machine, as far as we know."""

from __future__ import annotations

import os

JOBS = "BOARDLESS_JOBS"  # processes of the evaluation that this one is of; set for them, not by users


def at_once() -> int:
    """Processes that play boards beside each other: of an evaluation, or of pytest-xdist."""
    told = (os.environ.get(JOBS, ""), os.environ.get("PYTEST_XDIST_WORKER_COUNT", ""))
    return max((int(t) for t in told if t.isdecimal()), default=1)


def cores() -> int:
    """Cores that we may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS
