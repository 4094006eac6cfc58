"""The second half of the plugin: budgets, stored runs, reports. Loaded with it; imports nothing until it is needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.budgets import Budget, BudgetTable
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.report.figure import Figure

MARKER = 'budget(cycles=3_000_000, flash="256 KiB", ...): bounds that the figures of the test must keep'
_OPTIONS = ("boardless_save", "boardless_compare", "boardless_fail", "boardless_report")


class Watched:
    """What a test has used: its firmware, its machine, figures of its own."""

    def __init__(self) -> None:
        self.firmware: Firmware | None = None
        self.machine: Machine | None = None
        self.own: list[Figure] = []
        self.seed: int | None = None


_WATCHED: pytest.StashKey[Watched] = pytest.StashKey()
_TABLE: pytest.StashKey[BudgetTable] = pytest.StashKey()
_MADE: pytest.StashKey[dict[str, Any]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("boardless", "virtual boards")
    group.addoption(
        "--boardless-save", metavar="NAME", help="store the figures of this run (.boardless/runs/, or a path)"
    )
    group.addoption("--boardless-compare", metavar="NAME", help="compare the figures with those of a stored run")
    group.addoption("--boardless-fail", metavar="LIMITS", help='fail where a figure got worse: "cycles:2%%,flash:1KiB"')
    group.addoption("--boardless-report", metavar="DIR", help="write results.json, report.md and report.html")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if hasattr(config, "workerinput") or all(config.getoption(name) is None for name in _OPTIONS):
        return
    from sim.errors import BoardlessError
    from sim.report.session import Controller

    try:
        config.pluginmanager.register(Controller(config), "boardless-report-controller")
    except BoardlessError as error:
        raise pytest.UsageError(str(error)) from None


def _wanted(config: pytest.Config) -> bool:
    """Whether anybody reads records; who does not ask for figures pays nothing for them."""
    return any(config.getoption(name) for name in _OPTIONS) or bool(config.getoption("xmlpath", None))


# ---- what a test uses ----


def watched(node: pytest.Item) -> Watched:
    """What is noted of a test; the fixtures of the plugin put in what they make."""
    if _WATCHED not in node.stash:
        node.stash[_WATCHED] = Watched()
    return node.stash[_WATCHED]


def watch_firmware(node: pytest.Item, firmware: Firmware) -> Firmware:
    """The test has this firmware."""
    watched(node).firmware = firmware
    return firmware


def watch_machine(node: pytest.Item, machine: Machine, firmware: Firmware) -> None:
    """The test has this machine: every inference counts from here on, if anybody wants its figures."""
    seen = watched(node)
    seen.machine, seen.firmware = machine, firmware  # a project may have a fixture `firmware` of its own
    if (_wanted(node.config) or _budgets(node)) and "boardless_invoke" in machine.elf.functions:
        machine.keep_region("boardless_invoke")


def machine_ready(node: pytest.Item, machine: Machine) -> None:
    """The machine has booted: its operators are measured too, where somebody wants to know what cycles are made of."""
    if node.config.getoption("boardless_report") or {"cycles", "instructions"} & set(_budgets(node)):
        from sim.report.operators import watch

        watch(machine)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`figures("accuracy", 0.97)`: a figure of the test's own, for budgets, stored runs and reports.

    `figures(name, value, unit="", how="counted")`: units "B", "s", "J", "A", "ratio", "cycles" or none.
    """
    node = request.node

    def add(name: str, value: float, unit: str = "", how: str = "counted", source: str = "") -> None:
        from sim.errors import UsageError
        from sim.report.figure import Figure
        from sim.report.names import own_name

        kind = own_name(name, unit)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(f"figure {name!r}: {value!r} is no number", hint="a finite one, in its base unit")
        own = watched(node).own
        own[:] = [f for f in own if f.name != name]
        own.append(Figure(name, number, kind.unit, how, source or f"test {node.name}"))

    return add


# ---- budgets ----


