"""Reading recordings: CSV, NPY and NPZ, WAV, Parquet. Every complaint names file, line and what to do."""

from __future__ import annotations

import csv
import difflib
import json
import re
import wave
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError, near
from sim.sensors.recording import Recording
from sim.sensors.units import canonical

_COLUMN = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(?:\[([^\]]*)\])?\s*")
_KEYS = ("rate", "channels", "units", "name", "source", "interpolation")


def load(
    path: Path,
    rate: float | None,
    channels: Sequence[str] | None,
    units: Sequence[str] | str | None,
    interpolation: str | None,
) -> Recording:
    """See Recording.load."""
    readers = {".csv": _csv, ".npy": _npy, ".npz": _npz, ".wav": _wav, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: not a kind of recording that can be read", hint=f"there are: {', '.join(readers)}")
    try:
        found = reader(path)
    except FileNotFoundError:
        names = [p.name for p in path.parent.glob("*") if p.suffix.lower() in readers]
        raise UsageError(f"{path}: no such file", hint=near(path.name, names)) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    given = {"rate": rate, "channels": channels, "units": units, "interpolation": interpolation}
    found.update({key: value for key, value in given.items() if value is not None})
    if rate is not None:
        found.pop("times", None)
    for key, remedy in (
        ("channels", 'give channels=("ax", "ay", "az")'),
        ("units", 'give units="m/s^2"'),
    ):
        if not found.get(key):
            raise UsageError(f"{path}: says no {key}", hint=f"{remedy}, or write it into the file")
    if found.get("rate") is None and found.get("times") is None:
        raise UsageError(
            f"{path}: says no rate",
            hint=f"give rate= in Hz, or write it into the file: {_RATE_IN[path.suffix.lower()]}",
        )
    found.setdefault("name", path.stem)
    found.setdefault("source", str(path.name))
    try:
        return Recording(**found)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None


_RATE_IN = {
    ".csv": "a line `# rate=10`, or a column t[s]",
    ".npy": 'a file of the same name ending in .json: {"rate": 10}',
    ".npz": "an array `rate`",
    ".wav": "its header",
    ".parquet": "`rate` in the table's metadata, or a column t[s]",
}


def _csv(path: Path) -> dict[str, Any]:
    """`# key=value` lines, one line of column names with units, then numbers."""
    found: dict[str, Any] = {}
    header: list[str] | None = None
    rows: list[list[float]] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file in UTF-8: {error.reason}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            _remark(path, number, line, found)
            continue
        cells = next(csv.reader([line]))
        if header is None:
            header = cells
            continue
        if len(cells) != len(header):
            raise UsageError(
                f"{path}, line {number}: {len(cells)} values, but {len(header)} columns",
                hint="columns are separated by commas, numbers have a point",
            )
        rows.append([_number(path, number, name, cell) for name, cell in zip(header, cells, strict=True)])
    if header is None or not rows:
        raise UsageError(f"{path}: is empty: no line of numbers", hint="docs/sensors.md shows a file")
    return _table(path, header, np.array(rows, dtype=np.float64), found)


def _parquet(path: Path) -> dict[str, Any]:
    """Columns named as in CSV; `rate`, `name`, `source`, `interpolation` in the table's metadata."""
    from sim.sensors.recording_parquet import read

    header, data, found = read(path)
    return _table(path, header, data, found)


def _table(path: Path, header: list[str], data: npt.NDArray[np.float64], found: dict[str, Any]) -> dict[str, Any]:
    """Columns with units in their names, one of them perhaps the time."""
    names, units = _columns(path, header)
    if "t" in names:
        at = names.index("t")
        if units[at] not in ("s", "ms"):
            raise UsageError(f"{path}: column t has unit [{units[at]}]", hint="times are in [s] or [ms]")
        if "rate" not in found:
            found["times"] = data[:, at] * (1.0 if units[at] == "s" else 0.001)
        data = np.delete(data, at, axis=1)
        names.pop(at)
        units.pop(at)
    if not names:
        raise UsageError(f"{path}: there is no column but t")
    found["values"], found["channels"] = data, names
    if all(units):
        for name, unit in zip(names, units, strict=True):
            _unit(path, name, unit)
        found["units"] = units
    elif any(units):
        raise UsageError(f"{path}: column {names[units.index('')]!r} has no unit", hint="write it as ax[m/s^2]")
    return found


def _remark(path: Path, number: int, line: str, found: dict[str, Any]) -> None:
    key, equals, value = line.lstrip("# \t").partition("=")
    key, value = key.strip(), value.strip()
    if not equals or not re.fullmatch(r"\w+", key):
        return  # a remark for people
    if key not in ("rate", "name", "source", "interpolation"):
        # Close enough for a slip: a `date=` is a remark, a `rates=` is not.
        if difflib.get_close_matches(key.lower(), ("rate", "interpolation"), cutoff=0.8):
            raise UsageError(f"{path}, line {number}: unknown key {key!r}", hint=near(key, _KEYS))
        return
    found[key] = _number(path, number, key, value) if key == "rate" else value


def _number(path: Path, line: int, name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise UsageError(
            f"{path}, line {line}: {name.strip()}: {cell.strip()!r} is not a number",
            hint="a sensor always delivers a number: cut the gap out, or fill it in knowingly"
            if not cell.strip()
            else "numbers have a point: 9.81",
        ) from None
    if not np.isfinite(value):
        raise UsageError(
            f"{path}, line {line}: {name.strip()}: {cell.strip()} is not a finite number",
            hint="a sensor always delivers a number: cut the gap out, or fill it in knowingly",
        )
    return value


def _columns(path: Path, header: list[str]) -> tuple[list[str], list[str]]:
    names, units = [], []
    for cell in header:
        match = _COLUMN.fullmatch(cell)
        if match is None:
            raise UsageError(
                f"{path}: the {'first line' if path.suffix == '.csv' else 'table'} must name the columns, but has "
                f"{cell.strip()!r}",
                hint="for example: t[s],ax[m/s^2],ay[m/s^2],az[m/s^2]",
            )
        names.append(match[1])
        units.append((match[2] or "").strip())
    return names, units


def _unit(path: Path, channel: str, unit: str) -> None:
    try:
        canonical(unit)
    except UsageError as error:
        raise UsageError(f"{path}: channel {channel}: {error.message}", hint=error.hint) from None


def _npy(path: Path) -> dict[str, Any]:
    """An array [points, channels]; the rest in a .json of the same name, or given."""
    with path.open("rb") as stream:
        try:
            values = np.load(stream, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise UsageError(f"{path}: not an array file of numpy: {error}") from None
    if not isinstance(values, np.ndarray):
        raise UsageError(f"{path}: not one array", hint="a file of several arrays ends in .npz")
    return {"values": values, **_sidecar(path.with_suffix(".json"))}


def _sidecar(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a JSON file: {error}") from None
    if not isinstance(said, dict):
        raise UsageError(f"{path}: must be an object", hint='for example {"rate": 10, "units": "m/s^2"}')
    return _known(path, said)


def _npz(path: Path) -> dict[str, Any]:
    """Arrays `values`, `rate` or `times`, and texts `channels`, `units`, `name`, `source`, `interpolation`."""
    found: dict[str, Any] = {}
    with path.open("rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as arrays:
                for key in arrays.files:
                    found[key] = arrays[key]
        except (ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
            raise UsageError(f"{path}: not a .npz file of numpy: {error}") from None
    if "values" not in found:
        raise UsageError(f"{path}: has no array `values`", hint=near("values", found))
    arrays_only: dict[str, Any] = {key: found.pop(key) for key in ("values", "times") if key in found}
    plain = {key: value.tolist() for key, value in found.items()}
    return {**arrays_only, **_known(path, plain)}


def _known(path: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    """The keys checked by name and type."""
    for key, value in said.items():
        if key not in _KEYS:
            raise UsageError(f"{path}: unknown key {key!r}", hint=near(key, _KEYS))
        if key == "rate":
            fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        elif key in ("channels", "units"):
            fits = (isinstance(value, str) and key == "units") or (
                isinstance(value, list) and all(isinstance(v, str) for v in value)
            )
        else:
            fits = isinstance(value, str)
        if not fits:
            wanted = {"rate": "a number in Hz", "channels": "a list of texts", "units": "a text, or one a channel"}
            raise UsageError(f"{path}: {key} is {value!r}", hint=f"it must be {wanted.get(key, 'a text')}")
    return dict(said)


def _wav(path: Path) -> dict[str, Any]:
    """16-bit sound as -1..1 of full scale; one channel `sound`, or `left` and `right`."""
    with path.open("rb") as stream:
        try:
            with wave.open(stream, "rb") as sound:
                channels, width, rate = sound.getnchannels(), sound.getsampwidth(), sound.getframerate()
                data = sound.readframes(sound.getnframes())
        except (wave.Error, EOFError) as error:
            raise UsageError(f"{path}: not a WAV file of plain samples (PCM): {error or 'it is cut short'}") from None
    if width != 2 or channels not in (1, 2):
        raise UsageError(f"{path}: {8 * width} bits, {channels} channels", hint="save it as 16-bit PCM, mono or stereo")
    codes: npt.NDArray[np.int16] = np.frombuffer(data[: len(data) // (2 * channels) * 2 * channels], dtype="<i2")
    return {
        "values": codes.reshape(-1, channels) / 32768.0,
        "rate": float(rate),
        "channels": ["sound"] if channels == 1 else ["left", "right"],
        "units": "fs",
    }
