"""What a test gives to a call: looked at before anything runs, so that a wrong type is an error as any other."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

from sim.errors import UsageError


def whole(given: Any, what: str, least: int, most: int | None = None) -> int:
    """A whole number in that range, of Python or numpy. Raises UsageError; `what`: the call as it is written."""
    try:
        number = None if isinstance(given, bool) else operator.index(given)
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        to = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise UsageError(f"{what}: a whole number {to} goes there")
    return number


def place(given: Any, what: str) -> str | int:
    """A symbol or an address. Raises UsageError."""
    if isinstance(given, str):
        return given
    try:
        return whole(given, what, 0, 0xFFFFFFFF)
    except UsageError:
        raise UsageError(f"{what}: a name or an address of 32 bits goes there") from None


def name(given: Any, what: str) -> str:
    """A text. Raises UsageError."""
    if not isinstance(given, str):
        raise UsageError(f"{what}: a name goes there")
    return given


def file(given: Any, what: str) -> Path:
    """A path, as text or pathlib has it. Raises UsageError."""
    if not isinstance(given, str | Path):
        raise UsageError(f"{what}: the path of a file goes there")
    return Path(given)
