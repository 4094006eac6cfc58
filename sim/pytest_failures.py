"""Failures as the plugin shows them: the test's own lines and the evidence, nothing of boardless in between."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from sim.pytest_fixtures import MACHINE

if TYPE_CHECKING:
    from sim.machine import Machine


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows the test's own lines and the evidence, nothing of boardless or pytest in between."""
    whole = ""
    if call.excinfo is not None and "sim.errors" in sys.modules:
        from sim.errors import BoardlessError, FirmwareFailure
        from sim.failure.frames import cut

        error = call.excinfo.value
        if isinstance(error, BoardlessError | FirmwareFailure) and not item.config.getoption("fulltrace"):
            if not cut(call.excinfo.tb):
                whole = f"{type(error).__name__}: {error}"
        elif call.when == "call" and isinstance(error, Exception) and MACHINE in item.stash:
            item.add_report_section("call", "virtual board", _state(item.stash[MACHINE]))
    report = yield
    if whole and report.failed:
        report.longrepr = whole
    return report


def _state(machine: Machine) -> str:
    try:
        return f"{machine.report()}\n"
    except Exception as error:  # whatever it is, the failure of the test itself must be shown
        return f"its state cannot be shown: {error!r}\n"
