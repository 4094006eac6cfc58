"""Reading recordings, by the kind of the file. Every complaint names file, line and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.errors import UsageError, near
from sim.sensors import recording_arrays, recording_csv, recording_wav
from sim.sensors.recording import Recording
from sim.sensors.recording_table import table

_RATE_IN = {
    ".csv": "a line `# rate=10`, or a column t[s]",
    ".npy": 'a file of the same name ending in .json: {"rate": 10}',
    ".npz": "an array `rate`",
    ".wav": "its header",
    ".parquet": "`rate` in the table's metadata, or a column t[s]",
}


def load(
    path: Path,
    rate: float | None,
    channels: Sequence[str] | None,
    units: Sequence[str] | str | None,
    interpolation: str | None,
) -> Recording:
    """See Recording.load."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: not a kind of recording that can be read", hint=f"there are: {', '.join(_READERS)}")
    try:
        found = reader(path)
    except FileNotFoundError:
        names = [p.name for p in path.parent.glob("*") if p.suffix.lower() in _READERS]
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
            raise UsageError(
                f"{path}: says no {key}", hint=f"{remedy}, or write it into the file (of a set: dataset.toml)"
            )
    if found.get("rate") is None and found.get("times") is None:
        raise UsageError(
            f"{path}: says no rate",
            hint=f"give rate= in Hz, or write it into the file: {_RATE_IN[path.suffix.lower()]}; or dataset.toml",
        )
    found.setdefault("name", path.stem)
    found.setdefault("source", str(path.name))
    try:
        return Recording(**found)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None


def _parquet(path: Path) -> dict[str, Any]:
    """Columns named as in CSV; `rate`, `name`, `source`, `interpolation` in the table's metadata."""
    from sim.sensors.recording_parquet import read

    header, data, found = read(path)
    return table(path, header, data, found)


_READERS = {
    ".csv": recording_csv.read,
    ".npy": recording_arrays.read_npy,
    ".npz": recording_arrays.read_npz,
    ".wav": recording_wav.read,
    ".parquet": _parquet,
}
