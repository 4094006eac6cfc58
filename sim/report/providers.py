"""Figures from elsewhere: a profile gives operators, stack tracking a peak, without this package knowing of them.

A provider is a function `(machine, firmware) -> Extra`; `firmware` may be None. It is asked once, when the record of
a test is made, while the machine still stands. It gives what it has and nothing where it has nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.report.figure import Figure
from sim.report.record import Operator, Share

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine import Machine


@dataclass(frozen=True)
class Extra:
    """What a provider adds to a record. `contributors`: figure -> what it is made of."""

    figures: tuple[Figure, ...] = ()
    operators: tuple[Operator, ...] = ()
    contributors: Mapping[str, tuple[Share, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


Provider = Callable[["Machine", "Firmware | None"], Extra]
PROVIDERS: list[Provider] = []


def register(provider: Provider) -> Provider:
    """Ask this one too; can be used as a decorator. Twice is once."""
    if provider not in PROVIDERS:
        PROVIDERS.append(provider)
    return provider