def _budgets(node: pytest.Item) -> dict[str, Budget]:
    """The bounds of a test by figure; the nearest declaration wins. Raises UsageError."""
    from sim.budgets import marked_budgets

    out: dict[str, Budget] = {}
    seen = watched(node)
    if seen.firmware is not None:
        board = seen.machine.board if seen.machine is not None else seen.firmware.board
        out.update(_table(node.config).applying(seen.firmware.app, board.name if board else ""))
    for marker in reversed(list(node.iter_markers("budget"))):
        out.update(marked_budgets(marker.kwargs, marker.args, node.nodeid))
    return out


def _table(config: pytest.Config) -> BudgetTable:
    if _TABLE not in config.stash:
        from sim.budgets import read_budgets
        from sim.errors import UsageError, near
        from sim.pytest_settings import settings_of

        settings = settings_of(config)
        table = read_budgets(settings.budgets, settings.file or "boardless.toml")
        if table.board_names:
            from sim.boards import all_boards, board_folders

            there = {b.name for b in all_boards(board_folders(settings))}
            for name in sorted(table.board_names - there):
                raise UsageError(f"{settings.file}: budgets for unknown board {name!r}", hint=near(name, there))
        config.stash[_TABLE] = table
    return config.stash[_TABLE]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Behind the test, while its machine still stands: take the record, look at the budgets."""
    try:
        result = yield
    except (KeyboardInterrupt, SystemExit, pytest.exit.Exception):
        raise
    except BaseException as error:  # pytest.fail and pytest.skip are no Exception
        skipped = isinstance(error, pytest.skip.Exception)
        try:
            _record(item, "skipped" if skipped else "failed", "" if skipped else _reason(error))
        except Exception as second:  # the test's own failure matters more than its record
            item.add_report_section("call", "boardless report", f"no record of this test: {second}\n")
        raise
    failure = _record(item, "passed", "")
    if failure is not None:
        raise failure
    return result


def _reason(error: BaseException) -> str:
    text = str(error).split("\n", 1)[0]
    return text if text.startswith(type(error).__name__) else f"{type(error).__name__}: {text}"


def _record(item: pytest.Item, outcome: str, said: str) -> Exception | None:
    """Make the record of a test that used a firmware; returns the failure of its budgets."""
    seen = item.stash.get(_WATCHED, None)
    marked = item.get_closest_marker("budget") is not None
    if seen is None or seen.firmware is None:
        if marked and outcome == "passed":
            from sim.errors import UsageError

            return UsageError(
                f"{item.nodeid} has budgets, but no firmware", hint="take the fixture machine or firmware"
            )
        return None
    from dataclasses import replace

    from sim import budgets as budgets_
    from sim.report import collect
    from sim.report.junit import properties

    bounds = _budgets(item)
    if not bounds and not _wanted(item.config):
        return None
    if seen.machine is not None:
        record = collect.of_machine(
            item.nodeid, outcome, seen.machine, seen.firmware, own=seen.own, seed=seen.seed, failure=said
        )
    else:
        board = seen.firmware.board
        if board is None:
            return None
        record = collect.of_firmware(item.nodeid, outcome, seen.firmware, board)
        record = replace(record, figures=(*record.figures, *seen.own), failure=said)
    failure: Exception | None = None
    if outcome == "passed":
        record = replace(record, budgets=budgets_.check(bounds.values(), record))
        failure = budgets_.failure(record.budgets, record)
        if failure is not None:
            record = replace(record, outcome="failed", failure=str(failure))
    item.user_properties += properties(record)
    item.stash[_MADE] = record.as_json()
    return failure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The record goes with the report of the call: plain data, so workers of xdist send it too."""
    report = yield
    if call.when == "call" and _MADE in item.stash:
        report.boardless_record = item.stash[_MADE]  # type: ignore[attr-defined]
        del item.stash[_MADE]
    if call.when == "teardown" and _WATCHED in item.stash:
        del item.stash[_WATCHED]  # the machine is closed; a session must not hold all of them
    return report
