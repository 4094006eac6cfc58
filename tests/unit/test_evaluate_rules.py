"""How decisions are read, and what of them is right, late, or a false alarm."""

from __future__ import annotations

import pytest

from sim.errors import UsageError
from sim.evaluate.host import HostDecision, equal
from sim.evaluate.result import Spread
from sim.evaluate.rules import NOTHING, SEVERAL, Rules

LABELS = ("quiet", "a", "b")


@pytest.mark.parametrize(
    ("verdict", "decided", "wanted"),
    [
        ("majority", ["b", "a", "b"], "b"),
        ("majority", ["b", "a"], "a"),  # a draw: the one that stands first among the labels
        ("last", ["b", "a"], "a"),
        ("first", ["b", "a"], "b"),
        ("once", ["b"], "b"),
        ("once", ["b", "b"], SEVERAL),
        ("majority", [], NOTHING),
    ],
)
def test_verdicts(verdict: str, decided: list[str], wanted: str) -> None:
    assert Rules(verdict=verdict).of(decided, LABELS) == wanted


def test_no_decision_can_stand_for_a_label() -> None:
    assert Rules(verdict="once", none="quiet").of([], LABELS) == "quiet"


def test_a_stretch_of_one_wrong_label_is_one_alarm() -> None:
    rules = Rules(quiet=("quiet",))
    assert rules.alarms(["a", "a", "b", "b", "quiet", "b"], "a") == 2
    assert rules.alarms(["quiet", "a"], "a") == 0
    assert Rules().alarms(["quiet", "a"], "a") == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"verdict": "most"}, "unknown verdict 'most'"),
        ({"verdikt": "last"}, "has no 'verdikt'"),
        ({"quiet": "a"}, "list of labels"),
        ({"none": 3}, "must be a text"),
    ],
)
def test_rules_that_are_none(table: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Rules.read(table, "app.toml")
    assert "app.toml" in caught.value.message


def test_decisions_are_compared_one_by_one() -> None:
    host = [HostDecision(10, 1), HostDecision(20, 2)]
    assert equal([(10, 1), (20, 2)], host) == [(0, True), (1, True)]
    assert equal([(10, 1), (21, 2)], host) == [(0, True), (1, False)]  # the same, but later
    assert equal([(10, 1), (20, 2), (30, 2)], host)[2] == (2, False)
    assert equal([], host) == [(0, False), (1, False)]


def test_spread() -> None:
    assert Spread.of([]) is None
    found = Spread.of([round(i * 1e6) for i in range(1, 101)])
    assert found is not None
    assert (found.count, found.median, found.p95, found.max) == (100, 0.05, 0.095, 0.1)
    one = Spread.of([5_000_000])
    assert one is not None
    assert one.median == one.p95 == one.max == 0.005
