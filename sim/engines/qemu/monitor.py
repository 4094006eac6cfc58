"""QEMU's monitor (QMP over a private socket): registers and system words, asked only when something is wrong."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

_TIMEOUT = 5.0  # s of host time for one answer
_REGISTER = re.compile(r"\b(R\d\d|XPSR)=([0-9a-f]{8})")
_NAMES = {"R13": "sp", "R14": "lr", "R15": "pc", "XPSR": "xpsr"}


class Monitor:
    """The control channel of one QEMU process. Every method survives QEMU's death."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._socket.settimeout(_TIMEOUT)
        self._buffer = b""
        self._events: list[dict[str, Any]] = []
        self._ask("qmp_capabilities")

    def _ask(self, command: str, **arguments: Any) -> Any:
        """The command's `return`; None when QEMU is gone or refuses."""
        try:
            self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
            while True:
                message = self._next()
                if message is None or "error" in message:
                    return None
                if "return" in message:
                    return message["return"]
        except OSError:
            return None

    def _next(self) -> dict[str, Any] | None:
        while b"\n" not in self._buffer:
            piece = self._socket.recv(65536)
            if not piece:
                return None
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        if "event" in message:
            self._events.append(message)
        return message

    def _human(self, line: str) -> str:
        return str(self._ask("human-monitor-command", **{"command-line": line}) or "")

    def registers(self) -> dict[str, int]:
        """r0..r12, sp, lr, pc, xpsr; empty when QEMU is gone. `pc` may lag behind a chained block."""
        found = _REGISTER.findall(self._human("info registers"))
        return {
            _NAMES.get(name, f"r{int(name[1:])}" if name[0] == "R" else name): int(value, 16) for name, value in found
        }

    def word(self, address: int) -> int | None:
        """One aligned word as the core would read it."""
        found = re.search(r":\s*0x([0-9a-f]{8})", self._human(f"x /1xw {address:#x}"))
        return int(found[1], 16) if found else None

    def leftovers(self) -> list[dict[str, Any]]:
        """Events that QEMU sent before it ended, oldest first."""
        try:
            while self._next() is not None:
                pass
        except (OSError, ValueError):
            pass
        return self._events
