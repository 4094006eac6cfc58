"""The pytest plugin: markers and options; fixtures, header, failures, reports and recordings have their own files.

Nothing but these files is imported until a test asks for a fixture. On the command line `--board`, `--engine` and
`--firmware` win over the markers of a test, those over the settings of the project; of markers the nearest wins.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.pytest_settings import given, option_path, settings_of

IOS = ("port", "bus")  # as sim.settings has them, which is not imported for a help text

pytest_plugins = (
    "sim.pytest_fixtures",
    "sim.pytest_header",
    "sim.pytest_failures",
    "sim.pytest_report",  # budgets, stored runs, reports
    "sim.pytest_recording",
)

_MARKERS = {
    "board(name, ...)": "board(s) the test runs on; each gives a test of its own",
    "engine(name, ...)": "engine(s) the test runs on; each gives a test of its own",
    "io(way, ...)": "'port' or 'bus': where the app has its samples from; each gives a test of its own",
    "app(name)": "app of firmware/apps, or a folder with one: what `firmware` is built from",
    "model(path)": "the .tflite that goes into the app (default: the app's own)",
    "recorder(time)": "a recorder in the app: '5 s', 'all', '5 s below 0.6' (default: none)",
    "firmware(path)": "a finished ELF, built by whatever means, instead of an app",
    "check_stack": "look at every store, twice as slow: the first that leaves the stack ends the test",
    "on_fault(what)": "'stop' (default): a fault ends the test at once; 'run': the firmware's handler goes on",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("boardless", "virtual boards")
    group.addoption("--board", action="append", metavar="NAME", help="board to run on; again: on each of them")
    group.addoption("--engine", action="append", metavar="NAME", help="engine to run on; again: on each of them")
    group.addoption("--io", action="append", choices=IOS, help="where apps have samples from: the port, or the board's "
                    "own bus; again: each of them")  # fmt: skip
    group.addoption("--firmware", metavar="ELF", help="run this ELF instead of what the tests name")
    group.addoption("--boardless-tflm", metavar="PATH", help="TFLM tree to build from")
    group.addoption("--boardless-kernels", metavar="KERNELS", help="kernels of that tree: reference or cmsis-nn")


def pytest_configure(config: pytest.Config) -> None:
    for name, text in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")
    if not given(config):
        return
    # A mistyped option is one error now, not one for every test.
    from sim.boards import Board, board_folders
    from sim.elf import load_elf
    from sim.engines import find_engine
    from sim.errors import BoardlessError

    try:
        settings = settings_of(config)
        for name in config.getoption("--board") or ():
            Board.load(name, board_folders(settings))
        for name in config.getoption("--engine") or ():
            find_engine(replace(settings, engine=name))
        if config.getoption("--firmware"):
            load_elf(option_path(config, config.getoption("--firmware")))
    except BoardlessError as error:
        raise pytest.UsageError(str(error)) from None
