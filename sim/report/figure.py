"""Figure: a number that carries what it is; unlike ones are never compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.errors import UsageError
from sim.report.names import HOW, KINDS
from sim.report.quantity import shown, whole


@dataclass(frozen=True)
class Provenance:
    """What a record's figures are of. `seed`: of what was random in the test, if anything was."""

    board: str
    engine: str  # name: "qemu"
    engine_version: str
    machine: str  # what plays the board: "mps2-an386"
    firmware_sha256: str
    seed: int | None = None

    @property
    def engine_text(self) -> str:
        """As people read it."""
        return f"{self.engine} {self.engine_version} ({self.machine})" if self.engine else "no engine"


@dataclass(frozen=True)
class Figure:
    """One figure. `value` is in `unit` (a base unit of `sim.report.quantity`).

    `how`: counted, modelled (counted, and put into a model), scaled, measured (on hardware) or estimated. `source`:
    what it is from, with version. `basis`: what has to be equal in another figure for the two to be compared.
    """

    name: str
    value: float
    unit: str
    how: str
    source: str
    basis: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, float] = field(default_factory=dict)  # of several runs: runs, min, median

    def __post_init__(self) -> None:
        if self.how not in HOW:
            raise UsageError(f"figure {self.name!r}: how = {self.how!r}", hint=f"one of: {', '.join(HOW)}")

    @property
    def higher_is_better(self) -> bool:
        """Whether more of it is better (accuracy)."""
        return self.name in KINDS and KINDS[self.name].higher_is_better

    @property
    def title(self) -> str:
        """For people."""
        return KINDS[self.name].title if self.name in KINDS else self.name.replace("_", " ")

    def __str__(self) -> str:
        return f"{shown(self.value, self.unit)} ({self.how})"

    def as_json(self) -> dict[str, Any]:
        """As in schemas/results.json."""
        return {
            "value": whole(self.value, self.unit),
            "unit": self.unit,
            "how": self.how,
            "source": self.source,
            "basis": dict(self.basis),
            **({"detail": {k: whole(v, self.unit) for k, v in self.detail.items()}} if self.detail else {}),
        }

    @staticmethod
    def from_json(name: str, data: Mapping[str, Any]) -> Figure:
        """The figure that `as_json` gave."""
        return Figure(
            name=name,
            value=data["value"],
            unit=data["unit"],
            how=data["how"],
            source=data["source"],
            basis=data["basis"],
            detail=data.get("detail", {}),
        )
