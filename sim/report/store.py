"""Stored runs: JSON files that later runs are compared with. They hold no time of day, so they can be committed."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim import __version__
from sim.errors import UsageError, near
from sim.files import replaced
from sim.report.record import Record

FORMAT = 1  # of results.json and of stored runs
FOLDER = Path(".boardless") / "runs"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Run:
    """The records of one run. `name`: what it is stored under; `commit`: of the project, if it is a repository."""

    records: tuple[Record, ...]
    name: str = ""
    commit: str = ""
    boardless: str = __version__

    def as_json(self) -> dict[str, Any]:
        """As in schemas/results.json."""
        return {
            "format": FORMAT,
            "boardless": self.boardless,
            **({"name": self.name} if self.name else {}),
            **({"commit": self.commit} if self.commit else {}),
            "records": [r.as_json() for r in self.records],
        }

    @staticmethod
    def from_json(data: Any, where: str) -> Run:
        """The run that `as_json` gave. Raises UsageError for anything else."""
        if not isinstance(data, Mapping) or "format" not in data or "records" not in data:
            raise UsageError(f"{where}: not a stored run of boardless", hint="--boardless-save NAME writes one")
        if data["format"] != FORMAT or isinstance(data["format"], bool):
            raise UsageError(
                f"{where}: a stored run of format {data['format']!r}; this boardless ({__version__}) reads {FORMAT}",
                hint="save it again with this version: pytest --boardless-save NAME",
            )
        try:
            _check(data)
            records = tuple(Record.from_json(r) for r in data["records"])
            return Run(records, data.get("name", ""), data.get("commit", ""), data.get("boardless", ""))
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            raise UsageError(f"{where}: a damaged stored run: {type(error).__name__}: {error}") from None


def _check(data: Mapping[str, Any]) -> None:
    """Raises TypeError, KeyError where what is compared is of another type: such a file was written by hand, or merged.

    Told here, and not when all tests have run.
    """
    for key in ("name", "commit", "boardless"):
        _is(data.get(key, ""), str, key)
    for record in _is(data["records"], list, "records"):
        _is(record["test"], str, "test")
        for key, value in _is(record["provenance"], dict, "provenance").items():
            _is(value, (int, type(None)) if key == "seed" else str, key)
        for name, figure in _is(record["figures"], dict, "figures").items():
            _is(figure["unit"], str, f"{name}: unit")
            for value in (figure["value"], *_is(figure.get("detail", {}), dict, f"{name}: detail").values()):
                if not math.isfinite(_is(value, (int, float), name)):
                    raise TypeError(f"{name}: {value}")
            for value in _is(figure["basis"], dict, f"{name}: basis").values():
                _is(value, str, f"{name}: basis")


def _is(value: Any, kind: type | tuple[type, ...], what: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{what}: {value!r}"[:200])
    return value


def path_of(name: str, root: Path) -> Path:
    """Where a stored run lies: a name is in `.boardless/runs/` of the project, a path is meant from `root`."""
    if "/" in name or name.endswith(".json"):
        return root / Path(name).expanduser()
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a run", hint="letters, digits, . _ and -; or a path")
    return root / FOLDER / f"{name}.json"


def save(run: Run, path: Path) -> None:
    """Write a run, ordered by test, so that files of equal runs are equal. Raises UsageError."""
    ordered = sorted((r.slim() for r in run.records), key=lambda r: r.key)
    write(Run(tuple(ordered), run.name, run.commit, run.boardless), path)


def write(run: Run, path: Path) -> None:
    """Write a run with all that is in it. Raises UsageError."""
    text = json.dumps(run.as_json(), indent=1, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise UsageError(f"{path}: the run cannot be written: {error.strerror}") from None


def load(name: str, root: Path) -> Run:
    """A stored run. Raises UsageError: not there (with near names), not JSON, another format."""
    path = path_of(name, root)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = sorted(p.stem for p in path.parent.glob("*.json")) if path.parent.is_dir() else []
        raise UsageError(
            f"{path}: no stored run {name!r}",
            hint=near(path.stem, there) if there else f"save one first: pytest --boardless-save {name}",
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}") from None
    return Run.from_json(data, str(path))


def commit_of(folder: Path) -> str:
    """The commit of the project, with + where files differ from it; empty where it is no git repository."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        return commit + ("+" if commit and git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.TimeoutExpired):
        return ""


def merged(records: Sequence[Record]) -> tuple[Record, ...]:
    """One record a key: of a test that was run again, the last."""
    return tuple({r.key: r for r in records}.values())
