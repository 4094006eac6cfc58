"""`evaluate`: app, set, board -> Evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from sim.boards import Board
from sim.errors import SetupError
from sim.evaluate.ahead import Ahead
from sim.evaluate.dataset import Dataset, Entry, Given, dataset
from sim.evaluate.evaluation import Evaluation
from sim.evaluate.executor import Executor, executor
from sim.evaluate.host import HostDecision, HostSide
from sim.evaluate.journal import Journal
from sim.evaluate.labelled import Playable
from sim.evaluate.loaded import Loaded
from sim.evaluate.result import result_of
from sim.evaluate.task import Task, prepared
from sim.evaluate.unit import Played, Unit, groups, unit_key
from sim.settings import Settings

if TYPE_CHECKING:
    from sim.model import Model

Progress = Callable[[str, int, int], None]  # what is being done, how many are, of how many


def _silent(_what: str, _done: int, _of: int) -> None:
    pass


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
    with nullcontext(using) if using is not None else executor(jobs, dask) as chosen:
        chosen.start()  # its processes load what they need while this one prepares
        task = prepared(app, board, model, (engine, tflm, kernels), settings, sensor, verdict, one_boot, building)
        ahead = Ahead(task.place, chosen, lambda: Journal.played(journal, task.place.key))
        loaded = Loaded()

        def read(entry: Entry, stimulus: Playable, of: int) -> None:
            loaded.keep(entry.item, stimulus)
            if not skip_broken:  # how many there will be is known
                ahead.read(entry, stimulus, of)

        found = dataset(
            data, task.use, task.opening, task.labels, limit=limit, skip_broken=skip_broken, resample=resample,
            progress=lambda done, of: progress("reading", done, of), read=read,
        )  # fmt: skip
        side, no_host = _host_side(task, wanted=host)
        kept = Journal(journal or Journal.place_of(task.place.key, found.sha256))
        finished = False
        try:
            played, decided = _play(task, found, loaded, ahead.taken, chosen, kept, side, progress)
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


def _host_side(task: Task, *, wanted: bool) -> tuple[HostSide | None, str]:
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
    task: Task,
    found: Dataset,
    loaded: Loaded,
    ahead: set[str],
    chosen: Executor,
    kept: Journal,
    side: HostSide | None,
    progress: Progress,
) -> tuple[list[Played], list[list[HostDecision]]]:
    """Results of all entries in order. What the journal has, or is played `ahead`, is not played again."""
    parts = groups([entry.seconds for entry in found.entries])
    keys = [unit_key(task.place.key, [found.entries[i].sha256 for i in part]) for part in parts]
    done = {key: played for key in keys if (played := kept.get(key)) is not None}
    total = len(found.entries)

    def shown() -> int:
        return sum(len(part) for part, key in zip(parts, keys, strict=True) if key in done)

    progress("playing", shown(), total)

    def units() -> Iterator[Unit]:
        asked = set(done) | ahead
        for part, key in zip(parts, keys, strict=True):
            if key not in asked:
                asked.add(key)
                items = [found.entries[i].item for i in part]
                yield Unit(key, tuple(item.name for item in items), tuple(loaded.get(item) for item in items))

    decided: list[list[HostDecision]] = [[] for _ in found.entries]

    def on_host(part: Sequence[int]) -> None:
        for i in part:
            item = found.entries[i].item
            if side is not None:
                decided[i] = side.decide(loaded.get(item), task.opening, item.name)
            loaded.drop(item)

    for part, key in zip(parts, keys, strict=True):
        if key in done:
            on_host(part)
    for key, played in chosen.run(task.place, units()):
        kept.put(key, played)
        done[key] = played
        progress("playing", shown(), total)
        for part, other in zip(parts, keys, strict=True):
            if other == key:
                on_host(part)
    return [p for key in keys for p in done[key]], decided
