"""Why a QEMU process ended, in words, from what it left behind."""

from __future__ import annotations

import re
import signal

_REGISTER = re.compile(r"\b(R\d\d|XPSR)=([0-9a-f]{8})")
_NAMES = {"R13": "sp", "R14": "lr", "R15": "pc", "XPSR": "xpsr"}


def registers_in(text: str) -> dict[str, int]:
    """r0..r12, sp, lr, pc, xpsr as QEMU prints them; empty where it printed none."""
    return {
        _NAMES.get(name, f"r{int(name[1:])}" if name[0] == "R" else name): int(value, 16)
        for name, value in _REGISTER.findall(text)
    }


def last_registers(errors: str) -> dict[str, int]:
    """The registers that QEMU printed as it died of a lock-up."""
    return registers_in(errors[errors.find("Lockup:") :]) if "Lockup:" in errors else {}


def why_ended(code: int, errors: str) -> str:
    """One sentence. `code` is Popen's return code, `errors` the tail of stderr."""
    lockup = re.search(r"Lockup: (.*)", errors)
    if lockup:
        return f"lock-up: {lockup[1].strip()}: a fault inside the HardFault handler, or no handler to go to"
    if code == -signal.SIGXFSZ:
        return "the firmware flooded the UART: more than the console file may hold"
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    tail = [line for line in errors.strip().splitlines() if line.strip() and "warning: nic" not in line][-4:]
    return f"QEMU ended with {how}" + (": " + " / ".join(tail) if tail else "")
