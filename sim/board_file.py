"""Reading a `board.toml` strictly: each wrong value is said with file, key and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import UsageError, near


@dataclass(frozen=True)
class Figure:
    """What a number may be: low..high, a multiple of `step`."""

    unit: str
    low: int
    high: int
    step: int = 1
    hexadecimal: bool = False

    def shown(self, value: int) -> str:
        """The value as it is written in a file."""
        return f"{value:#x}" if self.hexadecimal else f"{value:_}"

    def allowed(self) -> str:
        """In words, for an error."""
        multiple = f", a multiple of {self.step}" if self.step > 1 else ""
        return f"allowed: {self.shown(self.low)} to {self.shown(self.high)} {self.unit}{multiple}"


# From the slowest clock any product runs TinyML at to the fastest Cortex-M; addresses end where the Arm memory
# map has devices. A size outside is a slip of units (KB for bytes, MHz for Hz), which is what this is for.
FIGURES: Mapping[str, Figure] = {
    "clock.hz": Figure("Hz", 1_000_000, 1_200_000_000),
    "flash.origin": Figure("(address)", 0, 0xA000_0000, 256, hexadecimal=True),
    "flash.size": Figure("bytes", 16 * 1024, 256 * 1024 * 1024, 1024),
    "ram.origin": Figure("(address)", 0, 0xA000_0000, 256, hexadecimal=True),
    "ram.size": Figure("bytes", 4 * 1024, 256 * 1024 * 1024, 256),
}
PERIPHERAL = Figure("(address)", 0x4000_0000, 0x5FFF_F000, 4, hexadecimal=True)


class Table:
    """One table of a file; every reader raises UsageError, naming file and key."""

    def __init__(self, file: Path, values: Mapping[str, Any], prefix: str = "") -> None:
        self._file = file
        self._values = values
        self._prefix = prefix

    def __iter__(self) -> Iterator[str]:
        """The keys there are, as written."""
        return iter(self._values)

    def error(self, key: str, what: str, hint: str = "") -> UsageError:
        """An error at that key."""
        return UsageError(f"{self._file}: {self._prefix}{key}: {what}", hint=hint)

    def no_more_than(self, known: Iterable[str]) -> None:
        """Refuses a key that nothing reads: it is a slip, and its default would be taken without a word."""
        names = list(known)
        for key in self._values:
            if key not in names:
                raise self.error(key, "unknown key", near(key, names))

    def table(self, key: str, known: Iterable[str] | None, required: bool = True) -> Table:
        """The table at `key`, its own keys checked against `known` (None: any)."""
        if not required and key not in self._values:
            return Table(self._file, {}, f"{key}.")
        value = self._get(key)
        if not isinstance(value, dict):
            raise self.error(key, f"must be a table, not {_kind(value)}")
        inner = Table(self._file, value, f"{self._prefix}{key}.")
        if known is not None:
            inner.no_more_than(known)
        return inner

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self.error(key, f"must be a text, not {_kind(value)}")
        if not value.strip():
            raise self.error(key, "is empty")
        return value

    def one_of(self, key: str, known: Iterable[str], why: str = "") -> str:
        """One of a few texts."""
        names = list(known)
        value = self.text(key)
        if value not in names:
            allowed = ", ".join(repr(n) for n in names)
            raise self.error(key, f"{value!r} is none there is{why}", f"allowed{why}: {allowed}")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """true or false; `default` where the key is not there."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {_kind(value)}")
        return value

    def integer(self, key: str, figure: Figure | None = None) -> int:
        """A whole number in the range that `figure` allows, or FIGURES for that key."""
        figure = figure or FIGURES[f"{self._prefix}{key}"]
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(key, f"must be a whole number, not {_kind(value)}", figure.allowed())
        if not figure.low <= value <= figure.high or value % figure.step:
            raise self.error(key, f"{figure.shown(value)} cannot be", figure.allowed())
        return value

    def number(self, key: str, low: float, high: float, unit: str) -> float:
        """A number from `low` to `high`."""
        value = self._get(key)
        allowed = f"allowed: {low:g} to {high:g} {unit}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, f"must be a number, not {_kind(value)}", allowed)
        if not low <= value <= high:
            raise self.error(key, f"{value:g} {unit} cannot be", allowed)
        return float(value)

    def _get(self, key: str) -> Any:
        if key not in self._values:
            raise self.error(key, "is missing", "docs/boards.md shows a whole file")
        return self._values[key]


_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a point",
    str: "a text",
    dict: "a table",
    list: "a list",
}


def _kind(value: object) -> str:
    shown = _KINDS.get(type(value), type(value).__name__)
    return shown if isinstance(value, (dict, list)) else f"{shown} ({value!r})"
