"""Engines by name, through the entry point group `boardless.engines`."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from sim.engines.protocol import Engine
from sim.errors import SetupError, UsageError, near
from sim.settings import Settings


@lru_cache(maxsize=1)
def _registered() -> dict[str, EntryPoint]:
    """Engines of this environment. Kept: looking through all its packages takes as long as starting a machine."""
    return {e.name: e for e in reversed(tuple(entry_points(group="boardless.engines")))}


def engine_names() -> tuple[str, ...]:
    """Names of all engines that are registered in this environment, sorted."""
    return tuple(sorted(_registered()))


def find_engine(settings: Settings) -> Engine:
    """The engine that `settings.engine` names.

    Raises UsageError for an unknown name (with near names), SetupError when its package does not load.
    """
    found = _registered().get(settings.engine)
    if found is None:
        raise UsageError(f"unknown engine {settings.engine!r}", hint=near(settings.engine, engine_names()))
    try:
        factory = found.load()
    except ImportError as error:
        raise SetupError(f"engine {settings.engine!r} does not load: {error}") from None
    return cast(Engine, factory(settings))
