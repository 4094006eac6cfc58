"""What the machine must have besides Python packages, how to see whether it is there, and where to get it.

Read by `boardless doctor` and, before anything is installed, by scripts/setup.py with the system's Python: so
the standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

QEMU_VERSIONS = ((7, 2), (11, 99))  # tried: 7.2, 10.0, 11.1 (from, up to and including)
CARGO_VERSION = (1, 70)  # reads the sparse registry index; Debian 12's `cargo` (1.65) does not
PYTHON_VERSION = (3, 11)


@dataclass(frozen=True)
class Found:
    """One thing looked for: `version` and `path` when it is usable, `problem` when not."""

    name: str
    version: str = ""
    path: str = ""
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem


@dataclass(frozen=True)
class Need:
    """One thing the machine must have: what for, which Debian packages bring it (the first that will do)."""

    name: str
    purpose: str
    debian: tuple[str, ...]
    elsewhere: str  # the name to look for on other systems
    look: Callable[[], Found]
    brew: str = ""  # the formula on macOS


def version_in(text: str) -> tuple[int, ...]:
    """First dotted number in `text` as integers; () when there is none."""
    match = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(n) for n in match.group().split(".")) if match else ()


def output_of(command: Sequence[str], stdin: str = "") -> tuple[int, str]:
    """Exit code and text (both streams) of a quick command; 127 when it cannot be started."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, done.stdout + done.stderr


def tool(name: str, program: str, arguments: Sequence[str] = ("--version",)) -> Found:
    """A program on PATH, beside this Python (CMake and Ninja come from pip), or at a given path."""
    beside = Path(sys.executable).parent / program
    path = str(beside) if beside.is_file() else shutil.which(program)
    if not path:
        where = "no such file" if "/" in program else "not on PATH"
        return Found(name, problem=f"{program}: {where}")
    code, text = output_of([path, *arguments])
    if code:
        return Found(name, path=path, problem=f"{path} does not start: {_last_line(text)}")
    return Found(name, version=".".join(map(str, version_in(text))), path=path)


def qemu(path: str = "") -> Found:
    """The embedded default engine, of a version that was tried."""
    found = tool("QEMU", path or "qemu-system-arm")
    low, high = QEMU_VERSIONS
    have = version_in(found.version)[:2]
    if found.ok and not low <= have <= high:
        text = f"{found.path} is version {found.version}; 7.2 up to 11 are supported"
        return Found(found.name, found.version, found.path, text)
    return found


def cargo() -> Found:
    """The tool that fetches the default TFLM tree."""
    found = tool("cargo", "cargo")
    if found.ok and version_in(found.version) < CARGO_VERSION:
        text = f"{found.path} is version {found.version}; 1.70 or newer is needed (the sparse registry index)"
        return Found(found.name, found.version, found.path, text)
    return found


def host_compiler() -> Found:
    """A C compiler with the C library's headers, for the probe (a shared object that QEMU loads)."""
    name = "host C compiler"
    program = os.environ.get("CC", "").split()[:1] or [p for p in ("cc", "gcc", "clang") if shutil.which(p)]
    found = tool(name, program[0] if program else "cc")
    if not found.ok:
        return found
    with tempfile.TemporaryDirectory(prefix="boardless-") as folder:
        code, text = output_of(
            [found.path, "-shared", "-fPIC", "-x", "c", "-", "-o", f"{folder}/t.so"],
            "#include <stdlib.h>\nint t(void) { return abs(-1); }\n",
        )
    return Found(name, found.version, found.path, f"cannot build a library: {_last_line(text)}" if code else "")


def arm_compiler() -> Found:
    """GCC for Cortex-M."""
    return tool("Arm compiler", "arm-none-eabi-gcc", ["-dumpfullversion"])


def newlib() -> Found:
    """The C library for the boards."""
    return _arm_source("newlib", "c", "#include <stdlib.h>\n#include <math.h>\n")


