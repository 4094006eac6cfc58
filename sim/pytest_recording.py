"""Recordings of tests: a red one leaves a file, and says the command that runs it again. Part of the plugin."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine import Machine

WHEN = ("on-failure", "always", "never")
_RECORDED: pytest.StashKey[tuple[Machine, Firmware]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("boardless", "virtual boards")
    group.addoption(
        "--boardless-record",
        choices=WHEN,
        default="on-failure" if os.environ.get("CI") else "never",
        help="save recordings of tests in .boardless/recordings/ (default: on-failure where CI is set, else never)",
    )


def record_machine(node: pytest.Item, machine: Machine, firmware: Firmware) -> None:
    """The test has this machine, which stands before its first instruction. A bus build has no recordings."""
    if node.config.getoption("boardless_record") != "never" and machine.layout.io != "bus":
        machine.record()
        node.stash[_RECORDED] = (machine, firmware)


def keep_recording(node: pytest.Item, when: str) -> str:
    """Save what has been recorded of a test so far; what is to be said about it. The machine still stands."""
    from sim.errors import BoardlessError

    if _RECORDED not in node.stash:
        return ""
    machine, firmware = node.stash[_RECORDED]
    del node.stash[_RECORDED]
    path = folder_of(node.config) / (re.sub(r"[^\w.-]+", "-", node.nodeid)[-180:].strip("-") + ".blrec")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        machine.save_recording(path, firmware=firmware)
    except (BoardlessError, OSError) as error:  # the failure of the test itself matters more
        said = f"no recording of this test: {error}\n"
    else:
        shown = os.path.relpath(path, node.config.invocation_params.dir)
        said = f"recorded: run it again with\n  boardless replay {shown}\n"
    node.add_report_section(when, "boardless recording", said)
    return said


def folder_of(config: pytest.Config) -> Path:
    """Where recordings of this project's tests go."""
    return config.rootpath / ".boardless" / "recordings"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A red test is saved before its machine is closed."""
    if call.when == "call" and _RECORDED in item.stash:
        wanted = item.config.getoption("boardless_record")
        failed = call.excinfo is not None and not call.excinfo.errisinstance((pytest.skip.Exception, KeyboardInterrupt))
        if failed or wanted == "always":
            keep_recording(item, "call")
        else:
            del item.stash[_RECORDED]
    return (yield)
