"""`evaluate`: app, set, board -> Evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.boards import Board, all_boards, board_folders
from sim.durations import picoseconds
from sim.errors import SetupError, UsageError
from sim.evaluate.dataset import Dataset, Entry, Given, dataset
from sim.evaluate.evaluation import Evaluation, result_of
from sim.evaluate.executor import Executor, executor
from sim.evaluate.host import HostDecision, HostSide
from sim.evaluate.journal import Journal
from sim.evaluate.labelled import Playable
from sim.evaluate.opening import Opening, opening_of
from sim.evaluate.playing import RESTART
from sim.evaluate.rules import Rules
from sim.evaluate.unit import Place, Played, Unit, unit_key
from sim.evaluate.use import Use
from sim.settings import Settings
from sim.target import Target

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.firmware.app import App
    from sim.model import Model

TAIL = "30 s"  # of board time for the last decision
# A unit: what is played in one boot. The same for any number of jobs, so that results are.
_UNIT_COUNT, _UNIT_SECONDS = 12, 120.0
Progress = Callable[[str, int, int], None]  # what is being done, how many are, of how many


def _silent(_what: str, _done: int, _of: int) -> None:
    pass


@dataclass(frozen=True, eq=False)
class _Task:
    """All that is known before anything is played."""

    target: Target
    firmware: Firmware
    rules: Rules
    labels: tuple[str, ...]
    use: Use | None
    opening: Opening
    place: Place


def evaluate(
    app: str | Path,
    data: Given = None,
    board: str | Board | None = None,
    *,
    model: Model | Path | str | None = None,
    engine: str | None = None,
    tflm: str | None = None,
    kernels: str | None = None,
    settings: Settings | None = None,
    sensor: str = "",
    verdict: str = "",
    limit: int | None = None,
    skip_broken: bool = False,
    resample: bool = False,
    one_boot: bool = True,
    host: bool = True,
    jobs: int = 1,
    dask: str = "",
    using: Executor | None = None,
    journal: Path | None = None,
    keep_journal: bool = False,
    progress: Progress = _silent,
    building: Callable[[str], None] = lambda text: None,
) -> Evaluation:
    """Play a labelled set to the sensor of an app on a virtual board, and judge what it decides.

    `app`: a name, a folder with an app.toml, or a finished ELF. `data`: a path (docs/evaluate.md), Labelled
    recordings, or None for the set of the model's own folder. `model`: another one than the app's own. `limit`: so
    many recordings, evenly spread. `one_boot=False`: a boot for each recording even where the firmware can start
    again by itself. `jobs`: processes; `dask`: address of a scheduler; `using`: an executor that is there already.

    Raises UsageError for what cannot be used, naming it; BuildError where it does not fit the board; SetupError.
    What the firmware does wrong is in the result. An evaluation that was interrupted goes on where it was.
    """
    task = _prepared(app, board, model, (engine, tflm, kernels), settings, sensor, verdict, one_boot, building)
    found = dataset(
        data, task.use, task.opening, task.labels, limit=limit, skip_broken=skip_broken, resample=resample,
        progress=lambda done, of: progress("reading", done, of),
    )  # fmt: skip
    side, no_host = _host_side(task, wanted=host)
    kept = Journal(journal or Journal.place_of(unit_key(task.place.key, [found.sha256])))
    finished = False
    try:
        with nullcontext(using) if using is not None else executor(jobs, dask) as chosen:
            played, decided = _play(task, found, chosen, kept, side, progress)
        finished = True
    finally:
        kept.close(done=finished and not keep_journal)
    labels = task.labels or tuple(sorted({e.item.label for e in found.entries}))
    results = [
        result_of(entry, played[i], decided[i] if side else None, task.rules, labels)
        for i, entry in enumerate(found.entries)
    ]
    return Evaluation(
        target=task.target,
        firmware=task.firmware,
        opening=task.opening,
        data=found,
        rules=task.rules,
        labels=labels,
        results=tuple(results),
        host_text=side.text if side else "",
        no_host=no_host,
        one_boot=task.place.restart,
    )


def _prepared(
    app: str | Path,
    board: str | Board | None,
    model: Model | Path | str | None,
    chosen: tuple[str | None, str | None, str | None],
    settings: Settings | None,
    sensor: str,
    verdict: str,
    one_boot: bool,
    building: Callable[[str], None],
) -> _Task:
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
    return _Task(target, firmware, rules, labels, Use.of(folder), opening, place)


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


def _host_side(task: _Task, *, wanted: bool) -> tuple[HostSide | None, str]:
    if not wanted:
        return None, "not asked for"
    if task.firmware.model is None:
        return None, "a finished image: its model is not known"
    if task.use is None or task.use.host is None:
        return None, "the model's folder has no evaluate.py with host()"
    try:
        return HostSide(task.firmware.model, task.use), ""
    except SetupError as error:
        return None, error.message


def _play(
    task: _Task, found: Dataset, chosen: Executor, kept: Journal, side: HostSide | None, progress: Progress
) -> tuple[list[Played], list[list[HostDecision]]]:
    """Results of all entries in order. What the journal has is not played again."""
    groups = list(_groups(found.entries))
    keys = [unit_key(task.place.key, [found.entries[i].sha256 for i in group]) for group in groups]
    done = {key: played for key in keys if (played := kept.get(key)) is not None}
    total = len(found.entries)

    def shown() -> int:
        return sum(len(group) for group, key in zip(groups, keys, strict=True) if key in done)

    progress("playing", shown(), total)

    loaded: dict[str, tuple[Playable, ...]] = {}  # of units that are being played

    def units() -> Iterator[Unit]:
        asked = set(done)
        for group, key in zip(groups, keys, strict=True):
            if key not in asked:
                asked.add(key)
                items = [found.entries[i].item for i in group]
                loaded[key] = tuple(item.load() for item in items)
                yield Unit(key, tuple(item.name for item in items), loaded[key])

    decided: list[list[HostDecision]] = [[] for _ in found.entries]

    def on_host(group: Sequence[int], key: str) -> None:
        stimuli = loaded.pop(key, None)
        for n, i in enumerate(group if side is not None else ()):
            item = found.entries[i].item
            assert side is not None
            decided[i] = side.decide(stimuli[n] if stimuli else item.load(), task.opening, item.name)

    for group, key in zip(groups, keys, strict=True):
        if key in done:
            on_host(group, key)
    for key, played in chosen.run(task.place, units()):
        kept.put(key, played)
        done[key] = played
        progress("playing", shown(), total)
        for group, other in zip(groups, keys, strict=True):
            if other == key:
                on_host(group, key)
    return [p for key in keys for p in done[key]], decided


def _groups(entries: Sequence[Entry]) -> Iterator[list[int]]:
    """Entries by number, as they are played in one boot each: some, of some minutes together."""
    group: list[int] = []
    seconds = 0.0
    for i, entry in enumerate(entries):
        if group and (len(group) >= _UNIT_COUNT or seconds + entry.seconds > _UNIT_SECONDS):
            yield group
            group, seconds = [], 0.0
        group.append(i)
        seconds += entry.seconds
    if group:
        yield group
