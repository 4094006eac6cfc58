"""QEMU's monitor (QMP over a private socket): registers and system words, asked only when something is wrong."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

from sim.engines.qemu.ending import registers_in

_TIMEOUT = 5.0  # s of host time for one answer


class Monitor:
    """The control channel of one QEMU process. Every method survives QEMU's death."""

    def __init__(self, sock: socket.socket) -> None:
        """Opens the channel without waiting for it: from then on QEMU sends its events."""
        self.gone = False
        self._socket = sock
        self._socket.settimeout(_TIMEOUT)
        self._buffer = b""
        self._owed = 0  # answers that were not waited for
        self._reset = False
        self.shut_down = False  # somebody wants QEMU to end: a debugger
        self._send("qmp_capabilities")
        self._owed += 1

    def _send(self, command: str, **arguments: Any) -> None:
        try:
            self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        except OSError:
            self.gone = True

    def _ask(self, command: str, **arguments: Any) -> Any:
        """The command's `return`; None when QEMU is gone or refuses."""
        if not self.gone:
            self._send(command, **arguments)
        while not self.gone:
            message = self._next()
            if message is None or "error" in message:
                return None
            if "return" in message:
                return message["return"]
        return None

    def _next(self) -> dict[str, Any] | None:
        """The next message that is not an answer nobody waits for."""
        while True:
            try:
                while b"\n" not in self._buffer:
                    piece = self._socket.recv(65536)
                    if not piece:
                        self.gone = True
                        return None
                    self._buffer += piece
            except OSError:
                self.gone = True
                return None
            message = self._take_line()
            if self._owed and ("return" in message or "error" in message):
                self._owed -= 1
                continue
            return message

    def _take_line(self) -> dict[str, Any]:
        line, self._buffer = self._buffer.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        if message.get("event") == "SHUTDOWN":
            reset = message.get("data", {}).get("reason") == "guest-reset"
            self._reset = self._reset or reset
            self.shut_down = self.shut_down or not reset
        return message

    def reset_requested(self) -> bool:
        """Whether the firmware asked for a reset. Call it when there is something to read."""
        try:
            piece = self._socket.recv(65536)
        except OSError:
            piece = b""
        self.gone = self.gone or not piece
        self._buffer += piece
        while b"\n" in self._buffer:
            message = self._take_line()
            if self._owed and ("return" in message or "error" in message):
                self._owed -= 1
        return self._reset

    def _human(self, line: str) -> str:
        return str(self._ask("human-monitor-command", **{"command-line": line}) or "")

    def is_shut_down(self) -> bool:
        """Whether the machine stands still for good after a reset request."""
        status = self._ask("query-status")
        return isinstance(status, dict) and status.get("status") == "shutdown"

    def registers(self) -> dict[str, int]:
        """r0..r12, sp, lr, pc, xpsr; empty when QEMU is gone. `pc` may lag behind a chained block."""
        return registers_in(self._human("info registers"))

    def word(self, address: int) -> int | None:
        """One aligned word as the core would read it."""
        found = re.search(r":\s*0x([0-9a-f]{8})", self._human(f"x /1xw {address:#x}"))
        return int(found[1], 16) if found else None

    def floats(self) -> list[int]:
        """s0 to s31 as words; empty where the core has none."""
        found = re.findall(r"\bs\d\d=([0-9a-f]{8})", self._human("info registers"))
        return [int(word, 16) for word in found[:32]]

    def host_address(self, address: int) -> int | None:
        """Where in QEMU's memory the machine has that RAM."""
        found = re.search(r"is (0x[0-9a-f]+)", self._human(f"gpa2hva {address:#x}"))
        return int(found[1], 16) if found else None

    def translate_anew(self, other: bool) -> None:
        """From the next block that the core comes to from outside, code is translated anew; `False`: as at first.

        QEMU keeps translations of code that is not chained apart from others.
        """
        self._human("log nochain" if other else "log none")
