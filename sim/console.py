"""The UART as a log: every byte, and the board time of every line."""

from __future__ import annotations

import codecs
import re
from array import array
from collections.abc import Callable, Sequence
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
        self._starts = array("Q")  # offset of each line
        self._times = array("Q")  # its board time in ps
        # What `find` looks at: text that only ever grows, so what is held back is a character or line end half sent.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._settled = ""
        self._return_held = False
        self._missed = ("", 0)  # a text, and how far there is none of it
        self._searched = 0  # offset in it behind the last match of `find`

    def add(self, data: bytes, marks: Sequence[int], time_of: Callable[[int], int] = int) -> None:
        """Append bytes; `marks` has one for each byte, the last one stands for bytes beyond it.

        `time_of` makes a board time in ps of a mark; it is asked for the first byte of a line only.
        """
        base = len(self.raw)
        at = 0 if base == 0 or self.raw[-1] == 0x0A else data.find(b"\n") + 1 or len(data)
        while at < len(data):
            self._starts.append(base + at)
            self._times.append(time_of(marks[min(at, len(marks) - 1)]))
            at = data.find(b"\n", at) + 1 or len(data)
        self.raw += data
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
        return self.tail(len(self._starts))

    @property
    def line_count(self) -> int:
        return len(self._starts)

    def find(self, what: str | re.Pattern[str]) -> re.Match[str] | None:
        """The first match behind the last one found; text is taken literally, a compiled pattern as a regex.

        Both see the text with `\\n` as the end of a line, whether the firmware sends `\\n` or `\\r\\n`.
        """
        pattern = re.compile(re.escape(what)) if isinstance(what, str) else what
        # A text that is awaited for long is not looked for again where it was not.
        begin = self._searched
        if isinstance(what, str) and self._missed[0] == what:
            begin = max(begin, self._missed[1] - len(what) + 1)
        found = pattern.search(self._settled, begin)
        self._missed = ("", 0) if found or not isinstance(what, str) else (what, len(self._settled))
        if found:
            self._searched = found.end() + (found.end() == found.start())
        return found

    def prompted(self, prompt: str) -> bool:
        """Whether the last line ends with that text, behind the last match, and is not over. Then it is one."""
        line = self._settled[self._settled.rfind("\n") + 1 :]
        if not line.endswith(prompt) or len(self._settled) - len(prompt) < self._searched:
            return False
        self._searched = len(self._settled)
        return True

    @property
    def last_line(self) -> str:
        """The last line that has any text."""
        return self.raw[-4096:].rstrip().rpartition(b"\n")[2].decode("utf-8", "replace").strip()

    def tail(self, count: int = 8) -> list[Line]:
        """The last lines."""
        out = []
        for i in range(max(0, len(self._starts) - count), len(self._starts)):
            end = self._starts[i + 1] if i + 1 < len(self._starts) else len(self.raw)
            piece = bytes(self.raw[self._starts[i] : end])
            text = piece.rstrip(b"\r\n").decode("utf-8", "replace")
            out.append(Line(self._times[i], text, piece.endswith(b"\n")))
        return out
