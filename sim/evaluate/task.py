"""What an evaluation is to do: the image on its board, the sensor it opens, the rules, the model's folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.boards import Board, all_boards, board_folders
from sim.durations import picoseconds
from sim.errors import UsageError
from sim.evaluate.opening import Opening, opening_of
from sim.evaluate.playing import RESTART
from sim.evaluate.rules import Rules
from sim.evaluate.unit import Place
from sim.evaluate.use import Use
from sim.settings import Settings
from sim.target import Target

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.firmware.app import App
    from sim.model import Model

TAIL = "30 s"  # of board time for the last decision


@dataclass(frozen=True, eq=False)
class Task:
    """All that is known before anything is played."""

    target: Target
    firmware: Firmware
    rules: Rules
    labels: tuple[str, ...]
    use: Use | None
    opening: Opening
    place: Place


def prepared(
    app: str | Path,
    board: str | Board | None,
    model: Model | Path | str | None,
    chosen: tuple[str | None, str | None, str | None],
    settings: Settings | None,
    sensor: str,
    verdict: str,
    one_boot: bool,
    building: Callable[[str], None],
) -> Task:
    """Build, and run the image until it opens its sensor. `chosen`: engine, tree and kernels, None as `settings` say.

    Raises UsageError, BuildError, SetupError: before a recording is read.
    """
    base = settings if settings is not None else Settings.load()
    engine, tflm, kernels = chosen
    target = Target.of(
        replace(
            base,
            board=base.board if board is None else board if isinstance(board, str) else str(board.folder),
            engine=engine or base.engine,
            tflm=base.tflm if tflm is None else tflm,
            kernels=kernels or base.kernels,
        )
    )
    firmware, table, where = _firmware(app, model, target, building)
    rules = Rules.read(table, where)
    if verdict:
        rules = replace(rules, verdict=verdict).checked("verdict")
    folder, labels = _model_folder(app, firmware)
    opening = opening_of(target, firmware.elf, sensor)
    place = Place(
        elf=firmware.elf,
        elf_sha256=firmware.sha256,
        settings=target.settings,
        board=target.board,
        layout=target.layout,
        engine_version=target.engine.version(),
        slot=opening.slot,
        tail_ps=picoseconds(TAIL),
        restart=one_boot and RESTART in firmware.parsed.functions,
    )
    return Task(target, firmware, rules, labels, Use.of(folder), opening, place)


def _firmware(
    app: str | Path, model: Model | Path | str | None, target: Target, building: Callable[[str], None]
) -> tuple[Firmware, dict[str, Any], str]:
    """The firmware, and what its app says of evaluating it, and where."""
    from sim.firmware import Firmware
    from sim.firmware.app import FILE, App

    path = Path(app)
    if path.is_file() and path.name != FILE:
        if model is not None:
            raise UsageError(f"{app} is a finished image: a model cannot be put into it", hint="leave out the model")
        return Firmware.from_elf(path, board=target.board), {}, str(path)
    if path.suffix == ".elf":
        raise UsageError(f"{app}: no such file")
    loaded = App.load(app)
    _check_sensors(loaded, target)
    built = target.build(app, Path(model) if isinstance(model, str) else model, progress=building)
    return built, dict(loaded.evaluate), str(loaded.folder / FILE)


def _check_sensors(app: App, target: Target) -> None:
    """Raises UsageError where the board has not the sensors of the app: before anything is built."""
    for slot in app.sensors:
        if slot not in target.board.parts:
            has = ", ".join(target.board.parts) or "none"
            others = [b.name for b in all_boards(board_folders(target.settings)) if slot in b.parts]
            raise UsageError(
                f"app {app.name} wants the sensor {slot!r}, board {target.board.name} has {has}",
                hint=f"boards that have it: {', '.join(others)}" if others else "docs/boards.md: a board of your own",
            )


def _model_folder(app: str | Path, firmware: Firmware) -> tuple[Path | None, tuple[str, ...]]:
    """Folder with the model's evaluate.py, and its labels. A model without a card is a variant of the app's own."""
    from sim.firmware.app import App
    from sim.firmware.generate import card_of

    if firmware.model is None:
        return None, ()
    own = App.load(app).model_file()
    card = card_of(firmware.model.path)
    place = firmware.model.path if card else own
    if place is None:
        return None, ()
    return place.parent, tuple((card or card_of(own)).get("labels", ()))
