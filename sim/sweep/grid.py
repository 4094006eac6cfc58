"""Which combinations a sweep tries; every name is looked up before anything is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.boards import Board, all_boards, board_folders
from sim.engines import engine_names
from sim.errors import UsageError, near
from sim.firmware.app import App
from sim.model import Model
from sim.settings import KERNELS, Settings
from sim.tflm import TflmTree

DEFAULT = "default"  # the pinned tree


@dataclass(frozen=True)
class Cell:
    """One combination. `app`: a name or a folder; `model`: None where it has none; `tflm`: empty is the pinned tree."""

    app: str
    data: Path | None
    model: Path | None
    board: str
    tflm: str
    kernels: str
    engine: str

    @property
    def app_name(self) -> str:
        return Path(self.app).name

    @property
    def board_name(self) -> str:
        return Path(self.board).name


def grid(
    apps: Sequence[str],
    *,
    boards: Sequence[str] = (),
    models: Sequence[str] = (),
    data: Sequence[str] = (),
    trees: Sequence[str] = (),
    kernels: Sequence[str] = (),
    engines: Sequence[str] = (),
    settings: Settings,
) -> list[Cell]:
    """All combinations, in the order given. No boards: all there are; nothing else: as the settings say.

    `models` and `data` are paths, or APP=PATH where there are several apps. Raises UsageError for any name that is
    none.
    """
    folders = board_folders(settings)
    if not apps:
        raise UsageError("a sweep of no apps", hint="boardless sweep gesture image")
    own = {app: App.load(Path(app) if Path(app).is_dir() else app).model_file() for app in apps}
    chosen = list(boards) or [board.name for board in all_boards(folders)]
    for board in chosen:
        Board.load(board, folders)
    for engine in engines:
        if engine not in engine_names():
            raise UsageError(f"unknown engine {engine!r}", hint=near(engine, engine_names()))
    for kernel in kernels:
        if kernel not in KERNELS:
            raise UsageError(f"unknown kernels {kernel!r}", hint=near(kernel, KERNELS))
    for tree in trees:
        if tree != DEFAULT:
            TflmTree.at(Path(tree).expanduser())
    models_of = _by_app(models, apps, "--model")
    data_of = _by_app(data, apps, "--data")
    for paths in models_of.values():
        for path in paths:
            Model.load(path)
    for app, paths in data_of.items():
        if len(paths) > 1:
            raise UsageError(f"--data: two sets for {app}", hint="one set an app; put them into one folder")
        if not paths[0].exists():
            raise UsageError(
                f"--data: {paths[0]}: no such folder or file", hint=f"of several apps: --data {app}=FOLDER"
            )
    return [
        Cell(app, next(iter(data_of.get(app, [])), None), model, board, tree, kernel, engine)
        for app in dict.fromkeys(apps)
        for model in dict.fromkeys(models_of.get(app, [])) or [own[app]]
        for tree in _named(trees) or [settings.tflm]
        for kernel in dict.fromkeys(kernels) or [settings.kernels]
        for engine in dict.fromkeys(engines) or [settings.engine]
        for board in dict.fromkeys(chosen)
    ]


def _named(trees: Sequence[str]) -> list[str]:
    return ["" if tree == DEFAULT else tree for tree in dict.fromkeys(trees)]


def _by_app(given: Sequence[str], apps: Sequence[str], option: str) -> dict[str, list[Path]]:
    """APP=PATH, or PATH where there is one app; APP as it was given, or the name of its folder, where one has it.

    An app's folder may have a = in it: the longest that fits wins.
    """
    found: dict[str, list[Path]] = {}
    for text in given:
        names = {(name, app) for app in apps for name in (app, Path(app).name) if text.startswith(f"{name}=")}
        longest = max((name for name, _ in names), key=len, default="")
        fitting = [app for name, app in names if name == longest]
        if len(fitting) == 1:
            found.setdefault(fitting[0], []).append(Path(text[len(longest) + 1 :]).expanduser())
        elif not fitting and len(set(apps)) == 1:
            found.setdefault(apps[0], []).append(Path(text).expanduser())
        else:
            raise UsageError(
                f"{option} {text}: for which of {', '.join(apps)}?", hint=f"write {option} {apps[0]}={text}"
            )
    return found
