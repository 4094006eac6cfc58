"""The UART as a test holds it."""

from __future__ import annotations

import re

from sim.console import Line
from sim.machine.runner import CLOSE_SLICE, Runner


class Console:
    """The UART: the log, and waiting for something in it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.log = runner.log

    @property
    def text(self) -> str:
        return self.log.text

    @property
    def raw(self) -> bytes:
        return bytes(self.log.raw)

    @property
    def lines(self) -> list[Line]:
        """All lines so far with the board time of each; the last one may be incomplete."""
        return self.log.lines

    def expect(self, what: str | re.Pattern[str], within: float | str = 1.0) -> re.Match[str]:
        """Run until the text (or compiled pattern) appears behind the last match; raises NotSeen after `within`.

        The machine stops within 100 000 instructions behind it.
        """
        found: re.Match[str] | None = None

        def seen() -> bool:
            nonlocal found
            found = found or self.log.find(what)
            return found is not None

        shown_as = repr(what) if isinstance(what, str) else f"pattern {what.pattern!r}"
        self._runner.run_until(seen, within, f"{shown_as} on the console", CLOSE_SLICE)
        assert found is not None
        return found

    def __str__(self) -> str:
        return "\n".join(map(str, self.log.lines))
