"""An interpreter with pyrenode3: one that is given, or an environment made for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from sim.errors import SetupError, UsageError

# No index has it. This revision is the one that was tried with Renode 1.15.3; another may need another Renode.
PYRENODE3 = "pyrenode3 @ git+https://github.com/antmicro/pyrenode3.git@dde4a47660ef1b8874a91ed514a0bd04b33a5add"
_PIP = (22, 3)  # the first that installs into another interpreter (--python)
_OTHERWISE = "--python names an interpreter that has pyrenode3"


def interpreter(folder: Path, pyrenode3: str, python: str, progress: Callable[[str], None]) -> Path:
    """The interpreter `python`, or one of an environment that is made in `folder`, with pyrenode3 from `pyrenode3`.

    `pyrenode3`: a folder, an archive or a URL, whatever pip takes; empty: its repository at a pinned revision.
    Raises UsageError (no such interpreter) or SetupError (it cannot be made).
    """
    if python:
        return _given(python)
    progress("making an environment with pyrenode3")
    where = Path(pyrenode3).expanduser()
    wanted = str(where.absolute()) if pyrenode3 and where.exists() else pyrenode3 or PYRENODE3
    made = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(made)]
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", str(folder)],
        [*pip, "install", "-q", "--no-input", wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
        if done.returncode != 0:
            raise SetupError(
                f"pyrenode3 cannot be installed: {_reason(done.stderr or done.stdout) or command[0]}",
                hint=f"--pyrenode3 names a folder, an archive or a URL of it; {_OTHERWISE}",
            )
    return made


def check(python: str) -> None:
    """Whether `interpreter` has what it needs; told before anything is fetched. Raises UsageError or SetupError."""
    if python:
        _given(python)
        return
    try:
        version = metadata.version("pip") if find_spec("pip") is not None else ""
    except metadata.PackageNotFoundError:
        version = ""
    check_pip(version)


def check_pip(version: str) -> None:
    """Raises SetupError for a pip that is not there (`version` empty) or too old."""
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    if numbers >= _PIP:
        return
    what = f"pip {version}, which is too old" if version else "no pip"
    raise SetupError(
        f"pyrenode3 cannot be installed: {sys.executable} has {what}",
        hint=f"`{Path(sys.executable).name} -m ensurepip --upgrade` brings one, or the system's package manager; or "
        f"{_OTHERWISE}",
    )


def _given(python: str) -> Path:
    found = shutil.which(python)
    if found is None:
        raise UsageError(f"{python}: not found or not a program", hint="--python names an interpreter")
    return Path(found).absolute()


def _reason(text: str) -> str:
    """What is wrong: git's own word, else what a program that pip ran said last, else what calls itself an error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal: ")]
    said = [before for before, line in pairwise(lines) if line == "[end of output]"]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (fatal or said or errors or lines or [""])[-1]
