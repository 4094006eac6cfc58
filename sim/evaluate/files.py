"""Labelled recordings in files: a folder a label, an index, or arrays in one file."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError, near
from sim.evaluate.labelled import Labelled, Playable
from sim.evaluate.opening import Opening
from sim.sensors.frames import Frames
from sim.sensors.recording import Recording

INDEX, SETTINGS = "labels.csv", "dataset.toml"
ENDINGS = (".csv", ".wav", ".npy", ".npz", ".png", ".parquet")
_ASIDE = (".md", ".txt", ".json", ".toml", ".py")  # lie beside recordings and are none
_COLUMNS = ("file", "label", "begin", "end")
_KEYS = {
    "rate": (int, float),
    "channels": (list,),
    "units": (str, list),
    "interpolation": (str,),
    "select": (list,),
    "scale": (int,),
    "background": (int, float),
}


@dataclass(frozen=True)
class How:
    """What files do not say themselves, from dataset.toml; and the sensor that they are for."""

    opening: Opening
    said: Mapping[str, Any]

    def load(self, path: Path) -> Playable:
        """One file. Raises UsageError naming it."""
        kind = path.suffix.lower()
        if kind == ".png" or (self.opening.is_camera and kind == ".npy"):
            options = {k: self.said[k] for k in ("scale", "background") if k in self.said}
            rate = float(self.said.get("rate", self.opening.rate))
            return Frames.load(path, rate, **options)
        options = {k: self.said[k] for k in ("rate", "channels", "units", "interpolation") if k in self.said}
        loaded = Recording.load(path, **options)
        try:
            return loaded.select(*self.said["select"]) if "select" in self.said else loaded
        except UsageError as error:
            raise UsageError(f"{path}: {error.message}", hint=error.hint) from None


def labelled_files(data: Path, opening: Opening) -> list[Labelled]:
    """All recordings of a set, sorted by name (of an index: in its order); none is read yet. Raises UsageError."""
    if data.is_dir():
        how = How(opening, _settings(data / SETTINGS))
        index = data / INDEX
        return _indexed(index, how) if index.is_file() else _folders(data, how)
    if not data.exists():
        raise UsageError(f"{data}: no such folder or file", hint="a folder with one a label, labels.csv, or a .npz")
    if data.suffix == ".csv":
        return _indexed(data, How(opening, _settings(data.parent / SETTINGS)))
    if data.suffix == ".npz":
        return _arrays(data, opening)
    raise UsageError(f"{data}: not a set of recordings", hint="a folder with one a label, labels.csv, or a .npz")


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a TOML file: {error}") from None
    return _checked(said, path)


def _checked(said: dict[str, Any], path: Path) -> dict[str, Any]:
    for key, value in said.items():
        if key not in _KEYS:
            raise UsageError(f"{path}: unknown key {key!r}", hint=near(key, _KEYS))
        texts = not isinstance(value, list) or all(isinstance(v, str) for v in value)
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool) or not texts:
            raise UsageError(f"{path}: {key} is {value!r}", hint="docs/evaluate.md shows the file")
    return said


def _folders(data: Path, how: How) -> list[Labelled]:
    folders = sorted(p for p in data.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))
    if not folders:
        raise UsageError(f"{data}: neither {INDEX} nor a folder for each label in it",
                         hint=f"{data.name}/running/one.csv, or {INDEX} with columns file,label")  # fmt: skip
    found = []
    for folder in folders:
        # What is no folder, not only what is a file: a link into nowhere (git-annex, LFS) is a broken recording.
        for path in sorted(p for p in folder.rglob("*") if not p.is_dir() and not p.name.startswith(".")):
            if path.suffix.lower() in _ASIDE:
                continue
            name = path.relative_to(data).as_posix()
            found.append(Labelled(name, partial(_one, how, path), folder.name))
    return found


def _one(how: How, path: Path) -> Playable:
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: not a kind of recording that can be read", hint=f"there are: {', '.join(ENDINGS)}")
    return how.load(path)


def _indexed(index: Path, how: How) -> list[Labelled]:
    try:
        with index.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
            columns = list(rows[0]) if rows else []
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{index}: not a CSV file: {error}") from None
    if not {"file", "label"} <= set(columns) or not set(columns) <= set(_COLUMNS):
        raise UsageError(f"{index}: columns {', '.join(map(str, columns)) or '(none)'}",
                         hint=f"file and label, and if you like begin and end: {','.join(_COLUMNS)}")  # fmt: skip
    found = []
    for number, row in enumerate(rows, 2):
        if not row["file"] or not row["label"] or None in row.values():
            raise UsageError(f"{index}, line {number}: a value is missing")
        path = index.parent / row["file"]
        found.append(Labelled(row["file"], partial(_one, how, path), row["label"], _event(index, number, row)))
    return found


def _event(index: Path, number: int, row: Mapping[str, str]) -> tuple[float, float] | None:
    given = [row.get("begin") or "", row.get("end") or ""]
    if not any(given):
        return None
    try:
        begin, end = float(given[0] or 0), float(given[1])
    except ValueError:
        begin, end = 0.0, -1.0
    if not 0 <= begin <= end:
        raise UsageError(f"{index}, line {number}: an event from {given[0]!r} to {given[1]!r}",
                         hint="seconds of the recording, the end not before the beginning")  # fmt: skip
    return begin, end


def _arrays(path: Path, opening: Opening) -> list[Labelled]:
    """`X` [n, ...] and `y` [n]: texts, or indices into `labels`; the keys of dataset.toml as further arrays."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            held = {name: arrays[name] for name in arrays.files}
    except Exception as error:  # on damage NumPy raises all kinds
        raise UsageError(f"{path}: not a .npz file with plain arrays: {error}") from None
    for name in ("X", "y"):
        if name not in held:
            raise UsageError(f"{path}: has no array {name!r}", hint=near(name, held))
    x, y, names = held.pop("X"), held.pop("y"), held.pop("labels", None)
    said = _checked({k: v.tolist() for k, v in held.items()}, path)
    if y.shape != x.shape[:1] or not len(y):
        raise UsageError(f"{path}: X has shape {x.shape}, y {y.shape}", hint="a label for each row of X")
    texts = [str(v) for v in y.tolist()]
    if names is not None:
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= len(names):
            raise UsageError(f"{path}: y must be indices into labels, 0 to {len(names) - 1}")
        texts = [str(names[i]) for i in y.tolist()]
    return [
        Labelled(f"{path.name}[{i}]", partial(_row, x[i], f"{path}: row {i}", said, opening), text)
        for i, text in enumerate(texts)
    ]


def _row(values: npt.NDArray[Any], name: str, said: Mapping[str, Any], opening: Opening) -> Playable:
    rate = float(said.get("rate", opening.rate))
    if opening.is_camera:
        options = {k: said[k] for k in ("scale", "background") if k in said}
        return Frames(values, rate, name=name, **options)
    channels, units = said.get("channels", opening.part.channels), said.get("units", opening.part.units)
    row = Recording(values, channels, units, rate=rate, name=name, interpolation=said.get("interpolation", "linear"))
    return row.select(*said["select"]) if "select" in said else row
