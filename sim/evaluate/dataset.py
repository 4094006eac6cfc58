"""A labelled set, every recording of it read once and found good, with the hash of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.errors import UsageError, near
from sim.evaluate.files import labelled_files
from sim.evaluate.labelled import Labelled, Playable, digest
from sim.evaluate.opening import Opening
from sim.evaluate.use import FILE, Use


@dataclass(frozen=True)
class Entry:
    """One recording: `sha256` of what it plays, `seconds` of board time."""

    item: Labelled
    sha256: str
    seconds: float


@dataclass(frozen=True)
class Skipped:
    """A recording that cannot be used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """`source` says where the set is from, for people."""

    source: str
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...]

    @property
    def sha256(self) -> str:
        """Over contents and labels, in order."""
        whole = hashlib.sha256()
        for e in self.entries:
            whole.update(f"{e.sha256} {e.item.label!r} {e.item.event!r}\n".encode())
        return whole.hexdigest()


Given = Path | str | Iterable[Labelled] | None


def dataset(
    given: Given,
    use: Use | None,
    opening: Opening,
    labels: Sequence[str],
    *,
    limit: int | None,
    skip_broken: bool,
    resample: bool,
    progress: Callable[[int, int], None],
    read: Callable[[Entry, Playable, int], None] = lambda entry, stimulus, of: None,
) -> Dataset:
    """The set, checked. `limit`: so many of it, evenly spread. `labels`: what the model knows; empty: not known.

    `read` is told of each good recording, with what is in it and how many there are, the broken ones among them.

    Raises UsageError naming the first recording that cannot be used; with `skip_broken` those are left out.
    """
    source, items = _items(given, use, opening)
    if not items:
        raise UsageError(f"{source}: there is no recording in it")
    if limit is not None:
        if limit < 1:
            raise UsageError(f"a limit of {limit} recordings", hint="at least 1")
        count = min(limit, len(items))
        items = [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]
    _check_labels(items, labels, source)
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    rates = _usual_rate(items) if skip_broken and not resample else {}
    for number, item in enumerate(items):
        progress(number, len(items))
        try:
            stimulus = item.load()
            entry = _entry(item, stimulus, opening, rates, resample=resample)
        except UsageError as error:
            if not skip_broken:
                raise
            skipped.append(Skipped(item.name, error.message))
            continue
        entries.append(entry)
        read(entry, stimulus, len(items))
    if not entries:
        raise UsageError(f"{source}: none of its {len(skipped)} recordings can be used", hint=skipped[0].reason)
    return Dataset(source, tuple(entries), tuple(skipped))


def _items(given: Given, use: Use | None, opening: Opening) -> tuple[str, list[Labelled]]:
    if isinstance(given, str | Path):
        path = Path(given).expanduser()
        return path.name or str(path), labelled_files(path, opening)
    if given is not None:
        items = list(given)
        for item in items:
            if not isinstance(item, Labelled):
                raise UsageError(f"a set is made of Labelled, not of {type(item).__name__}",
                                 hint="sim.evaluate.Labelled(name, recording, label)")  # fmt: skip
        return "given", items
    if use is None or use.recordings is None:
        where = f"{use.folder / FILE} has no recordings()" if use else f"the app's model has no {FILE}"
        raise UsageError(f"which set? {where}", hint="give one: --data FOLDER (docs/evaluate.md)")
    try:
        return f"{use.folder.name}/{FILE}", list(use.recordings())
    except Exception as error:  # it is anybody's code; mostly a package that is missing
        raise UsageError(f"{use.folder / FILE}: recordings(): {error}") from error


def _check_labels(items: Sequence[Labelled], labels: Sequence[str], source: str) -> None:
    for item in items:
        if labels and item.label not in labels:
            raise UsageError(
                f"{source}: {item.name} is labelled {item.label!r}, which the model does not know",
                hint=near(item.label, labels),
            )


def _usual_rate(items: Sequence[Labelled]) -> dict[float | None, str]:
    """The rate that most recordings have, and one of them: the others are left out, not what the first is unlike."""
    found: dict[float | None, list[str]] = {}
    for item in items:
        try:
            found.setdefault(item.load().rate, []).append(item.name)
        except UsageError:
            continue  # it is told of when it is its turn
    if not found:
        return {}
    usual = max(found, key=lambda rate: len(found[rate]))
    return {usual: found[usual][0]}


def _entry(
    item: Labelled, stimulus: Playable, opening: Opening, rates: dict[float | None, str], *, resample: bool
) -> Entry:
    opening.check(stimulus, item.name, resample=resample)
    # A file of another rate than the others has most often been saved wrongly.
    rates.setdefault(stimulus.rate, item.name)
    if len(rates) > 1 and not resample:
        rate, other = stimulus.rate, next(iter(rates))
        del rates[rate]
        shown = [f"{r:g} Hz" if r else "points at times of their own" for r in (rate, other)]
        raise UsageError(
            f"{item.name}: {shown[0]}, but {rates[other]} has {shown[1]}",
            hint="save it at that rate, or say that it is meant: --resample (resample=True)",
        )
    if item.event is not None and item.event[1] > stimulus.duration + 1e-6:
        raise UsageError(f"{item.name}: its event ends at {item.event[1]:g} s, it has {stimulus.duration:g} s")
    return Entry(item, digest(stimulus), stimulus.duration)
