"""The plugin's line in the header: for projects that use boardless; others pay nothing for it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sim.pytest_settings import given, settings_of

if TYPE_CHECKING:
    from sim.settings import Settings

_HEADER: pytest.StashKey[bool] = pytest.StashKey()


def pytest_report_header(config: pytest.Config) -> list[str]:
    files = [config.rootpath / "boardless.toml", config.rootpath / "pyproject.toml"]
    named = (config.rootpath / "boardless.toml").is_file() or any(
        b"boardless" in path.read_bytes() for path in files if path.is_file()
    )
    if not (named or given(config) or any(name.startswith("BOARDLESS_") for name in os.environ)):
        return []
    config.stash[_HEADER] = True
    return [_header(config)]


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    if _HEADER in config.stash or config.option.verbose < 0:
        return []
    used = any("_boardless_place" in getattr(item, "fixturenames", ()) for item in items)
    return [_header(config)] if used else []


def _header(config: pytest.Config) -> str:
    from sim.engines import find_engine
    from sim.errors import BoardlessError

    try:
        settings = settings_of(config)
        engines = [find_engine(replace(settings, engine=name)) for name in _engines(config, settings)]
        shown = ", ".join(f"{e.name} {e.version()}" for e in engines)
        return f"boardless: {shown}; TFLM {settings.tflm or 'pinned tree'}, {settings.kernels} kernels"
    except BoardlessError as error:
        return f"boardless: {error.message}"


def _engines(config: pytest.Config, settings: Settings) -> list[str]:
    return list(dict.fromkeys(config.getoption("--engine") or [settings.engine]))
