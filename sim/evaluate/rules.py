"""How an app's decisions are to be read: `[evaluate]` of its app.toml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.errors import UsageError, near

VERDICTS = {
    "majority": "the label that most decisions have; of several, the one that stands first among the labels",
    "last": "the last decision",
    "first": "the first decision",
    "once": "the label of the only decision: it is to be said once",
}
NOTHING, SEVERAL, FAILED = "(nothing)", "(several)", "(failed)"  # verdicts that are no labels


@dataclass(frozen=True)
class Rules:
    """`verdict`: what a recording's decisions come to. `none`: the label that no decision at all stands for.

    `quiet`: labels that say that nothing has happened; a decision for another label is an alarm.
    """

    verdict: str = "majority"
    none: str = NOTHING
    quiet: tuple[str, ...] = ()

    @staticmethod
    def read(table: Mapping[str, Any], where: Path | str) -> Rules:
        """From a table. Raises UsageError for unknown keys and values."""
        rules = Rules()
        for key, value in table.items():
            if key not in ("verdict", "none", "quiet"):
                raise UsageError(f"{where}: [evaluate] has no {key!r}", hint=near(key, ("verdict", "none", "quiet")))
            if key == "quiet":
                if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                    raise UsageError(f"{where}: [evaluate] quiet must be a list of labels")
                rules = replace(rules, quiet=tuple(value))
            elif not isinstance(value, str):
                raise UsageError(f"{where}: [evaluate] {key} must be a text, not {type(value).__name__}")
            else:
                rules = replace(rules, verdict=value) if key == "verdict" else replace(rules, none=value)
        return rules.checked(str(where))

    def checked(self, where: str) -> Rules:
        """The same. Raises UsageError for a verdict that there is not."""
        if self.verdict not in VERDICTS:
            raise UsageError(f"{where}: unknown verdict {self.verdict!r}", hint=near(self.verdict, VERDICTS))
        return self

    def of(self, decided: Sequence[str], labels: Sequence[str]) -> str:
        """The verdict on a recording, from the labels of its decisions in order."""
        if not decided:
            return self.none
        if self.verdict == "once":
            return decided[0] if len(decided) == 1 else SEVERAL
        if self.verdict == "first":
            return decided[0]
        if self.verdict == "last":
            return decided[-1]
        order = {label: i for i, label in enumerate(labels)}
        count = Counter(decided)
        return min(count, key=lambda label: (-count[label], order.get(label, len(order)), label))

    def alarms(self, decided: Sequence[str], truth: str) -> int:
        """How often something was reported that was not there; a stretch of one wrong label counts once."""
        before, found = "", 0
        for label in decided:
            if label != before and label != truth and label not in self.quiet:
                found += 1
            before = label
        return found

    def as_json(self) -> dict[str, Any]:
        return {"verdict": self.verdict, "none": self.none, "quiet": list(self.quiet)}
