"""Quantities: what people write, and what they read."""

from __future__ import annotations

import pytest

from sim.errors import UsageError
from sim.report.names import KINDS, kind, own_name
from sim.report.quantity import UNITS, Tolerance, parse, shown


@pytest.mark.parametrize(
    ("given", "unit", "value"),
    [
        ("256 KiB", "B", 262144),
        ("256KiB", "B", 262144),
        ("1 kB", "B", 1000),
        ("12 B", "B", 12),
        (4096, "B", 4096),
        ("4096", "B", 4096),
        (3_000_000, "cycles", 3e6),
        ("3_000_000", "cycles", 3e6),
        ("2.5 M", "cycles", 2.5e6),
        ("3 Mcycles", "cycles", 3e6),
        ("2 mJ", "J", 0.002),
        ("7 µJ", "J", 7e-6),
        ("7 μJ", "J", 7e-6),  # the other code point of the sign
        ("7 uJ", "J", 7e-6),
        ("50 ms", "s", 0.05),
        ("2 d", "s", 172800),
        (0.05, "s", 0.05),
        ("95 %", "ratio", 0.95),
        (0.95, "ratio", 0.95),
        ("1e-3 J", "J", 0.001),
    ],
)
def test_parse(given: object, unit: str, value: float) -> None:
    assert parse(given, unit, "x") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("given", "unit", "said"),
    [
        ("256 KB", "B", "KB in '256 KB' may be 1000 or 1024 bytes"),
        ("3 GB", "B", "unknown unit 'GB' in '3 GB'"),
        ("2 ms", "J", "unknown unit 'ms' in '2 ms'"),
        ("2 mJ", "s", "unknown unit 'mJ' in '2 mJ'"),
        ("50", "s", "'50' has no unit"),
        ("2", "J", "'2' has no unit"),
        ("much", "B", "'much' is no quantity"),
        ("", "B", "'' is no quantity"),
        ("1 2 KiB", "B", "is no quantity"),
        (True, "cycles", "True is no quantity"),
        (None, "cycles", "None is no quantity"),
        ([3], "cycles", "[3] is no quantity"),
        (-1, "cycles", "-1 cannot be"),
        ("-3 KiB", "B", "'-3 KiB' cannot be"),
        (float("nan"), "s", "nan cannot be"),
        (float("inf"), "s", "inf cannot be"),
        ("1e999 s", "s", "'1e999 s' cannot be"),
    ],
)
def test_what_cannot_be_is_one_clear_error(given: object, unit: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(given, unit, "[budgets] it")
    assert said in str(caught.value)
    assert str(caught.value).startswith("[budgets] it: ")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "B", "0 B"),
        (9000, "B", "9,000 B"),
        (262144, "B", "256.0 KiB (262,144 B)"),
        (1234567, "cycles", "1,234,567 cycles"),
        (0.9712, "ratio", "97.12 %"),
        (0.0127, "s", "12.7 ms"),
        (1.5, "s", "1.5 s"),
        (7200, "s", "2.0 h"),
        (864000, "s", "10.0 days"),
        (0, "J", "0 J"),
        (1.249e-4, "J", "124.9 µJ"),
        (3e-12, "J", "0.003 nJ"),
        (0.00316e-3, "A", "3.16 µA"),
        (12, "", "12"),
        (1.25, "", "1.25"),
    ],
)
def test_shown(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_what_is_shown_can_be_read_again() -> None:
    for value, unit in ((1.249e-4, "J"), (0.0127, "s"), (3.16e-6, "A"), (900, "B"), (0.9712, "ratio")):
        assert parse(shown(value, unit), unit, "x") == pytest.approx(value, rel=1e-3)


def test_tolerances() -> None:
    two = Tolerance.parse("2%", "cycles", "x")
    assert two.allows(1000, 20)
    assert not two.allows(1000, 20.01)
    assert two.allows(1000, -500)
    assert not two.allows(0, 1)  # a share of nothing
    one = Tolerance.parse("1KiB", "B", "x")
    assert (one.allows(5, 1024), one.allows(5, 1025)) == (True, False)
    none = Tolerance.parse("0", "cycles", "x")
    assert (none.allows(10, 0), none.allows(10, 1)) == (True, False)
    with pytest.raises(UsageError, match="unknown unit 'ms'"):
        Tolerance.parse("1 ms", "B", "x")


def test_every_figure_has_a_unit_that_can_be_written() -> None:
    for name, known in KINDS.items():
        assert known.unit in UNITS, name
        assert known.title


def test_names() -> None:
    assert kind("cycles").unit == "cycles"
    with pytest.raises(UsageError, match="did you mean 'cycles'"):
        kind("cycels")
    assert own_name("false_alarms", "").title == "false alarms"
    assert own_name("accuracy", "").unit == "ratio"
    for name, unit, said in (
        ("flash", "J", "figure 'flash' is in 'B', not in 'J'"),
        ("False", "", "cannot be a figure's name"),
        ("wait", "sec", "unknown unit 'sec'"),
    ):
        with pytest.raises(UsageError, match=said):
            own_name(name, unit)
