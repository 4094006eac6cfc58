"""The pytest plugin: fixtures `machine`, `firmware`, `board`, `recording`; markers and options to choose them.

Nothing but this file is imported until a test asks for a fixture. On the command line `--board`, `--engine` and
`--firmware` win over the markers of a test, those over the settings of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.boards import Board
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.sensors.recording import Recording
    from sim.settings import Settings
    from sim.target import Target

_MARKERS = {
    "board(name, ...)": "board(s) the test runs on; each gives a test of its own",
    "engine(name, ...)": "engine(s) the test runs on; each gives a test of its own",
    "app(name)": "app of firmware/apps, or a folder with one: what `firmware` is built from",
    "model(path)": "the .tflite that goes into the app (default: the app's own)",
    "firmware(path)": "a finished ELF, built by whatever means, instead of an app",
    "on_fault(what)": "'stop' (default): a fault ends the test at once; 'run': the firmware's handler goes on",
}
_MACHINE: pytest.StashKey[Machine] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("boardless", "virtual boards")
    group.addoption("--board", action="append", metavar="NAME", help="board to run on; again: on each of them")
    group.addoption("--engine", action="append", metavar="NAME", help="engine to run on; again: on each of them")
    group.addoption("--firmware", metavar="ELF", help="run this ELF instead of what the tests name")
    group.addoption("--boardless-tflm", metavar="PATH", help="TFLM tree to build from")
    group.addoption("--boardless-kernels", metavar="KERNELS", help="kernels of that tree: reference or cmsis-nn")


def pytest_configure(config: pytest.Config) -> None:
    for name, text in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")


def _settings(config: pytest.Config) -> Settings:
    from sim.settings import Settings

    options = {"tflm": config.getoption("--boardless-tflm"), "kernels": config.getoption("--boardless-kernels")}
    return Settings.load(options, start=config.rootpath)


def pytest_report_header(config: pytest.Config) -> str:
    from sim.engines import find_engine
    from sim.errors import BoardlessError

    try:
        settings = _settings(config)
        engines = config.getoption("--engine") or [settings.engine]
        found = [find_engine(replace(settings, engine=name)) for name in engines]
        shown = ", ".join(f"{e.name} {e.version()}" for e in found)
        return f"boardless: {shown}; TFLM {settings.tflm or 'pinned tree'}, {settings.kernels} kernels"
    except BoardlessError as error:
        return f"boardless: {error.message}"


# ---- which board and engine a test runs on ----


@dataclass(frozen=True)
class _Place:
    board: str
    engine: str


def _places(node: pytest.Item, config: pytest.Config) -> list[_Place]:
    settings = _settings(config)

    def names(what: str, default: str) -> list[str]:
        given = config.getoption(f"--{what}")
        if given:
            return list(dict.fromkeys(given))
        marker = node.get_closest_marker(what)
        return [str(a) for a in marker.args] if marker and marker.args else [default]

    return [_Place(b, e) for b in names("board", settings.board) for e in names("engine", settings.engine)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "_boardless_place" not in metafunc.fixturenames:
        return
    places = _places(metafunc.definition, metafunc.config)
    if len(places) > 1:
        boards, engines = {p.board for p in places}, {p.engine for p in places}
        ids = ["-".join([Path(p.board).name] * (len(boards) > 1) + [p.engine] * (len(engines) > 1)) for p in places]
        metafunc.parametrize("_boardless_place", places, indirect=True, ids=ids)


@pytest.fixture
def _boardless_place(request: pytest.FixtureRequest) -> _Place:
    place: _Place = request.param if hasattr(request, "param") else _places(request.node, request.config)[0]
    return place


@pytest.fixture(scope="session")
def _boardless_targets(pytestconfig: pytest.Config) -> dict[_Place, Target]:
    return {}


@pytest.fixture
def _boardless_target(
    _boardless_place: _Place, _boardless_targets: dict[_Place, Target], pytestconfig: pytest.Config
) -> Target:
    from sim.target import Target

    if _boardless_place not in _boardless_targets:
        settings = replace(_settings(pytestconfig), board=_boardless_place.board, engine=_boardless_place.engine)
        _boardless_targets[_boardless_place] = Target.of(settings)
    return _boardless_targets[_boardless_place]


@pytest.fixture
def board(_boardless_target: Target) -> Board:
    """The board that this test runs on (see `sim.Board`)."""
    return _boardless_target.board


# ---- firmware and machine ----


def _path_of(request: pytest.FixtureRequest, given: str | Path) -> Path:
    """A path in a marker is meant from the test file, else from the project."""
    path = Path(given).expanduser()
    for folder in (request.path.parent, request.config.rootpath):
        if (folder / path).exists():
            return folder / path
    return path


def _marked(request: pytest.FixtureRequest, name: str) -> Any:
    marker = request.node.get_closest_marker(name)
    return marker.args[0] if marker and marker.args else None


@pytest.fixture
def firmware(request: pytest.FixtureRequest, _boardless_target: Target) -> Firmware:
    """The firmware of this test: an ELF (`--firmware`, marker `firmware`), or an app built for the board."""
    from sim.errors import UsageError
    from sim.firmware import Firmware

    elf = request.config.getoption("--firmware") or _marked(request, "firmware")
    if elf:
        return Firmware.from_elf(_path_of(request, elf), board=_boardless_target.board)
    app, model = _marked(request, "app"), _marked(request, "model")
    if app is None:
        if model is None:
            raise UsageError(
                f"{request.node.nodeid}: which firmware?",
                hint='mark the test: @pytest.mark.app("gesture") or @pytest.mark.firmware("build/product.elf")',
            )
        app = "invoke"
    folder = _path_of(request, str(app))
    the_app = folder if folder.is_dir() else str(app)
    return _boardless_target.build(the_app, _path_of(request, model) if model else None)


@pytest.fixture
def machine(request: pytest.FixtureRequest, firmware: Firmware, _boardless_target: Target) -> Iterator[Machine]:
    """A virtual board with the firmware of this test, fresh, booted and ready (see `sim.Machine`)."""
    on_fault = _marked(request, "on_fault") or "stop"
    folder = request.getfixturevalue("tmp_path_factory").getbasetemp()
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in request.node.name)
    target = _boardless_target
    with target.boot(firmware.elf, on_fault=on_fault, log=folder / "boardless" / f"{name}.log") as machine:
        request.node.stash[_MACHINE] = machine
        record = request.node.user_properties
        record.append(("boardless_board", target.board.name))
        record.append(("boardless_engine", machine.engine_text))
        record.append(("boardless_firmware_sha256", firmware.sha256))
        yield machine


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Callable[[str], Recording]:
    """`recording("running_07")`: a file beside the test, in `recordings/`, or of a model that boardless ships."""

    def load(name: str) -> Recording:
        from sim.sensors.find import find_recording
        from sim.sensors.recording import Recording

        return Recording.load(find_recording(name, [request.path.parent, request.config.rootpath]))

    return load


# ---- failures ----


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    from sim.errors import BoardlessError, FirmwareFailure

    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, BoardlessError | FirmwareFailure) and report.outcome == "failed":
        # The text is complete in itself; the way through the fixtures says nothing.
        where = _line_in_test(item, call)
        report.longrepr = f"{where}{type(error).__name__}: {error}"
    machine = item.stash.get(_MACHINE, None)
    if machine is not None and report.when == "call" and report.failed:
        text = str(machine.console)
        if text:
            report.sections.append(("UART, with board time", text[-20_000:]))
    return report


def _line_in_test(item: pytest.Item, call: pytest.CallInfo[None]) -> str:
    if call.when != "call" or call.excinfo is None:
        return ""
    for entry in call.excinfo.traceback:
        if Path(str(entry.path)) == item.path:
            return f"{item.path.name}:{entry.lineno + 1}: {entry.statement}\n"
    return ""
