"""What the markers of a test name: boards, engines, firmware. The nearest marker wins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import UsageError, near
from sim.settings import IOS

if TYPE_CHECKING:
    import pytest

    from sim.settings import Settings


@dataclass(frozen=True)
class Place:
    """A board (name or folder) on an engine, with samples from the port or the bus."""

    board: str
    engine: str
    io: str = "port"


def places(node: pytest.Item, settings: Settings) -> list[Place]:
    """Where a test runs: every board that is named, on every engine, each way of samples. Raises UsageError."""
    config = node.config
    boards = _names(node, config, "board", settings.board)
    ios = _names(node, config, "io", settings.io)
    for name in ios:
        if name not in IOS:
            raise UsageError(f"{node.nodeid}: io({name!r})", hint=near(name, IOS))
    return [Place(b, e, io) for b in boards for e in _names(node, config, "engine", settings.engine) for io in ios]


def _names(node: pytest.Item, config: pytest.Config, what: str, default: str) -> list[str]:
    given = config.getoption(f"--{what}")
    if not given:
        marker = node.get_closest_marker(what)
        if marker is None:
            return [default]
        given = [_argument(node, marker, a) for a in _arguments(node, marker)]
        if what == "board":  # a folder is meant from the test file
            given = [str(path_of(node, n)) if "/" in n else n for n in given]
    return list(dict.fromkeys(given))


def _arguments(node: pytest.Item, marker: pytest.Mark) -> tuple[Any, ...]:
    if marker.kwargs or not marker.args:
        how = f"@pytest.mark.{marker.name}({', '.join(f'{k}={v!r}' for k, v in marker.kwargs.items())})"
        raise UsageError(f"{node.nodeid}: {how}: what it names is missing", hint=f'write {marker.name}("...")')
    return marker.args


def _argument(node: pytest.Item, marker: pytest.Mark, given: Any) -> str:
    if not isinstance(given, str | Path):
        raise UsageError(f"{node.nodeid}: {marker.name}({given!r}): a text or a path, not {type(given).__name__}")
    return str(given)


def marked(node: pytest.Item, name: str) -> tuple[str, int] | None:
    """What the nearest marker of that name names, and how far away it is (0: at the test itself)."""
    chain = node.listchain()[::-1]
    for at, marker in node.iter_markers_with_node(name):
        given = _arguments(node, marker)
        if len(given) != 1:
            raise UsageError(f"{node.nodeid}: {name}{given}: it takes one", hint="write a test for each")
        return _argument(node, marker, given[0]), chain.index(at)
    return None


def path_of(node: pytest.Item, given: str) -> Path:
    """A path in a marker is meant from the test file, else from the project."""
    path = Path(given).expanduser()
    for folder in (node.path.parent, node.config.rootpath):
        if (folder / path).exists():
            return folder / path
    return path
