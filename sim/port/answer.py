"""What goes back to the firmware for a request, and what it may not ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sim.port.mailbox import OK

Results = tuple[int, int, int, int]
_NO_RESULTS: Results = (0, 0, 0, 0)


class PortMisuse(Exception):
    """The firmware used the port wrongly; the text says how. A failure of the firmware."""


class Memory(Protocol):
    """Memory as the firmware sees it."""

    def readable(self, address: int, length: int) -> bytes:
        """Bytes in RAM or flash. Raises IndexError."""

    def check_ram(self, address: int, length: int) -> None:
        """Raises IndexError unless all of it is the board's RAM."""

    def write_ram(self, address: int, data: bytes) -> None:
        """Write to the board's RAM. Raises IndexError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `ready_ps`: the board time at which the firmware gets it, if later than now."""

    status: int = OK
    results: Results = _NO_RESULTS
    ready_ps: int = 0
    blocked: bool = False  # cannot be answered yet: the test has to provide something first
