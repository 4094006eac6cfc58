"""Why a QEMU process ended, in words, from what it left behind."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from typing import Any

_RESETS = {
    "guest-reset": "the firmware asked for a reset (AIRCR.SYSRESETREQ)",
    "guest-shutdown": "the firmware shut the machine down",
    "guest-panic": "the firmware reported a panic",
}


def why_ended(code: int, errors: str, events: Sequence[dict[str, Any]]) -> str:
    """One sentence. `code` is Popen's return code, `errors` the tail of stderr, `events` those of QMP."""
    lockup = re.search(r"Lockup: (.*)", errors)
    if lockup:
        return f"lock-up: {lockup[1].strip()}: a fault inside the HardFault handler, or no handler to go to"
    for event in reversed(events):
        reason = event.get("data", {}).get("reason", "") if event.get("event") == "SHUTDOWN" else ""
        if reason in _RESETS:
            return _RESETS[reason]
    if code == -signal.SIGXFSZ:
        return "the firmware flooded the UART: more than the console file may hold"
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    tail = [line for line in errors.strip().splitlines() if line.strip()][-4:]
    return f"QEMU ended with {how}" + (": " + " / ".join(tail) if tail else "")
