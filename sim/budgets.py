"""Budgets: upper bounds (for accuracy and battery life: lower ones) that a run must keep.

Declared in `[budgets]` of boardless.toml, for all tests, one app, one board or both, and by the marker
`@pytest.mark.budget(cycles=3_000_000, flash="256 KiB")`. What is nearest to the test wins, figure by figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import FirmwareFailure, UsageError, near
from sim.report.names import KINDS, kind
from sim.report.quantity import parse, shown

if TYPE_CHECKING:
    from sim.report.record import BudgetResult, Record

SHOWN = 3  # contributors in a failure
MARKER = "marker"  # origin of budgets of one test


class BudgetMissed(FirmwareFailure, AssertionError):
    """A figure is over its budget."""


@dataclass(frozen=True)
class Budget:
    """One bound. `limit` in the figure's base unit; `origin`: where it is declared."""

    name: str
    limit: float
    origin: str

    @property
    def at_least(self) -> bool:
        """Whether it is a lower bound."""
        return KINDS[self.name].higher_is_better

    def met_by(self, value: float) -> bool:
        """Whether a figure keeps it; the bound itself is allowed."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True)
class BudgetTable:
    """What one `[budgets]` table says, with those inside it for one app or board."""

    budgets: Mapping[str, Budget] = field(default_factory=dict)
    apps: Mapping[str, BudgetTable] = field(default_factory=dict)
    boards: Mapping[str, BudgetTable] = field(default_factory=dict)

    def applying(self, app: str, board: str) -> dict[str, Budget]:
        """The budgets of a test with that app on that board: those of the app over general ones, then the board's,
        then those of that app on that board."""
        out = dict(self.budgets)
        for inner in (self.apps.get(app), self.boards.get(board)):
            if inner is not None:
                out.update(inner.budgets)
        for outer, name, attribute in ((self.boards.get(board), app, "apps"), (self.apps.get(app), board, "boards")):
            inner = getattr(outer, attribute).get(name) if outer is not None else None
            if inner is not None:
                out.update(inner.budgets)
        return out

    @property
    def board_names(self) -> set[str]:
        """All boards that it names."""
        return {*self.boards, *(b for inner in self.apps.values() for b in inner.boards)}


def read_budgets(table: Mapping[str, Any], path: Path | str, where: str = "budgets", inside: str = "") -> BudgetTable:
    """A `[budgets]` table. Raises UsageError for an unknown name or unit, naming file and key."""
    budgets: dict[str, Budget] = {}
    inner: dict[str, dict[str, BudgetTable]] = {"app": {}, "board": {}}
    for key, value in table.items():
        if isinstance(value, dict):
            if key not in inner or key in inside:
                raise UsageError(
                    f"{path}: [{where}.{key}]: no such table", hint="[budgets.app.NAME] or [budgets.board.NAME]"
                )
            for name, more in value.items():
                if not isinstance(more, dict):
                    raise UsageError(
                        f"{path}: [{where}.{key}] {name}: budgets are for one {key} by name",
                        hint=f"[{where}.{key}.NAME], and {name} in there",
                    )
                inner[key][name] = read_budgets(more, path, f"{where}.{key}.{name}", f"{inside} {key}")
            continue
        budgets[key] = _budget(key, value, f"{path}: [{where}] ", f"{Path(path).name} [{where}]", [*inner])
    return BudgetTable(budgets, inner["app"], inner["board"])


def marked_budgets(given: Mapping[str, Any], arguments: Sequence[Any], where: str) -> dict[str, Budget]:
    """Those of a marker. Raises UsageError."""
    if arguments or not given:
        raise UsageError(f"{where}: budget{tuple(arguments)}: name what is bounded", hint="budget(cycles=3_000_000)")
    return {name: _budget(name, value, f"{where}: ", MARKER) for name, value in given.items()}


def _budget(name: str, value: object, where: str, origin: str, also: Iterable[str] = ()) -> Budget:
    if name not in KINDS:
        raise UsageError(f"{where}unknown budget {name!r}", hint=near(name, [*KINDS, *also]))
    return Budget(name, parse(value, kind(name).unit, f"{where}{name}"), origin)


def check(budgets: Iterable[Budget], record: Record) -> tuple[BudgetResult, ...]:
    """How each budget went. A figure that is not there is no miss here: `value` is None, and `why` says why."""
    from sim.report.record import BudgetResult

    out = []
    for budget in budgets:
        figure = record.figure(budget.name)
        if figure is None:
            out.append(BudgetResult(budget.name, budget.limit, None, False, budget.origin, _why(budget.name, record)))
        else:
            met = budget.met_by(figure.value)
            out.append(BudgetResult(budget.name, budget.limit, figure.value, met, budget.origin))
    return tuple(out)


def _why(name: str, record: Record) -> str:
    noted = next((note for note in record.notes if name in note or f"no {name.split('_')[0]}" in note), "")
    if noted:
        return noted
    if not record.provenance.engine and name not in ("flash", "ram_static", "arena", "arena_reserved"):
        return "this test runs no machine"
    return {
        "cycles": "no run of boardless_invoke ended in this test, or the core has no timing model",
        "instructions": "no run of boardless_invoke ended in this test",
        "energy": "no run of boardless_invoke ended in this test, or the core has no timing model",
        "energy_per_decision": "the firmware decided nothing in this test",
        "latency": "the firmware decided nothing in this test, or has its samples from a bus",
        "arena": "the image does not say what TFLM uses of its arena",
        "arena_smallest": "not known for an image that boardless did not build",
        "arena_reserved": "not known for an image that boardless did not build",
        "accuracy": 'the test gives none: figures("accuracy", 0.97)',
        "battery_life": 'the test gives none: figures("battery_life", estimate.battery_life(cell))',
    }.get(name, "nothing measured it")


def failure(results: Sequence[BudgetResult], record: Record) -> FirmwareFailure | None:
    """The failure of all budgets that were missed, or None: by how much, and what the figure is made of.

    A figure that is not there is a miss of a marker, which is meant for that very test.
    """
    missed = [r for r in results if not r.met and r.value is not None]
    absent = [r for r in results if r.value is None and r.origin == MARKER]
    unknown = f"no figure for the budget {', '.join(r.name for r in absent)}"
    whys = [f"{r.name}: {r.why}" for r in absent]
    if not missed:
        return FirmwareFailure(unknown, "\n".join(whys)) if absent else None
    lines = [line for result in missed for line in _missed(result, record)] + whys
    p = record.provenance
    where = f"on board {p.board}" + (f", engine {p.engine_text}" if p.engine else "")
    lines.append(f"{where}, firmware {record.app} {p.firmware_sha256[:12]}")
    names = ", ".join(r.name for r in missed)
    return BudgetMissed(f"over budget: {names}" + (f"; {unknown}" if absent else ""), "\n".join(lines))


def _missed(result: BudgetResult, record: Record) -> list[str]:
    assert result.value is not None
    kind_ = KINDS[result.name]
    by = abs(result.value - result.limit)
    share = f" ({by / result.limit * 100:+.1f} %)" if result.limit and not kind_.higher_is_better else ""
    what = "short of" if kind_.higher_is_better else "over"
    figure = record.figure(result.name)
    how = f", {figure.how}" if figure else ""
    lines = [
        f"{result.name}: {shown(result.value, kind_.unit)}{how}; budget {shown(result.limit, kind_.unit)}"
        f" ({result.origin}): {shown(by, kind_.unit)} {what} it{share}"
    ]
    shares = record.contributors.get(result.name, ())[:SHOWN]
    if shares:
        lines.append("  the slowest:" if result.name == "latency" else "  largest contributors:")
        for s in shares:
            part = f"{s.value / result.value * 100:5.1f} %  " if result.value and result.name != "latency" else "  "
            lines.append(f"  {part}{shown(s.value, kind_.unit)}  {s.name}")
    elif result.name in ("cycles", "instructions"):
        lines.append("  what they are made of: boardless profile")
    return lines
