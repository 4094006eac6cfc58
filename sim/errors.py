"""The two ways in which a call can fail: the input was bad, or the firmware was."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BoardlessError(Exception):
    """Bad input or a missing tool: one clear text, exit code 2.

    `message` says what was wrong and where; `hint` says what to do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}\n  {hint}" if hint else message)
        self.message = message
        self.hint = hint


class UsageError(BoardlessError):
    """What the user gave cannot be used: a file, a name, a value, a shape."""


class CannotPlay(UsageError):
    """The engine cannot play this board: another one may. Tests are skipped on it."""


class SetupError(BoardlessError):
    """Something this machine should have is missing or of the wrong version."""


class BuildError(BoardlessError):
    """The firmware did not compile or link, or does not fit the board."""


class StimulusWarning(UserWarning):
    """What is played to a sensor does not fit it well: beyond its range, at another rate, a channel missing."""


class CallWarning(UserWarning):
    """A function that a test calls is replaced by one of Python: what came back says nothing of the image's own."""


class FirmwareFailure(Exception):
    """The firmware itself failed: fault, hang, wrong use of the port. Exit code 1, a failed test.

    `reason` is the first line, in words; `report` the evidence (see `sim.failure`).
    """

    def __init__(self, reason: str, report: str = "") -> None:
        super().__init__(f"{reason}\n{report}" if report else reason)
        self.reason = reason
        self.report = report


def near(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?`-style ending for an unknown name, with what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close) + "?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"there are: {shown}" if names else "there are none"
