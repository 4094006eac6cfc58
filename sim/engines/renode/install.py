"""Renode from a package of its makers, with pyrenode3, in the user's data folder, where it is found."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sim.engines.renode.found import Found
from sim.engines.renode.interpreter import check, interpreter
from sim.engines.renode.unpack import unpack
from sim.errors import UsageError
from sim.paths import user_root

_NOTE = "renode.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Installed:
    """What `installed()` finds again."""

    renode: str  # version
    source: str
    sha256: str
    folder: str
    variable: str
    path: str
    runtime: str
    output: str
    python: str

    @property
    def found(self) -> Found:
        return Found(self.variable, Path(self.path), self.runtime, Path(self.python), self.output)


def installed() -> Installed | None:
    """The Renode that was installed last, as long as it is there."""
    try:
        note = Installed(**json.loads((user_root() / _NOTE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return note if Path(note.path).exists() and Path(note.python).exists() else None


def install(
    source: str,
    *,
    sha256: str = "",
    pyrenode3: str = "",
    python: str = "",
    verify: Callable[[Found], str],
    progress: Callable[[str], None] = lambda text: None,
) -> Installed:
    """Unpack a package (URL or file) and make it the one that is found.

    `sha256`: what it must be, else it is recorded. `pyrenode3`: where pip has it from (folder, archive, URL), else its
    repository; `python`: an interpreter that has it. `verify`: runs it, and gives its version. Others that were
    installed before are removed once this one has run.

    Raises UsageError (a bad package) or SetupError (it does not run); nothing is left behind then.
    """
    check(python)
    root = user_root()
    root.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".renode-", dir=root))
    try:
        archive = _fetched(source, work, progress)
        digest = _digest(archive)
        if sha256 and digest != sha256.lower():
            raise UsageError(f"{source}: SHA-256 is {digest}", hint=f"it was to be {sha256.lower()}: not that file")
        progress("unpacking")
        unpack(archive, work / "package")
        found = _program(work / "package", source)
        found = replace(found, python=interpreter(work / "python", pyrenode3, python, progress))
        progress("starting it")
        # Where it will lie: an environment of Python's knows its own place.
        final, former = root / f"renode-{digest[:12]}", work / "former"
        if final.exists():
            final.rename(former)
        try:
            moved = _moved(work, final, found)
            version = verify(moved)
        except BaseException:
            shutil.rmtree(final, ignore_errors=True)
            if former.exists():
                former.rename(final)
            raise
        note = Installed(version, source, digest, str(final), moved.variable, str(moved.path), moved.runtime,
                         moved.output, str(moved.python))  # fmt: skip
        part = root / f"{_NOTE}.part"
        part.write_text(json.dumps(asdict(note), indent=1) + "\n", encoding="utf-8")
        part.replace(root / _NOTE)
        _remove_others(root, final, progress)
        return note
    finally:
        shutil.rmtree(work, ignore_errors=True)
        with contextlib.suppress(OSError):
            root.rmdir()  # if nothing is in it


def _remove_others(root: Path, kept: Path, progress: Callable[[str], None]) -> None:
    """Folders of packages that were installed before: only the last one is found, and each has some 300 MB."""
    for folder in sorted(root.glob("renode-*")):
        ours = re.fullmatch(r"renode-[0-9a-f]{12}", folder.name) and folder.is_dir() and not folder.is_symlink()
        if ours and folder != kept:
            progress(f"removing the former one, {folder}")
            shutil.rmtree(folder, ignore_errors=True)


def _moved(work: Path, final: Path, found: Found) -> Found:
    """Package and Python at their last place."""
    final.mkdir()
    (work / "package").rename(final / "package")
    path = final / "package" / found.path.relative_to(work / "package")
    python = found.python
    if python.is_relative_to(work):
        shutil.move(work / "python", final / "python")
        python = final / "python" / python.relative_to(work / "python")
    return replace(found, path=path, python=python)


def _fetched(source: str, work: Path, progress: Callable[[str], None]) -> Path:
    if "://" not in source:
        path = Path(source).expanduser()
        if not path.is_file():
            raise UsageError(f"{source}: no such file", hint="a package of Renode, or the URL of one")
        return path
    target = work / "download"
    progress(f"fetching {source}")
    try:
        with urllib.request.urlopen(source, timeout=60) as answer, target.open("wb") as file:
            shutil.copyfileobj(answer, file, _CHUNK)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        raise UsageError(f"{source}: cannot be fetched: {getattr(error, 'reason', error)}") from None
    return target


def _digest(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            whole.update(piece)
    return whole.hexdigest()


def _program(folder: Path, source: str) -> Found:
    """The Renode in an unpacked package: with its libraries in bin/, or one program that has them in it (.NET)."""
    tops = sorted({p.parent for p in folder.glob("**/platforms") if p.is_dir()}, key=lambda p: len(p.parts))
    for top in tops:
        if (top / "bin" / "Renode.exe").is_file():
            return Found("PYRENODE_BUILD_DIR", top, "mono", Path(), "bin")
        if (top / "bin" / "Renode.dll").is_file():
            return Found("PYRENODE_BUILD_DIR", top, "coreclr", Path(), "bin")
        if (top / "renode").is_file():
            return Found("PYRENODE_BIN", top / "renode", "coreclr", Path())
    raise UsageError(
        f"{source}: there is no Renode in it", hint="a package has platforms/, and bin/ or the program renode"
    )
