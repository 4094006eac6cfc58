"""Budgets: where they are declared, which wins, and what a miss says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from report_data import record, with_figure

from sim.budgets import BudgetMissed, check, failure, marked_budgets, read_budgets
from sim.errors import FirmwareFailure, UsageError
from sim.report.record import Share
from sim.settings import Settings

FILE = """
board = "nucleo_l152re"

[budgets]
cycles = 3_000_000
flash = "256 KiB"
accuracy = "90 %"

[budgets.app.gesture]
latency = "50 ms"
cycles = 900_000

[budgets.board.nucleo_l152re]
cycles = 5_000_000
energy = "2 mJ"

[budgets.app.gesture.board.nucleo_l152re]
cycles = 1_000_000

[budgets.board.stm32f4_discovery.app.gesture]
cycles = 800_000
"""


def settings(tmp_path: Path, text: str, name: str = "boardless.toml") -> Settings:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return Settings.load(start=tmp_path)


def test_the_nearest_wins_figure_by_figure(tmp_path: Path) -> None:
    found = settings(tmp_path, FILE)
    assert found.board == "nucleo_l152re"
    table = read_budgets(found.budgets, found.file or "")

    def limits(app: str, board: str) -> dict[str, float]:
        return {name: b.limit for name, b in table.applying(app, board).items()}

    every = {"cycles": 3e6, "flash": 262144.0, "accuracy": 0.9}
    assert limits("kws", "mine") == every
    assert limits("gesture", "mine") == {**every, "latency": 0.05, "cycles": 9e5}
    assert limits("kws", "nucleo_l152re") == {**every, "cycles": 5e6, "energy": 0.002}
    assert limits("gesture", "nucleo_l152re") == {**every, "latency": 0.05, "cycles": 1e6, "energy": 0.002}
    assert limits("gesture", "stm32f4_discovery")["cycles"] == 8e5
    assert table.applying("gesture", "mine")["cycles"].origin == "boardless.toml [budgets.app.gesture]"
    assert table.board_names == {"nucleo_l152re", "stm32f4_discovery"}


def test_in_pyproject_too(tmp_path: Path) -> None:
    found = settings(tmp_path, "[tool.boardless.budgets]\nflash = '1 MiB'\n", "pyproject.toml")
    assert read_budgets(found.budgets, "x").applying("a", "b")["flash"].limit == 1 << 20


def test_without_a_table_there_are_none(tmp_path: Path) -> None:
    assert settings(tmp_path, 'board = "x"\n').budgets == {}
    assert hash(Settings()) == hash(Settings())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[budgets]\ncycels = 3", ["boardless.toml: [budgets] unknown budget 'cycels'", "did you mean 'cycles'"]),
        ("[budgets]\nflash = '256 KB'", ["[budgets] flash: KB in '256 KB' may be 1000 or 1024"]),
        ("[budgets]\nflash = '256 ms'", ["[budgets] flash: unknown unit 'ms'", "there are: B, KiB"]),
        ("[budgets]\ncycles = -1", ["cycles: -1 cannot be"]),
        ("[budgets]\ncycles = true", ["cycles: True is no quantity"]),
        ("[budgets]\ncycles = [1]", ["cycles: [1] is no quantity"]),
        ("[budgets]\napp = 3", ["unknown budget 'app'"]),
        ("[budgets.app]\nlatency = '5 ms'", ["[budgets.app] latency: budgets are for one app by name"]),
        ("[budgets.ap.gesture]\nflash = 3", ["[budgets.ap]: no such table", "[budgets.app.NAME]"]),
        ("[budgets.app.a.app.b]\nflash = 3", ["[budgets.app.a.app]: no such table"]),
        ("[budgets.app.a.board.b.app.c]\nflash = 3", ["[budgets.app.a.board.b.app]: no such table"]),
        ("[budgets.app.gesture]\nlatency = 'soon'", ["[budgets.app.gesture] latency: 'soon' is no quantity"]),
        ("budgets = 3", ["'budgets' must be a table: [budgets], not int"]),
        ("[budget]\ncycles = 3", ["unknown setting 'budget'", "did you mean 'budgets'"]),
    ],
)
def test_what_cannot_be_is_told_when_settings_are_read(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        settings(tmp_path, text)
    for part in said:
        assert part in str(caught.value)


def test_marker() -> None:
    found = marked_budgets({"cycles": 3_000_000, "flash": "256 KiB"}, (), "t.py::t")
    assert (found["cycles"].limit, found["flash"].limit, found["flash"].origin) == (3e6, 262144, "marker")
    for kwargs, arguments in (({}, ()), ({"cycles": 3}, (5,)), ({}, ("cycles",))):
        with pytest.raises(UsageError, match="name what is bounded"):
            marked_budgets(kwargs, arguments, "t.py::t")
    with pytest.raises(UsageError, match=r"t.py::t: unknown budget 'cycels'"):
        marked_budgets({"cycels": 3}, (), "t.py::t")


def test_a_bound_itself_is_kept() -> None:
    exact = marked_budgets({"cycles": 806_951, "accuracy": 0.97}, (), "t")
    assert [r.met for r in check(exact.values(), record())] == [True, True]
    assert failure(check(exact.values(), record()), record()) is None
    less = marked_budgets({"cycles": 806_950, "accuracy": 0.971}, (), "t")
    assert [r.met for r in check(less.values(), record())] == [False, False]


def test_a_miss_says_by_how_much_and_on_what() -> None:
    found = failure(
        check(marked_budgets({"flash": "40 KiB", "cycles": 1_000_000}, (), "t").values(), record()), record()
    )
    assert isinstance(found, BudgetMissed)
    assert isinstance(found, AssertionError)
    assert isinstance(found, FirmwareFailure)
    assert str(found) == (
        "over budget: flash\n"
        "flash: 57.9 KiB (59,324 B), counted; budget 40.0 KiB (40,960 B) (marker): "
        "17.9 KiB (18,364 B) over it (+44.8 %)\n"
        "  largest contributors:\n"
        "   13.7 %  8,132 B  tflite::ParseOpData(Operator const*)\n"
        "   10.5 %  6,216 B  boardless_model_data\n"
        "on board arduino_nano_33_ble, engine qemu 7.2.22 (mps2-an386), firmware gesture a1a1a1a1a1a1"
    )


def test_three_contributors_are_shown_and_no_more() -> None:
    many = replace(record(), contributors={"flash": tuple(Share(f"f{i}", 100 - i) for i in range(9))})
    found = failure(check(marked_budgets({"flash": 1}, (), "t").values(), many), many)
    assert found is not None
    assert sum(" f" in line for line in str(found).splitlines() if "%  " in line) == 3


def test_what_is_short_of_a_lower_bound() -> None:
    found = failure(check(marked_budgets({"accuracy": "99 %"}, (), "t").values(), record()), record())
    assert "accuracy: 97.00 %, counted; budget 99.00 % (marker): 2.00 % short of it" in str(found)


def test_a_figure_that_is_not_there_is_no_miss_of_a_project_but_has_a_reason() -> None:
    bare = replace(record(), figures=(), notes=("no energy: mps3_an547 has no [power] in its board.toml",))
    names = {"cycles": 1, "stack": 1, "energy": "1 J", "latency": "1 s", "accuracy": 0.5}
    results = {r.name: r for r in check(read_budgets(names, "boardless.toml").budgets.values(), bare)}
    assert all(r.value is None and not r.met and r.why for r in results.values())
    assert results["energy"].why == "no energy: mps3_an547 has no [power] in its board.toml"
    assert failure([*results.values()], bare) is None


def test_what_a_marker_has_no_figure_for_is_told_beside_what_was_missed() -> None:
    budgets = [*marked_budgets({"heap": 1}, (), "t").values(), *read_budgets({"cycles": 1}, "b.toml").budgets.values()]
    found = failure(check(budgets, record()), record())
    assert str(found).startswith("over budget: cycles; no figure for the budget heap\n")
    assert "heap: nothing measured it" in str(found)
    assert "cycles over it" in str(found)
    found = failure(check(budgets[:1], record()), record())
    assert str(found).startswith("no figure for the budget heap\nheap: nothing measured it")


def test_no_limit_of_nought_divides_by_it() -> None:
    found = failure(check(marked_budgets({"cycles": 0}, (), "t").values(), record()), record())
    assert "806,951 cycles over it" in str(found)
    assert "%" not in str(found).splitlines()[1]
    none = with_figure(replace(record(), contributors={"cycles": (Share("x", 0),)}), "cycles", value=0)
    assert failure(check(marked_budgets({"cycles": 0}, (), "t").values(), none), none) is None
