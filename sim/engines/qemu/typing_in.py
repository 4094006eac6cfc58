"""Bytes for the firmware at the UART of a product's machine: each at its time, the core standing still meanwhile."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import termios
from collections import deque

from sim.engines.qemu.monitor import Monitor
from sim.errors import UsageError

_LOOKS = 20  # at whether QEMU has taken the byte; where it has not, the firmware has not read the one before

_MOST_UNREAD = 2048  # bytes; a full pipe would be waited for


class TypingIn:
    """What is still to be sent, and the pipe that it goes through."""

    def __init__(self, pipe: int, monitor: Monitor) -> None:
        self._pipe, self._monitor = pipe, monitor
        self._waiting: deque[tuple[int, int]] = deque()  # (count of the session's clock, byte)
        self._free = 0  # when the line is free again

    def add(self, data: bytes, now: int, apart: int) -> None:
        """The first byte now or when the line is free, each one `apart` behind the one before."""
        for byte in data:
            due = max(now, self._free)
            self._waiting.append((due, byte))
            self._free = due + apart

    def next_due(self) -> int | None:
        """When the next byte is to be sent; None: there is none."""
        return self._waiting[0][0] if self._waiting else None

    def following(self) -> int | None:
        """When the one behind the next is to be sent."""
        return self._waiting[1][0] if len(self._waiting) > 1 else None

    def give_one(self) -> None:
        """The next one, due or not. Raises UsageError where too many wait."""
        byte = self._waiting.popleft()[1]
        if self._unread() >= _MOST_UNREAD:
            raise UsageError(
                f"console.send: the firmware reads nothing, {_MOST_UNREAD} bytes wait at its UART",
                hint="console.prompt waits until it asks for some",
            )
        with contextlib.suppress(OSError):  # QEMU is gone: the next wait says why
            os.write(self._pipe, bytes([byte]))
        for _ in range(_LOOKS):
            left = self._unread()
            # Its answer comes from the thread that hands the byte to the UART, behind that.
            self._monitor.is_shut_down()
            if left != 1:  # none, or there is one in front that is not being read
                return

    def _unread(self) -> int:
        left = array.array("i", [0])
        fcntl.ioctl(self._pipe, termios.FIONREAD, left)
        return left[0]
