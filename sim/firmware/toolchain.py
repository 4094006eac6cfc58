"""The programs a build needs: GCC for Arm, CMake, Ninja."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sim.errors import SetupError

_INSTALL_GCC = (
    "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib, "
    "or put Arm's own toolchain on PATH"
)
_NEWLIB = "newlib for Arm is not installed: {} is missing"


@dataclass(frozen=True)
class Toolchain:
    """`prefix` is the common start of all tools: "/usr/bin/arm-none-eabi-"."""

    prefix: str
    gcc_version: str
    cmake: str
    ninja: str

    @property
    def text(self) -> str:
        """For reports and cache keys."""
        return f"arm-none-eabi-gcc {self.gcc_version}"


@lru_cache(maxsize=1)
def find_toolchain() -> Toolchain:
    """The tools on this machine. Raises SetupError that says what to install."""
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        raise SetupError("arm-none-eabi-gcc is not installed", hint=_INSTALL_GCC)
    prefix = gcc.removesuffix("gcc")
    if shutil.which(f"{prefix}g++") is None:
        raise SetupError(f"{prefix}g++ is not installed", hint=_INSTALL_GCC)
    done = subprocess.run([gcc, "-dumpfullversion"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"{gcc} does not run: {done.stderr.strip()}", hint=_INSTALL_GCC)
    return Toolchain(prefix, done.stdout.strip(), _program("cmake"), _program("ninja"))


def check_libraries(toolchain: Toolchain) -> None:
    """Raise SetupError when the C or C++ library for Arm is missing; only asked after a failed compilation."""
    for header in ("stdint.h", "cstdint"):
        language = "c++" if header == "cstdint" else "c"
        done = subprocess.run(
            [f"{toolchain.prefix}gcc", "-mcpu=cortex-m3", "-x", language, "-fsyntax-only", "-"],
            input=f"#include <{header}>\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SetupError(_NEWLIB.format(f"<{header}>"), hint=_INSTALL_GCC)


def _program(name: str) -> str:
    # The pip packages `cmake` and `ninja` carry the programs in their own folder.
    spec = importlib.util.find_spec(name)
    for folder in spec.submodule_search_locations or [] if spec else []:
        for place in ("data/bin", "bin"):
            found = Path(folder) / place / name
            if found.is_file() and os.access(found, os.X_OK):
                return str(found)
    beside = Path(sys.executable).parent / name  # a virtual environment that is not on PATH
    on_path = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if on_path is None:
        raise SetupError(f"{name} is not installed", hint=f"pip install {name}, or apt install {name}")
    return on_path
