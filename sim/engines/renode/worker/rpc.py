"""Messages between boardless and the process that Renode runs in: a header in JSON, and raw bytes behind it.

Both sides use this file; the worker's interpreter may be another one, without boardless, so it needs nothing else.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTHS = struct.Struct("<II")  # of the header, of the bytes behind it
MOST = 1 << 28  # bytes of one message: more than any board's memory that is asked for


class Gone(Exception):
    """The other side has closed its end, or died."""


class Channel:
    """One end of a socket pair."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, header: dict[str, Any], data: bytes = b"") -> None:
        """Raises Gone."""
        text = json.dumps(header, separators=(",", ":")).encode()
        try:
            self._end.sendall(_LENGTHS.pack(len(text), len(data)) + text + data)
        except OSError as error:
            raise Gone(str(error)) from None

    def receive(self, timeout: float | None = None) -> tuple[dict[str, Any], bytes]:
        """The next message. Raises Gone; TimeoutError when nothing comes for `timeout` seconds."""
        self._end.settimeout(timeout)
        header, data = _LENGTHS.unpack(self._take(_LENGTHS.size))
        if header + data > MOST:
            raise Gone(f"a message of {header + data} bytes")
        return json.loads(self._take(header)), self._take(data)

    def _take(self, count: int) -> bytes:
        out = bytearray(count)
        view = memoryview(out)
        while view:
            try:
                got = self._end.recv_into(view)
            except TimeoutError:
                raise
            except OSError as error:
                raise Gone(str(error)) from None
            if not got:
                raise Gone("end of the connection")
            view = view[got:]
        return bytes(out)

    def close(self) -> None:
        self._end.close()
