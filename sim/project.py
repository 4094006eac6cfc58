"""Writing a small project of one's own: settings, a test that passes at once, CI files.

The files are those of sim/templates: `common/` and one of the kinds; `@NAME@` in them is filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sim import __version__, needs
from sim.errors import UsageError

TEMPLATES = Path(__file__).resolve().parent / "templates"
_BLANK = re.compile(r"@([A-Z_]+)@")
# What GitHub's Ubuntu runners have already.
_HOSTED = ("gcc", "libc6-dev", "cargo", "python3-venv", "ca-certificates")


@dataclass(frozen=True)
class Plan:
    """A project to be written: file (relative to `folder`) -> content."""

    folder: Path
    board: str
    kind: str  # "gesture" or "model"
    files: Mapping[str, bytes]


def plan(folder: Path, *, board: str, model: tuple[str, bytes] | None = None) -> Plan:
    """What a project in `folder` would consist of; `model` is the name and the content of a .tflite."""
    kind = "model" if model else "gesture"
    blanks = {"BOARD": board, "VERSION": __version__, **_packages()}
    files: dict[str, bytes] = {}
    if model:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", model[0])
        files[f"models/{name}"] = model[1]
        blanks["MODEL"] = f"models/{name}"
    for top in (TEMPLATES / "common", TEMPLATES / kind):
        for path in sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                text = path.read_text(encoding="utf-8")
                files[path.relative_to(top).as_posix()] = _filled(text, blanks).encode()
    return Plan(folder, board, kind, files)


def write(project: Plan) -> list[Path]:
    """Write the files; returns them. Overwrites nothing: raises UsageError naming all that is in the way.

    When the disk is full or read-only, what was written is taken back and UsageError raised.
    """
    targets = {project.folder / name: content for name, content in project.files.items()}
    in_the_way = [path for path in targets if path.exists() or path.is_symlink()]
    if in_the_way:
        names = "".join(f"\n    {path}" for path in in_the_way)
        raise UsageError(
            f"{project.folder}: nothing was written, these are in the way:{names}",
            hint="give another folder (boardless init FOLDER), or move them away",
        )
    made: list[Path] = []
    try:
        for path, content in targets.items():
            for parent in reversed([p for p in path.parents if not p.exists()]):
                parent.mkdir()
                made.append(parent)
            with path.open("xb") as out:
                made.append(path)
                out.write(content)
    except OSError as error:
        _take_back(made)
        where = error.filename or project.folder
        raise UsageError(f"{where}: cannot be written: {error.strerror}", hint="nothing was left behind") from None
    except BaseException:  # Ctrl-C
        _take_back(made)
        raise
    return list(targets)


def _take_back(made: list[Path]) -> None:
    for path in reversed(made):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


def _filled(text: str, blanks: Mapping[str, str]) -> str:
    return _BLANK.sub(lambda match: blanks[match[1]], text)


def _packages() -> dict[str, str]:
    """Debian packages for CI: all that is needed, and those without what GitHub's runners have."""
    names = [package for need in needs.NEEDS for package in need.debian[0].split()]
    hosted = [name for name in names if name not in _HOSTED]
    return {"PACKAGES": " ".join(names), "PACKAGES_HOSTED": " ".join(hosted)}
