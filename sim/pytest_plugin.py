"""The pytest plugin: fixtures `machine`, `firmware`, `board`, `recording`; markers and options to choose them.

Nothing but this file is imported until a test asks for a fixture. On the command line `--board`, `--engine` and
`--firmware` win over the markers of a test, those over the settings of the project; of markers the nearest wins.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.boards import Board
    from sim.evaluate import Evaluation
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.markers import Place
    from sim.sensors.recording import Recording
    from sim.settings import Settings
    from sim.target import Target

pytest_plugins = ("sim.pytest_report", "sim.pytest_recording")  # budgets, stored runs, reports; recordings

_MARKERS = {
    "board(name, ...)": "board(s) the test runs on; each gives a test of its own",
    "engine(name, ...)": "engine(s) the test runs on; each gives a test of its own",
    "app(name)": "app of firmware/apps, or a folder with one: what `firmware` is built from",
    "model(path)": "the .tflite that goes into the app (default: the app's own)",
    "firmware(path)": "a finished ELF, built by whatever means, instead of an app",
    "on_fault(what)": "'stop' (default): a fault ends the test at once; 'run': the firmware's handler goes on",
}
_MACHINE: pytest.StashKey[Machine] = pytest.StashKey()
_SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
_HEADER: pytest.StashKey[bool] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("boardless", "virtual boards")
    group.addoption("--board", action="append", metavar="NAME", help="board to run on; again: on each of them")
    group.addoption("--engine", action="append", metavar="NAME", help="engine to run on; again: on each of them")
    group.addoption("--firmware", metavar="ELF", help="run this ELF instead of what the tests name")
    group.addoption("--boardless-tflm", metavar="PATH", help="TFLM tree to build from")
    group.addoption("--boardless-kernels", metavar="KERNELS", help="kernels of that tree: reference or cmsis-nn")


def _given(config: pytest.Config) -> dict[str, Any]:
    names = ("--board", "--engine", "--firmware", "--boardless-tflm", "--boardless-kernels")
    return {name: value for name in names if (value := config.getoption(name))}


def pytest_configure(config: pytest.Config) -> None:
    for name, text in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")
    if not _given(config):
        return
    # A mistyped option is one error now, not one for every test.
    from sim.boards import Board, board_folders
    from sim.elf import load_elf
    from sim.engines import find_engine
    from sim.errors import BoardlessError

    try:
        settings = _settings(config)
        for name in config.getoption("--board") or ():
            Board.load(name, board_folders(settings))
        for name in config.getoption("--engine") or ():
            find_engine(replace(settings, engine=name))
        if config.getoption("--firmware"):
            load_elf(_option_path(config, config.getoption("--firmware")))
    except BoardlessError as error:
        raise pytest.UsageError(str(error)) from None


def _settings(config: pytest.Config) -> Settings:
    if _SETTINGS not in config.stash:
        from sim.settings import Settings

        options = {"tflm": config.getoption("--boardless-tflm"), "kernels": config.getoption("--boardless-kernels")}
        config.stash[_SETTINGS] = Settings.load(options, start=config.rootpath)
    return config.stash[_SETTINGS]


def _option_path(config: pytest.Config, given: str) -> Path:
    return config.invocation_params.dir / Path(given).expanduser()


# ---- the header: for projects that use boardless; others pay nothing for it ----


def pytest_report_header(config: pytest.Config) -> list[str]:
    files = [config.rootpath / "boardless.toml", config.rootpath / "pyproject.toml"]
    named = (config.rootpath / "boardless.toml").is_file() or any(
        b"boardless" in path.read_bytes() for path in files if path.is_file()
    )
    if not (named or _given(config) or any(name.startswith("BOARDLESS_") for name in os.environ)):
        return []
    config.stash[_HEADER] = True
    return [_header(config)]


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    if _HEADER in config.stash or config.option.verbose < 0:
        return []
    used = any("_boardless_place" in getattr(item, "fixturenames", ()) for item in items)
    return [_header(config)] if used else []


def _header(config: pytest.Config) -> str:
    from sim.engines import find_engine
    from sim.errors import BoardlessError

    try:
        settings = _settings(config)
        engines = [find_engine(replace(settings, engine=name)) for name in _engines(config, settings)]
        shown = ", ".join(f"{e.name} {e.version()}" for e in engines)
        return f"boardless: {shown}; TFLM {settings.tflm or 'pinned tree'}, {settings.kernels} kernels"
    except BoardlessError as error:
        return f"boardless: {error.message}"


def _engines(config: pytest.Config, settings: Settings) -> list[str]:
    return list(dict.fromkeys(config.getoption("--engine") or [settings.engine]))


# ---- which board and engine a test runs on ----


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "_boardless_place" not in metafunc.fixturenames:
        return
    from sim.errors import BoardlessError
    from sim.markers import places

    try:
        found = places(metafunc.definition, _settings(metafunc.config))
    except BoardlessError as error:
        raise pytest.Collector.CollectError(str(error)) from None
    if len(found) > 1:
        boards, engines = {p.board for p in found}, {p.engine for p in found}
        ids = ["-".join([Path(p.board).name] * (len(boards) > 1) + [p.engine] * (len(engines) > 1)) for p in found]
        metafunc.parametrize("_boardless_place", found, indirect=True, ids=ids)


@pytest.fixture
def _boardless_place(request: pytest.FixtureRequest) -> Place:
    from sim.markers import places

    place: Place = request.param if hasattr(request, "param") else places(request.node, _settings(request.config))[0]
    return place


@pytest.fixture(scope="session")
def _boardless_targets(pytestconfig: pytest.Config) -> dict[Place, Target]:
    return {}


@pytest.fixture
def _boardless_target(
    _boardless_place: Place, _boardless_targets: dict[Place, Target], pytestconfig: pytest.Config
) -> Target:
    from sim.errors import CannotPlay
    from sim.target import Target

    if _boardless_place not in _boardless_targets:
        settings = replace(_settings(pytestconfig), board=_boardless_place.board, engine=_boardless_place.engine)
        try:
            _boardless_targets[_boardless_place] = Target.of(settings)
        except CannotPlay as error:
            pytest.skip(str(error))
    target = _boardless_targets[_boardless_place]
    # An engine that is not for everybody says what it misses (engine `renode`).
    missing = getattr(target.engine, "missing", str)()
    if missing:
        pytest.skip(f"no engine {target.engine.name} here: {missing}")
    return target


@pytest.fixture
def board(_boardless_target: Target) -> Board:
    """The board that this test runs on (see `sim.Board`)."""
    return _boardless_target.board


# ---- firmware and machine ----


@pytest.fixture
def firmware(request: pytest.FixtureRequest, _boardless_target: Target) -> Firmware:
    """The firmware of this test: an ELF (`--firmware`, marker `firmware`), or an app built for the board."""
    from sim.pytest_report import watch_firmware

    return watch_firmware(request.node, _firmware(request, _boardless_target))


def _firmware(request: pytest.FixtureRequest, _boardless_target: Target) -> Firmware:
    from sim.errors import UsageError
    from sim.firmware import Firmware
    from sim.markers import marked, path_of

    node, board = request.node, _boardless_target.board
    option = request.config.getoption("--firmware")
    if option:
        return Firmware.from_elf(_option_path(request.config, option), board=board)
    elf, app, model = marked(node, "firmware"), marked(node, "app"), marked(node, "model")
    nearest = min((found[1] for found in (app, model) if found), default=None)
    if elf and elf[1] == nearest:
        raise UsageError(f"{node.nodeid} is marked with `firmware` and with `app` or `model`", hint="one of them")
    if elf and (nearest is None or elf[1] < nearest):
        return Firmware.from_elf(path_of(node, elf[0]), board=board)
    if app is None and model is None:
        raise UsageError(
            f"{node.nodeid}: which firmware?",
            hint='mark the test: @pytest.mark.app("gesture") or @pytest.mark.firmware("build/product.elf")',
        )
    name = app[0] if app else "invoke"
    folder = path_of(node, name)
    return _boardless_target.build(
        folder if folder.is_dir() else name, path_of(node, model[0]).absolute() if model else None
    )


@pytest.fixture
def machine(request: pytest.FixtureRequest, firmware: Firmware, _boardless_target: Target) -> Iterator[Machine]:
    """A virtual board with the firmware of this test, fresh, booted and ready (see `sim.Machine`)."""
    from sim.errors import FirmwareFailure
    from sim.markers import marked
    from sim.pytest_recording import keep_recording, record_machine
    from sim.pytest_report import machine_ready, watch_machine

    target, node = _boardless_target, request.node
    on_fault = marked(node, "on_fault")
    folder = request.getfixturevalue("tmp_path_factory").getbasetemp() / "boardless"
    log = folder / (re.sub(r"[^\w.-]+", "-", node.nodeid)[-180:].strip("-") + ".log")
    engine = f"{target.engine.name} {target.engine.version()} ({target.layout.machine})"
    node.user_properties += [
        ("boardless_board", target.board.name),
        ("boardless_engine", engine),
        ("boardless_firmware_sha256", firmware.sha256),
    ]
    with target.started(firmware.elf, on_fault=on_fault[0] if on_fault else "stop", log=log) as machine:
        # An image for the board's own addresses runs on another machine than the twin.
        node.user_properties[:] = [
            (key, machine.engine_text if key == "boardless_engine" else value) for key, value in node.user_properties
        ]
        watch_machine(node, machine, firmware)
        record_machine(node, machine, firmware)
        try:
            machine.run_until_ready()
        except FirmwareFailure:
            keep_recording(node, "setup")
            raise
        machine_ready(node, machine)
        node.stash[_MACHINE] = machine
        yield machine
    del node.stash[_MACHINE]


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Callable[[str], Recording]:
    """`recording("running_07")`: a file beside the test, in `recordings/`, or of a model that boardless ships."""

    def load(name: str) -> Recording:
        from sim.sensors.find import find_recording
        from sim.sensors.recording import Recording

        return Recording.load(find_recording(name, [request.path.parent, request.config.rootpath]))

    return load


@pytest.fixture
def evaluate(_boardless_target: Target) -> Callable[..., Evaluation]:
    """`evaluate("gesture", data).accuracy`: a labelled set on this test's board and engine (see `sim.evaluate`)."""
    from functools import partial

    from sim.evaluate import evaluate

    return partial(evaluate, settings=_boardless_target.settings)


# ---- failures ----


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
        elif call.when == "call" and isinstance(error, Exception) and _MACHINE in item.stash:
            item.add_report_section("call", "virtual board", _state(item.stash[_MACHINE]))
    report = yield
    if whole and report.failed:
        report.longrepr = whole
    return report


def _state(machine: Machine) -> str:
    try:
        return f"{machine.report()}\n"
    except Exception as error:  # whatever it is, the failure of the test itself must be shown
        return f"its state cannot be shown: {error!r}\n"
