"""The UART as a test holds it."""

from __future__ import annotations

import re

from sim.console import Line
from sim.durations import PS
from sim.errors import UsageError
from sim.given import whole
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

        if not isinstance(what.pattern if isinstance(what, re.Pattern) else what, str):
            raise UsageError(f"expect({what!r}): a text or a compiled pattern of text goes there")
        shown_as = repr(what) if isinstance(what, str) else f"pattern {what.pattern!r}"
        self._runner.run_until(seen, within, f"{shown_as} on the console", CLOSE_SLICE)
        assert found is not None
        return found

    def prompt(self, prompt: str = "> ", within: float | str = 1.0) -> None:
        """Run until the firmware waits behind a prompt: its last line ends with it and is not over.

        As with `expect`, behind the last match. Raises NotSeen after `within`, UsageError for what is no prompt.
        """
        if not isinstance(prompt, str) or not prompt or "\n" in prompt:
            raise UsageError(f"a prompt {prompt!r}", hint="what stands before the cursor: no end of line in it")
        seen = False

        def there() -> bool:
            nonlocal seen
            seen = seen or self.log.prompted(prompt)
            return seen

        self._runner.run_until(there, within, f"the prompt {prompt!r} on the console", CLOSE_SLICE)

    def send(self, what: str | bytes, baud: int = 115200) -> None:
        """Send to the firmware's UART, from now on in board time, ten bits a byte; the firmware gets it while it runs.

        A text is sent as UTF-8, without an end of line of its own. On an engine whose time stands still while the core
        sleeps (QEMU), a core that sleeps has the next byte at once. Raises UsageError where no UART takes input.
        """
        baud = whole(baud, f"baud={baud!r}, bits a second", 50, 10_000_000)
        if not isinstance(what, str | bytes | bytearray):
            raise UsageError(f"send({what!r}): a text or bytes go there")
        data = what.encode("utf-8") if isinstance(what, str) else bytes(what)
        self._runner.send(data, 10 * PS // baud)

    def __str__(self) -> str:
        return "\n".join(map(str, self.log.lines))
