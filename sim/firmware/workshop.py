"""Running CMake and Ninja, with locks, and with nothing left behind when a build is stopped."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sim.errors import SetupError
from sim.firmware.toolchain import Toolchain
from sim.paths import cache_root


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one process at a time holds the lock `name`; it goes with the process."""
    path = cache_root() / "locks" / f"{name}.lock"
    with writable(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def private_folder(purpose: str) -> Iterator[Path]:
    """A fresh folder in the cache, gone afterwards."""
    base = cache_root() / "tmp"
    with writable(base):
        base.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one clear error."""
    try:
        yield
    except OSError as error:
        raise SetupError(
            f"{error.filename or folder}: cannot be written: {error.strerror}",
            hint="builds are kept there; BOARDLESS_CACHE names another folder",
        ) from None


def write_if_changed(path: Path, content: bytes | str) -> None:
    """Write a file, unless it has that content: what is older need not be built again."""
    data = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def configure(tools: Toolchain, source: Path, out: Path, project: Path, toolchain_file: Path) -> None:
    """Run CMake. `project` is the file with the build's own settings."""
    code, text = run(
        [
            tools.cmake,
            "-G",
            "Ninja",
            f"-S{source}",
            f"-B{out}",
            f"-DCMAKE_MAKE_PROGRAM={tools.ninja}",
            f"-DCMAKE_TOOLCHAIN_FILE={toolchain_file}",
            f"-DBOARDLESS_PREFIX={tools.prefix}",
            f"-DBOARDLESS_GCC_VERSION={tools.gcc_version}",
            f"-DBOARDLESS_PROJECT={project}",
            "-Wno-dev",
        ],
        source,
    )
    if code != 0:
        raise SetupError(f"CMake failed: {text.strip()[-2000:]}", hint="`cmake --version` should be 3.20 or newer")


def ninja(tools: Toolchain, out: Path) -> tuple[int, str]:
    """Build everything in `out`: exit code and output."""
    return run([tools.ninja, "-C", str(out), f"-j{os.cpu_count() or 2}"], out)


def run(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run a command in its own process group: exit code and output. The group ends when we are interrupted."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CFLAGS", "CXXFLAGS", "ASMFLAGS", "LDFLAGS")}
    # GCC's messages in English and without colour, so that they can be sorted.
    environment |= {"LC_ALL": "C", "NINJA_STATUS": "", "SOURCE_DATE_EPOCH": "0"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            _end(process)
            raise
    return process.returncode, output.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ninja's compilers have process groups of their own: it is asked to end, ends them, and they their own files."""
    try:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    finally:  # also at a second Ctrl-C
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
