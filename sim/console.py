"""The UART as a log: every byte, and the board time of every line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sim.durations import shown


@dataclass(frozen=True)
class Line:
    """One line of the log, without its end. `time_ps`: board time of its first byte."""

    time_ps: int
    text: str
    complete: bool = True

    def __str__(self) -> str:
        return f"[{shown(self.time_ps)}] {self.text}"


class ConsoleLog:
    """What came out of the UART. Nothing is ever taken out: searching moves a mark, the bytes stay."""

    def __init__(self) -> None:
        self.raw = bytearray()
        self._line_starts: list[tuple[int, int]] = []  # (offset, board time) of each line
        # What `find` looks at: text that only ever grows, so what is held back is a character or line end half sent.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._settled = ""
        self._return_held = False
        self._searched = 0  # offset in it behind the last match of `find`

    def add(self, data: bytes, times_ps: Sequence[int]) -> None:
        """Append bytes; `times_ps` has one board time a byte, the last one stands for bytes beyond it."""
        for i, byte in enumerate(data):
            at = len(self.raw)
            if at == 0 or self.raw[-1] == 0x0A:
                self._line_starts.append((at, times_ps[min(i, len(times_ps) - 1)]))
            self.raw.append(byte)
        piece = "\r" * self._return_held + self._decoder.decode(data)
        self._return_held = piece.endswith("\r")
        self._settled += piece.removesuffix("\r").replace("\r\n", "\n")

    @property
    def text(self) -> str:
        """All of it; bytes that are not UTF-8 are shown as replacement characters."""
        return self.raw.decode("utf-8", "replace").replace("\r\n", "\n")

    @property
    def lines(self) -> list[Line]:
        """The lines so far; the last one may be incomplete."""
        out = []
        ends = [*(at for at, _ in self._line_starts), len(self.raw)][1:]
        for (start, time_ps), end in zip(self._line_starts, ends, strict=True):
            piece = bytes(self.raw[start:end])
            out.append(Line(time_ps, piece.rstrip(b"\r\n").decode("utf-8", "replace"), piece.endswith(b"\n")))
        return out

    def find(self, what: str | re.Pattern[str]) -> re.Match[str] | None:
        """The first match behind the last one found; text is taken literally, a compiled pattern as a regex.

        Both see the text with `\\n` as the end of a line, whether the firmware sends `\\n` or `\\r\\n`.
        """
        pattern = re.compile(re.escape(what)) if isinstance(what, str) else what
        found = pattern.search(self._settled, self._searched)
        if found:
            self._searched = found.end() + (found.end() == found.start())
        return found

    @property
    def last_line(self) -> str:
        """The last line that has any text."""
        return self.raw[-4096:].rstrip().rpartition(b"\n")[2].decode("utf-8", "replace").strip()

    def tail(self, count: int = 8) -> list[Line]:
        """The last lines."""
        return self.lines[-count:]
