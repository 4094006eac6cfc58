"""Fixtures of the plugin, `machine` above all, and which board and engine a test gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sim.pytest_settings import option_path, settings_of

if TYPE_CHECKING:
    from sim.boards import Board
    from sim.evaluate import Evaluation
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.markers import Place
    from sim.sensors.recording import Recording
    from sim.target import Target

MACHINE: pytest.StashKey[Machine] = pytest.StashKey()  # the machine of a test that runs now


# ---- which board and engine a test runs on ----


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "_boardless_place" not in metafunc.fixturenames:
        return
    from sim.errors import BoardlessError
    from sim.markers import places

    try:
        found = places(metafunc.definition, settings_of(metafunc.config))
    except BoardlessError as error:
        raise pytest.Collector.CollectError(str(error)) from None
    if len(found) > 1:
        boards, engines, ios = {p.board for p in found}, {p.engine for p in found}, {p.io for p in found}
        names = [[Path(p.board).name] * (len(boards) > 1) + [p.engine] * (len(engines) > 1) for p in found]
        ids = ["-".join(name + [p.io] * (len(ios) > 1)) for name, p in zip(names, found, strict=True)]
        metafunc.parametrize("_boardless_place", found, indirect=True, ids=ids)


@pytest.fixture
def _boardless_place(request: pytest.FixtureRequest) -> Place:
    from sim.markers import places

    place: Place = request.param if hasattr(request, "param") else places(request.node, settings_of(request.config))[0]
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
        place = _boardless_place
        settings = replace(settings_of(pytestconfig), board=place.board, engine=place.engine, io=place.io)
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
        return Firmware.from_elf(option_path(request.config, option), board=board)
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
    target = _boardless_target
    recorder = marked(node, "recorder")
    if recorder:
        target = replace(target, settings=replace(target.settings, recorder=recorder[0]))
    return target.build(folder if folder.is_dir() else name, path_of(node, model[0]).absolute() if model else None)


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
    if firmware.parsed.relinked:
        node.user_properties.append(("boardless_relinked", firmware.parsed.relinked))
    check_stack = node.get_closest_marker("check_stack") is not None
    with target.started(
        firmware.elf, on_fault=on_fault[0] if on_fault else "stop", log=log, check_stack=check_stack
    ) as machine:
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
        node.stash[MACHINE] = machine
        yield machine
    del node.stash[MACHINE]


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Callable[[str], Recording]:
    """`recording("running_07")`: a file beside the test, in `recordings/`, or of a model that boardless ships."""

    def load(name: str) -> Recording:
        from sim.sensors.find import find_recording
        from sim.sensors.recording import Recording

        return Recording.load(find_recording(name, [request.path.parent, request.config.rootpath]))

    return load


@pytest.fixture
def evaluate(request: pytest.FixtureRequest, _boardless_target: Target) -> Callable[..., Evaluation]:
    """`evaluate("gesture", data).accuracy`: a labelled set on this test's board and engine (see `sim.evaluate`).

    Paths of app, set and model are meant as those of markers are: from the test's file, or from the project.
    """
    from sim.evaluate import evaluate
    from sim.markers import path_of

    def meant(given: Any) -> Any:
        found = path_of(request.node, str(given)) if isinstance(given, str | Path) else None
        return found if found is not None and found.exists() else given

    def run(app: str | Path, data: Any = None, *more: Any, **options: Any) -> Evaluation:
        if "model" in options:
            options["model"] = meant(options["model"])
        found = Path(meant(app))
        # A folder that only has the name of a shipped app (its data, say) is not meant.
        chosen = found if found.is_file() or (found / "app.toml").is_file() else app
        return evaluate(chosen, meant(data), *more, **{"settings": _boardless_target.settings, **options})

    return run