def arm_cxx_library() -> Found:
    """The C++ library for the boards."""
    return _arm_source("C++ library for Arm", "c++", "#include <cstdint>\n#include <algorithm>\n")


def python_venv() -> Found:
    """What `python3 -m venv` needs; Debian packages it apart from Python."""
    invalidate_caches()  # it may have been installed since this process started
    missing = find_spec("ensurepip") is None or find_spec("venv") is None
    text = "this Python has no ensurepip, so it cannot make a virtual environment"
    version = ".".join(map(str, sys.version_info[:3]))
    return Found("python venv", version, sys.executable, text if missing else "")


def certificates() -> Found:
    """What pip's and cargo's TLS trusts, where the system keeps it in files."""
    name = "CA certificates"
    places = [os.environ.get("SSL_CERT_FILE", ""), "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs"]
    for place in [*places, "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"]:
        if place and Path(place).exists():
            return Found(name, path=place)
    return Found(name, problem="no file of trusted certificates in the usual places")


def _arm_source(name: str, language: str, source: str) -> Found:
    program = "arm-none-eabi-g++" if language == "c++" else "arm-none-eabi-gcc"
    path = shutil.which(program)
    if not path:
        return Found(name, problem=f"{program}: not on PATH")
    flags = ["-mcpu=cortex-m4", "-mthumb", "-x", language, "-c", "-", "-o", os.devnull]
    code, text = output_of([path, *flags], source)
    if code:
        lines = [line for line in text.splitlines() if "error:" in line] or [_last_line(text)]
        return Found(name, path=path, problem=lines[0])
    return Found(name)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]


NEEDS = (
    Need("QEMU", "runs the virtual boards", ("qemu-system-arm",), "qemu", qemu, "qemu"),
    Need("Arm compiler", "compiles firmware", ("gcc-arm-none-eabi",), "arm-none-eabi-gcc", arm_compiler),
    Need("newlib", "C library of the boards", ("libnewlib-arm-none-eabi",), "arm-none-eabi-newlib", newlib),
    Need(
        "C++ library for Arm",
        "C++ headers of the boards",
        ("libstdc++-arm-none-eabi-newlib",),
        "arm-none-eabi-gcc-cs-c++ (Fedora); part of the Arm GNU toolchain elsewhere",
        arm_cxx_library,
    ),
    Need("host C compiler", "builds the probe for QEMU", ("gcc libc6-dev",), "gcc or clang", host_compiler),
    Need("cargo", "fetches the TFLM tree", ("cargo", "cargo-web"), "cargo 1.70 or newer", cargo, "rust"),
    Need("python venv", "an environment of its own", ("python3-venv",), "python3 with venv", python_venv),
    Need("CA certificates", "trust for downloads", ("ca-certificates",), "ca-certificates", certificates),
)


def debian_packages(need: Need) -> list[str]:
    """The package names to install for one need; for cargo the first that is new enough on this Debian."""
    if len(need.debian) > 1:
        for names in need.debian:
            _, text = output_of(["apt-cache", "policy", names])
            candidate = next((line for line in text.splitlines() if "Candidate:" in line), "")
            # Debian 12's package `cargo` 0.66 is cargo 1.65: until 1.72 the crate was numbered so.
            if version_in(candidate) >= CARGO_VERSION:
                return [names]
    return need.debian[-1].split()


def mending(need: Need) -> str:
    """The command that brings one need, on this system."""
    if shutil.which("apt-get"):
        sudo = "" if os.geteuid() == 0 else "sudo "
        return f"{sudo}apt-get install {' '.join(debian_packages(need))}"
    if sys.platform == "darwin" and need.brew:
        return f"brew install {need.brew}"
    return f"install {need.elsewhere}"


def look_for(needs: Sequence[Need] = NEEDS) -> dict[str, Found]:
    """Look for all of `needs` at once; name -> what was found, in their order."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip((n.name for n in needs), pool.map(lambda n: n.look(), needs), strict=True))
