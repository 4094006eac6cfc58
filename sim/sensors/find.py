"""Recordings by name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sim.errors import UsageError, near
from sim.paths import data_root

_ENDINGS = (".csv", ".npz", ".npy", ".wav", ".parquet")


def find_recording(name: str, folders: Iterable[Path] = ()) -> Path:
    """The file that a recording's name stands for.

    A path is taken as it is (from each of `folders`, then from the current one). A bare name is looked for in each
    of `folders` and its `recordings/`, then in `models/*/recordings` there and among those that boardless ships.
    Raises UsageError with near names.
    """
    given = Path(name).expanduser()
    places = [*folders, Path.cwd()]
    for folder in places:
        if (folder / given).is_file():
            return folder / given
    known: dict[str, Path] = {}
    for folder in [*places, data_root()]:
        for pattern in ("*", "recordings/*", "models/*/recordings/*"):
            for path in sorted(folder.glob(pattern)):
                if path.suffix in _ENDINGS:
                    known.setdefault(path.stem, path)
    if name in known:
        return known[name]
    raise UsageError(f"no recording {name!r}", hint=near(name, known))
