"""Settings: declared once, read from option, environment and file, in that order.

A command-line option wins over the environment variable `BOARDLESS_<NAME>`, that over `[tool.boardless]` in
`pyproject.toml` (or the same keys at the top of `boardless.toml`), that over the default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sim.errors import UsageError, near

KERNELS = ("reference", "cmsis-nn")
TIMINGS = ("board", "instructions")
IOS = ("port", "bus")
PATHS = ("tflm", "qemu", "renode", "renode_python")
TABLES = ("budgets",)  # settings that are tables: only in a file, not options or variables


@dataclass(frozen=True)
class Settings:
    """What a user can set for a whole project. Empty means: the default."""

    board: str = "arduino_nano_33_ble"
    engine: str = "qemu"
    tflm: str = ""  # folder of a TFLM tree; empty: the pinned default tree
    kernels: str = "reference"
    timing: str = "board"  # board time by the board's timing model, or one cycle an instruction, which runs faster
    io: str = "port"  # where apps have samples from: the port, or "bus", the board's own peripherals
    recorder: str = ""  # a recorder in the apps: "5 s", "all", "5 s below 0.6"; empty: none (docs/field.md)
    boards: str = ""  # more folders with boards, separated like PATH
    qemu: str = ""  # path of qemu-system-arm; empty: the one on PATH
    renode: str = ""  # a built tree, a package or the portable program of Renode; empty: the PYRENODE_* variables
    renode_python: str = ""  # interpreter that has pyrenode3; empty: this one
    budgets: Mapping[str, Any] = field(default_factory=dict, hash=False)  # as in the file; see sim.budgets
    file: Path | None = field(default=None, compare=False)  # where they were read

    @staticmethod
    def load(options: Mapping[str, str | None] | None = None, start: Path | None = None) -> Settings:
        """Settings for the project around `start` (default: the current folder).

        Raises UsageError for an unknown key, a value of the wrong type, or a file that is not TOML.
        """
        names = [f.name for f in fields(Settings) if f.type == "str"]
        values: dict[str, Any] = _from_file(start or Path.cwd(), names)
        for name in names:
            env = os.environ.get("BOARDLESS_" + name.upper())
            if env:
                values[name] = env
        for name, option in (options or {}).items():
            if option:
                values[name] = option
        settings = Settings(**values)
        if settings.kernels not in KERNELS:
            raise UsageError(f"kernels = {settings.kernels!r}: unknown kernels", hint=near(settings.kernels, KERNELS))
        if settings.timing not in TIMINGS:
            raise UsageError(f"timing = {settings.timing!r}: unknown timing", hint=near(settings.timing, TIMINGS))
        if settings.io not in IOS:
            raise UsageError(f"io = {settings.io!r}: unknown way of samples", hint=near(settings.io, IOS))
        return settings


def _from_file(start: Path, names: list[str]) -> dict[str, Any]:
    for folder in [start, *start.parents]:
        own = folder / "boardless.toml"
        if own.is_file():
            return _checked(_toml(own), own, names)
        project = folder / "pyproject.toml"
        if project.is_file():
            table = _toml(project).get("tool", {}).get("boardless")
            if table is not None:
                return _checked(table, project, names)
    return {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a TOML file: {error}") from None


def _checked(table: Mapping[str, Any], path: Path, names: list[str]) -> dict[str, Any]:
    out: dict[str, Any] = {"file": path}
    for key, value in table.items():
        if key in TABLES:
            if not isinstance(value, dict):
                raise UsageError(f"{path}: {key!r} must be a table: [{key}], not {type(value).__name__}")
            from sim.budgets import read_budgets

            read_budgets(value, path)  # a mistyped name or unit is told at once, whatever is run
            out[key] = value
            continue
        if key not in names:
            raise UsageError(f"{path}: unknown setting {key!r}", hint=near(key, [*names, *TABLES]))
        if not isinstance(value, str):
            raise UsageError(f"{path}: setting {key!r} must be a text, not {type(value).__name__}")
        # A path in a settings file is meant from that file, wherever the command is typed.
        if key in PATHS and "/" in value and not Path(value).expanduser().is_absolute():
            value = str(path.parent / value)
        out[key] = value
    return out
