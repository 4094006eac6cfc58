"""Where Renode and pyrenode3 are: the usual variables or the settings. Nothing of either is imported here."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from sim.engines.renode.found import Found
from sim.engines.renode.install import installed
from sim.errors import SetupError
from sim.settings import Settings

VARIABLES = ("PYRENODE_BIN", "PYRENODE_PKG", "PYRENODE_BUILD_DIR")
HINT = (
    "boardless engine install renode PACKAGE (docs/renode.md); or set PYRENODE_BUILD_DIR, PYRENODE_PKG or PYRENODE_BIN,"
    " or the setting `renode`; without it, use --engine qemu"
)


def find_renode(settings: Settings) -> Found:
    """The Renode of the settings or the variables. Raises SetupError."""
    if settings.renode:
        variable, path = _kind(Path(settings.renode).expanduser())
    else:
        given = [(v, Path(os.environ[v])) for v in VARIABLES if os.environ.get(v)]
        if len(given) > 1:
            raise SetupError(f"Renode: {' and '.join(v for v, _ in given)} are set", hint="only one of them")
        ours = installed()
        if not given and ours is not None:
            return ours.found if not settings.renode_python else replace(ours.found, python=_python(settings))
        packaged = Path("/opt/renode")
        if not given and not (shutil.which("renode") and packaged.is_dir()):
            raise SetupError("Renode: not found", hint=HINT)
        variable, path = given[0] if given else ("", packaged)
    if not path.exists():
        raise SetupError(f"Renode: {variable or 'setting renode'} points to nothing: {path}", hint=HINT)
    return Found(variable, path.absolute(), _runtime(variable, path), _python(settings))


def _kind(path: Path) -> tuple[str, Path]:
    """Which variable of pyrenode3 a path is for: a built tree, a package, or the portable program."""
    if path.is_dir():
        return "PYRENODE_BUILD_DIR", path
    packed = path.name.endswith((".tar.gz", ".tar.xz", ".tgz", ".pkg.tar.zst"))
    return ("PYRENODE_PKG" if packed else "PYRENODE_BIN"), path


def _runtime(variable: str, path: Path) -> str:
    given = os.environ.get("PYRENODE_RUNTIME")
    if given:
        if given not in ("mono", "coreclr"):
            raise SetupError(f"PYRENODE_RUNTIME = {given!r}", hint="mono or coreclr")
        return given
    if variable == "PYRENODE_BIN":
        return "coreclr"
    if variable == "PYRENODE_BUILD_DIR":
        return "mono" if (path / "output/bin/Release/Renode.exe").is_file() else "coreclr"
    return "coreclr" if "dotnet" in path.name else "mono"


def _python(settings: Settings) -> Path:
    given = settings.renode_python
    if given:
        path = shutil.which(given)
        if path is None:
            raise SetupError(f"{given}: not found or not a program", hint="renode_python names an interpreter")
        return Path(path)
    if find_spec("pyrenode3") is None:
        raise SetupError(
            "Renode: this Python has no pyrenode3",
            hint="install it, or point the setting `renode_python` to an interpreter that has it (docs/renode.md)",
        )
    return Path(sys.executable)
