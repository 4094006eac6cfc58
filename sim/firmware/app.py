"""App: one folder with C++ and an `app.toml` that says which model and which sensors it wants."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import UsageError, near
from sim.paths import data_root

FILE = "app.toml"
_SOURCES = (".cc", ".cpp", ".cxx", ".c", ".S")
_HEADERS = (".h", ".hpp", ".inc")
STACK = 8192


@dataclass(frozen=True)
class App:
    """An app as its `app.toml` describes it. `stack` and `heap` in bytes; `heap` is the least there must be."""

    name: str
    folder: Path
    title: str
    model: str
    sensors: tuple[str, ...]
    stack: int
    heap: int
    evaluate: Mapping[str, Any] = field(default_factory=dict, hash=False)  # see sim.evaluate.rules

    @staticmethod
    def load(name_or_path: str | Path) -> App:
        """A shipped app by name, or any folder with an app.toml by path. Raises UsageError."""
        folder = _folder(name_or_path)
        path = folder / FILE
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: not a TOML file: {error}") from None
        app = App(
            name=folder.name,
            folder=folder,
            title=_get(table, path, "title", str, folder.name),
            model=_get(table, path, "model", str, ""),
            sensors=tuple(_get(table, path, "sensors", list, [])),
            stack=_get(table, path, "stack", int, STACK),
            heap=_get(table, path, "heap", int, 0),
            evaluate=_get(table, path, "evaluate", dict, {}),
        )
        for key in table:
            if key not in ("title", "model", "sensors", "stack", "heap", "evaluate"):
                raise UsageError(f"{path}: unknown key {key!r}", hint=near(key, ("title", "model", "sensors")))
        for key, value, least in (("stack", app.stack, 1024), ("heap", app.heap, 0)):
            if not least <= value <= 1 << 24:
                raise UsageError(f"{path}: {key} = {value}: must be {least} to {1 << 24} bytes")
        if not app.sources:
            raise UsageError(f"{folder}: no source file in it", hint="an app is one C++ file beside app.toml")
        return app

    @property
    def sources(self) -> list[Path]:
        """What is compiled, sorted."""
        return [p for p in self.files if p.suffix in _SOURCES]

    @property
    def files(self) -> list[Path]:
        """Sources and headers of the app's folder, sorted."""
        return sorted(p for p in self.folder.iterdir() if p.suffix in _SOURCES + _HEADERS)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over names and contents of sources and headers, and the memory they ask for."""
        whole = hashlib.sha256(f"{self.stack} {self.heap}".encode())
        for path in self.files:
            whole.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        return whole.hexdigest()

    def model_file(self) -> Path | None:
        """The .tflite that app.toml names, None when it names none. Raises UsageError when it is not there."""
        if not self.model:
            return None
        tried = [(self.folder / self.model), data_root() / "models" / self.model]
        for place in tried:
            if place.is_file():
                return place.resolve()
            if place.is_dir():
                return _tflite_in(place)
        raise UsageError(
            f"{self.folder / FILE}: model = {self.model!r}: not found", hint=f"looked for {tried[0]} and {tried[1]}"
        )


def shipped_apps() -> list[str]:
    """Names of the apps that come with boardless, sorted."""
    return sorted(p.parent.name for p in (data_root() / "firmware" / "apps").glob(f"*/{FILE}"))


def _folder(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and "/" not in name_or_path and not path.is_dir():
        folder = data_root() / "firmware" / "apps" / name_or_path
        if (folder / FILE).is_file():
            return folder
        raise UsageError(
            f"unknown app {name_or_path!r}",
            hint=near(name_or_path, shipped_apps()) + "; one of your own is a folder given by path",
        )
    path = path.expanduser().absolute()
    if path.name == FILE:
        path = path.parent
    if not (path / FILE).is_file():
        raise UsageError(f"{path}: not an app: no {FILE} in it", hint="docs/apps.md shows one")
    return path


def _tflite_in(folder: Path) -> Path:
    named = folder / f"{folder.name}.tflite"
    found = [named] if named.is_file() else sorted(folder.glob("*.tflite"))
    if len(found) != 1:
        raise UsageError(f"{folder}: {'no' if not found else 'more than one'} .tflite in it")
    return found[0].resolve()


def _get(table: dict[str, Any], path: Path, key: str, kind: type, otherwise: Any) -> Any:
    value = table.get(key, otherwise)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UsageError(f"{path}: {key} must be a {kind.__name__}, not {type(value).__name__}")
    return value
