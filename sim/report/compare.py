"""A run against a stored one, figure by figure. What is not alike is refused, and told why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sim.errors import UsageError
from sim.report.figure import Figure
from sim.report.names import kind
from sim.report.quantity import Tolerance, shown
from sim.report.record import Record
from sim.report.store import Run

# What a basis key is called where two differ.
_WORDS = {
    "model": "cycle model",
    "machine": "machine of the engine",
    "time": "how board time is got",
    "power": "currents of the board",
    "clock": "core clock",
    "parts": "currents of the sensor parts",
    "core": "core of the board",
    "fpu": "FPU of the board",
    "mve": "vector extension of the board",
}


@dataclass(frozen=True)
class Change:
    """One figure of one test, then and now. `refused`: why the two are not compared; `failed`: worse than allowed."""

    test: str
    board: str
    engine: str
    name: str
    before: Figure | None
    now: Figure | None
    refused: tuple[str, ...] = ()
    failed: str = ""

    @property
    def delta(self) -> float:
        """Now less before; 0 where they are not compared."""
        if self.before is None or self.now is None or self.refused:
            return 0.0
        return self.now.value - self.before.value

    @property
    def relative(self) -> float | None:
        """The same as a share of before; None where before is 0 or nothing is compared."""
        if self.before is None or self.now is None or self.refused or not self.before.value:
            return None
        return self.delta / abs(self.before.value)

    @property
    def worse(self) -> bool:
        """Whether it has got worse at all."""
        return self.worse_by > 0

    @property
    def worse_by(self) -> float:
        """By how much it got worse, in the figure's unit; below 0: better."""
        higher = self.now is not None and self.now.higher_is_better
        return -self.delta if higher else self.delta

    @property
    def text(self) -> str:
        """The change for people: `+1,234 cycles (+0.4 %)`."""
        if self.refused:
            return "not compared"
        if self.before is None:
            return "new"
        if self.now is None:
            return "gone"
        if not self.delta:
            return "same"
        sign = "+" if self.delta > 0 else "-"
        share = f" ({self.relative * 100:+.2f} %)" if self.relative is not None else ""
        return f"{sign}{shown(abs(self.delta), self.now.unit)}{share}"


@dataclass(frozen=True)
class Comparison:
    """All changes against one stored run. Tests by (id, board, engine)."""

    name: str
    commit: str
    changes: tuple[Change, ...]
    new_tests: tuple[tuple[str, str, str], ...]
    missing_tests: tuple[tuple[str, str, str], ...]
    limits: tuple[str, ...] = ()  # figures that may not get worse than some limit

    @property
    def idle_limits(self) -> tuple[str, ...]:
        """Limits of figures that no test has both here and in the stored run."""
        looked_at = {c.name for c in self.changes if c.before is not None}
        return tuple(name for name in self.limits if name not in looked_at)

    @property
    def failed(self) -> bool:
        """Whether the run fails: something is worse than allowed, or the limits looked at nothing at all."""
        return bool(self.failures) or bool(self.limits and len(self.idle_limits) == len(self.limits))

    @property
    def failures(self) -> tuple[Change, ...]:
        """Figures that got worse than allowed, or that a limit is for and that cannot be compared."""
        return tuple(c for c in self.changes if c.failed)


@dataclass(frozen=True)
class Group:
    """Changes that are the same one: tests of one firmware have one flash size. `change` is the first of them."""

    change: Change
    tests: tuple[str, ...]

    @property
    def where(self) -> str:
        """The tests and the board, for people."""
        more = f" and {len(self.tests) - 1} more" if len(self.tests) > 1 else ""
        board = "" if self.change.board in self.tests[0] else f" ({self.change.board})"
        return f"{self.tests[0]}{board}{more}"


def grouped(changes: Iterable[Change]) -> list[Group]:
    """Equal changes together; worse than allowed first, then refused last, the largest before the smaller."""
    found: dict[tuple[object, ...], list[Change]] = {}
    for c in changes:
        values = (c.before.value if c.before else None, c.now.value if c.now else None)
        found.setdefault((c.name, c.board, values, c.refused, bool(c.failed)), []).append(c)
    groups = [Group(same[0], tuple(c.test for c in same)) for same in found.values()]

    def order(group: Group) -> tuple[object, ...]:
        c = group.change
        return not c.failed, bool(c.refused), -abs(c.relative or 0.0), c.test, c.name

    return sorted(groups, key=order)


def parse_limits(text: str) -> dict[str, Tolerance]:
    """ "cycles:2%,flash:1KiB" -> how much each may get worse. Raises UsageError."""
    out: dict[str, Tolerance] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, colon, amount = entry.partition(":")
        if not colon or not amount.strip():
            raise UsageError(f"--boardless-fail: {entry!r}: no limit", hint='write "cycles:2%,flash:1KiB,stack:0"')
        unit = kind(name.strip(), "--boardless-fail: ").unit
        if name.strip() in out:
            raise UsageError(f"--boardless-fail: {name.strip()}: two limits", hint="one for each figure")
        out[name.strip()] = Tolerance.parse(amount.strip(), unit, f"--boardless-fail: {name.strip()}")
    if not out:
        raise UsageError("--boardless-fail: no limit given", hint='write "cycles:2%,flash:1KiB"')
    return out


def unlike(before: Figure, now: Figure) -> tuple[str, ...]:
    """Why two figures of one name cannot be compared; empty: they can."""
    reasons = []
    if before.unit != now.unit:
        reasons.append(f"unit: {before.unit or 'none'} then, {now.unit or 'none'} now")
    if before.how != now.how:
        reasons.append(f"how it was got: {before.how} then, {now.how} now")
    for key in sorted({*before.basis, *now.basis}):
        then, here = before.basis.get(key, "not told"), now.basis.get(key, "not told")
        if then != here:
            reasons.append(f"{_WORDS.get(key, key)}: {then} then, {here} now")
    return tuple(reasons)


def compare(stored: Run, run: Run, limits: Mapping[str, Tolerance]) -> Comparison:
    """This run against a stored one."""
    before = {r.key: r for r in stored.records}
    now = {r.key: r for r in run.records}
    changes = [c for key, record in now.items() if key in before for c in _changes(before[key], record, limits)]
    return Comparison(
        name=stored.name,
        commit=stored.commit,
        changes=tuple(changes),
        new_tests=tuple(sorted(set(now) - set(before))),
        missing_tests=tuple(sorted(set(before) - set(now))),
        limits=tuple(limits),
    )


def _changes(before: Record, now: Record, limits: Mapping[str, Tolerance]) -> list[Change]:
    names = list(dict.fromkeys([f.name for f in now.figures] + [f.name for f in before.figures]))
    return [_change(now, name, before.figure(name), now.figure(name), limits.get(name)) for name in names]


def _change(record: Record, name: str, before: Figure | None, now: Figure | None, limit: Tolerance | None) -> Change:
    refused = unlike(before, now) if before is not None and now is not None else ()
    change = Change(record.test, record.provenance.board, record.provenance.engine, name, before, now, refused)
    if limit is None or before is None:
        return change
    failed = ""
    if now is None:
        failed = "there is no such figure any more"
    elif refused:
        failed = f"it cannot be compared ({'; '.join(refused)}): look at the change, then save the run again"
    elif not limit.allows(before.value, change.worse_by):
        amount = str(limit) if limit.relative is not None else shown(limit.absolute or 0.0, now.unit)
        failed = f"{change.text}, allowed {amount}"
    return Change(change.test, change.board, change.engine, name, before, now, refused, failed)
