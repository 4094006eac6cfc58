"""A bar for people who wait: one line on standard error, only where that is a terminal."""

from __future__ import annotations

import sys
import time

_WIDTH = 28
_EVERY = 0.1  # s between two looks of the line


class Bar:
    """`show` overwrites the line; `end` takes it away, so that results stand alone."""

    def __init__(self, title: str = "") -> None:
        self._title = f"{title}: " if title else ""
        self._tty = sys.stderr.isatty()
        self._began = time.monotonic()
        self._drawn = 0.0
        self._first: tuple[str, int] = ("", 0)
        self._length = 0

    def show(self, what: str, done: int, of: int) -> None:
        """`done` of `of`; what was done before the first call (of an earlier run) is not counted as speed."""
        if not self._tty or not of:
            return
        now = time.monotonic()
        if what != self._first[0]:
            self._first, self._began = (what, done), now
        elif now - self._drawn < _EVERY and done < of:
            return
        self._drawn = now
        full = done * _WIDTH // of
        text = f"{self._title}{what} [{'#' * full}{'.' * (_WIDTH - full)}] {done}/{of}{self._left(done, of, now)}"
        sys.stderr.write("\r" + text.ljust(self._length))
        sys.stderr.flush()
        self._length = len(text)

    def _left(self, done: int, of: int, now: float) -> str:
        been = done - self._first[1]
        if been <= 0 or now - self._began < 1:
            return ""
        seconds = (now - self._began) / been * (of - done)
        return f", {seconds:.0f} s left" if seconds < 100 else f", {seconds / 60:.0f} min left"

    def end(self) -> None:
        """Take the line away."""
        if self._length:
            sys.stderr.write("\r" + " " * self._length + "\r")
            sys.stderr.flush()
            self._length = 0
