"""What the command line and the project's files say to the plugin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.settings import Settings

_SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()


def given(config: pytest.Config) -> dict[str, Any]:
    """Options of the plugin that were given."""
    names = ("--board", "--engine", "--io", "--firmware", "--boardless-tflm", "--boardless-kernels")
    return {name: value for name in names if (value := config.getoption(name))}


def settings_of(config: pytest.Config) -> Settings:
    """The project's settings with the options on top. Raises UsageError."""
    if _SETTINGS not in config.stash:
        from sim.settings import Settings

        options = {"tflm": config.getoption("--boardless-tflm"), "kernels": config.getoption("--boardless-kernels")}
        config.stash[_SETTINGS] = Settings.load(options, start=config.rootpath)
    return config.stash[_SETTINGS]


def option_path(config: pytest.Config, given: str) -> Path:
    """A path on the command line."""
    return config.invocation_params.dir / Path(given).expanduser()
