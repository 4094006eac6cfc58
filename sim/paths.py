"""Where the project's own data lies, and where results are cached."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@lru_cache(maxsize=1)
def data_root() -> Path:
    """Folder that holds `platforms/`, `firmware/` and `models/`.

    In an installed wheel that is `sim/_data`; in a checkout (or an editable install) the project's top.
    """
    shipped = _PACKAGE / "_data"
    return shipped if shipped.is_dir() else _PACKAGE.parent


def user_root() -> Path:
    """Folder for what a user has installed and keeps; `BOARDLESS_DATA` moves it."""
    given = os.environ.get("BOARDLESS_DATA")
    if given:
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "boardless"


def cache_root() -> Path:
    """Folder for everything that can be made again; `BOARDLESS_CACHE` moves it."""
    given = os.environ.get("BOARDLESS_CACHE")
    if given:
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "boardless"
