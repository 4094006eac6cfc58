"""The program qemu-system-arm: where it is, which version, whether that version will do."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from sim.errors import SetupError
from sim.settings import Settings

OLDEST, NEWEST = (7, 2), (11, 99)
SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
_INSTALL = "apt install qemu-system-arm (7.2 to 11), or point `qemu` in the settings to another one"


def find_qemu(settings: Settings) -> Path:
    """Path of qemu-system-arm: the setting `qemu`, else PATH. Raises SetupError."""
    given = settings.qemu or "qemu-system-arm"
    path = shutil.which(given)
    if path is None:
        raise SetupError(f"{given}: not found or not a program", hint=_INSTALL)
    return Path(path)


def qemu_version(program: Path) -> tuple[int, int, int]:
    """Version of that program; asked once per process and file. Raises SetupError for one that will not do."""
    return _version(program, program.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _version(program: Path, _mtime: int) -> tuple[int, int, int]:
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{program} --version: {error}", hint=_INSTALL) from None
    found = re.search(r"QEMU emulator version (\d+)\.(\d+)(?:\.(\d+))?", done.stdout)
    if not found:
        raise SetupError(f"{program}: does not say that it is QEMU", hint=_INSTALL)
    version = (int(found[1]), int(found[2]), int(found[3] or 0))
    if not OLDEST <= version[:2] <= NEWEST:
        age = "old" if version[:2] < OLDEST else "new"
        raise SetupError(f"{program}: QEMU {version[0]}.{version[1]} is too {age}", hint=_INSTALL)
    return version


def has_sandbox(program: Path) -> bool:
    """Whether this build of QEMU can shut itself in (seccomp). Without it boardless runs it all the same."""
    try:
        done = subprocess.run(
            [str(program), "-sandbox", SANDBOX, "-version"], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def can_guard(program: Path) -> bool:
    """Whether this build of QEMU exports what the end of the board's memory is made with (probe/guard.h)."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with program.resolve().open("rb") as file:
            names = ELFFile(file).get_section_by_name(".gnu.hash")
            return names is not None and names.get_symbol("unassigned_mem_ops") is not None
    except (OSError, ELFError):
        return True  # a script around it, say: not known
