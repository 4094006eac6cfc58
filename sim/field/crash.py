"""A crash dump: registers, fault registers and stack, as the recorder writes them or as a fault handler prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sim.field.wire import Dump, parse_all

_NAMES = "r0|r1|r2|r3|r4|r5|r6|r7|r8|r9|r10|r11|r12|sp|msp|psp|lr|pc|xpsr|psr|cfsr|hfsr|mmfar|bfar|exc_return"
_REGISTER = re.compile(rf"\b({_NAMES})\b\s*[:=]?\s*(?:0x)?([0-9a-fA-F]{{8}})\b", re.IGNORECASE)
_STACK = re.compile(r"^\W*(?:0x)?([0-9a-fA-F]{8})\s*:\s*((?:(?:0x)?[0-9a-fA-F]{8}[\s,]*)+)$", re.MULTILINE)
_BUILD = re.compile(r"build(?:[ _-]?id)?\s*[:=]?\s*([0-9a-fA-F]{8,40})\b", re.IGNORECASE)
_STACK_MAX = 1 << 20


@dataclass
class Crash:
    """What a dump says. `stack` is bytes by address."""

    registers: dict[str, int] = field(default_factory=dict)
    fault: dict[str, int] = field(default_factory=dict)
    stack: dict[int, int] = field(default_factory=dict)
    build_id: str = ""
    dump: Dump = field(default_factory=Dump)

    def read(self, address: int, length: int) -> bytes:
        """Bytes of the stack. Raises IndexError for one that is not in the dump."""
        try:
            return bytes(self.stack[a] for a in range(address, address + length))
        except KeyError:
            raise IndexError(f"{length} bytes at {address:#010x} are not in the dump") from None


def read_crash(text: str) -> Crash:
    """Registers and stack in a log; empty where there are none. Never fails."""
    dumps = parse_all(text)
    dump = next((d for d in reversed(dumps) if d.fault), dumps[-1])
    crash = Crash(dict(dump.registers), dict(dump.fault), {}, dump.build_id, dump)
    for address, data in dump.stack:
        _keep(crash, address, data)
    plain = re.sub(r"~BL [^\n]*", "", text)
    for match in _STACK.finditer(plain):
        words = re.findall(r"[0-9a-fA-F]{8}", match[2].replace("0x", " "))
        _keep(crash, int(match[1], 16), b"".join(int(w, 16).to_bytes(4, "little") for w in words))
    for name, value in _REGISTER.findall(plain):
        key = {"psr": "xpsr", "msp": "sp"}.get(name.lower(), name.lower())
        known = crash.fault if key in ("cfsr", "hfsr", "mmfar", "bfar") else crash.registers
        known.setdefault(key, int(value, 16))
    if not crash.build_id:
        said = _BUILD.search(plain)
        crash.build_id = said[1].lower() if said else ""
    return crash


def _keep(crash: Crash, address: int, data: bytes) -> None:
    if len(crash.stack) + len(data) <= _STACK_MAX:
        crash.stack.update((address + i, byte) for i, byte in enumerate(data))
