"""What this machine has for boardless, what it lacks, and the command that mends each gap.

Looking fetches nothing; only the probe is compiled when it is not there yet.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sim import __version__, needs
from sim.errors import BoardlessError
from sim.paths import cache_root, data_root
from sim.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One thing looked for. `mend` is the command that brings it, empty when there is nothing to mend."""

    name: str
    ok: bool
    required: bool  # the embedded default does not work without it
    version: str = ""
    path: str = ""
    text: str = ""  # what is wrong, or what is worth knowing
    mend: str = ""


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order to read them. Takes about 0.3 s."""
    by_name = {need.name: need for need in needs.NEEDS}
    looks: list[Callable[[], Finding]] = [
        _python,
        lambda: Finding("boardless", True, True, __version__, str(Path(__file__).parent)),
        partial(_qemu, by_name["QEMU"], settings),
        partial(_renode, settings),
        *(partial(_need, by_name[name]) for name in ("Arm compiler", "newlib", "C++ library for Arm")),
        partial(_need, by_name["host C compiler"]),
        partial(_from_pip, "CMake", "cmake"),
        partial(_from_pip, "Ninja", "ninja"),
        partial(_cargo, by_name["cargo"], settings),
        partial(_tree, settings),
        _probe,
        _cache,
        partial(_package, "TensorFlow", ("tensorflow-cpu", "tensorflow"), "convert", "converts Keras models"),
        partial(_package, "tflite-micro", ("tflite-micro",), "host", "host TFLM, to compare outputs with"),
    ]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda look: look(), looks))


def works(findings: Sequence[Finding]) -> bool:
    """Whether the embedded default works: all that is required is there."""
    return all(f.ok for f in findings if f.required)


def _python() -> Finding:
    return Finding("Python", True, True, platform.python_version(), sys.executable)


def _need(need: needs.Need, look: Callable[[], needs.Found] | None = None) -> Finding:
    found = (look or need.look)()
    mend = "" if found.ok else needs.mending(need)
    return Finding(need.name, found.ok, True, found.version, found.path, found.problem, mend)


def _qemu(need: needs.Need, settings: Settings) -> Finding:
    """Also whether it can shut itself in (a firmware that breaks out of an emulator is rare, not impossible), and
    whether the board's memory ends where it should."""
    from sim.engines.qemu.program import can_guard, has_sandbox

    finding = _need(need, look=lambda: needs.qemu(settings.qemu))
    if not finding.ok:
        return finding
    lacks = []
    if not has_sandbox(Path(finding.path)):
        lacks.append("built without a sandbox (seccomp)")
    if not can_guard(Path(finding.path)):
        lacks.append("built without modules: accesses behind the board's memory and stores to flash are no faults")
    return replace(finding, text="; ".join(lacks))


def _from_pip(name: str, program: str) -> Finding:
    found = needs.tool(name, program)
    mend = "" if found.ok else f"{Path(sys.executable).name} -m pip install {program}"
    return Finding(name, found.ok, True, found.version, found.path, found.problem, mend)


def _cargo(need: needs.Need, settings: Settings) -> Finding:
    """Required only until the default tree is there."""
    finding = _need(need)
    required = not settings.tflm and not _crates()
    return Finding(need.name, finding.ok, required, finding.version, finding.path, finding.text, finding.mend)


def _tree(settings: Settings) -> Finding:
    from sim.tflm import tree_for

    name = "TFLM tree"
    if not settings.tflm and not _crates():
        manifest = data_root() / "firmware" / "tflm" / "Cargo.toml"
        mend = f"cargo fetch --locked --manifest-path {manifest}"
        return Finding(name, False, True, text="the default tree is not fetched yet", mend=mend)
    try:
        tree = tree_for(settings)
    except BoardlessError as error:
        return Finding(name, False, True, path=settings.tflm, text=error.message, mend=error.hint)
    sets = ", ".join(tree.kernel_sets)
    return Finding(name, True, True, tree.version_text, str(tree.path), f"kernels: {sets}")


def _probe() -> Finding:
    """The only sure look is to have it compiled: half a second when it is not in the cache yet."""
    from sim.engines.qemu.probe import ensure_probe

    try:
        return Finding("probe", True, True, path=str(ensure_probe()))
    except BoardlessError as error:
        return Finding("probe", False, True, text=error.message, mend=error.hint)


def _cache() -> Finding:
    root = cache_root()
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        text = f"{there} cannot be written: {error.strerror}"
        mend = "export BOARDLESS_CACHE=/a/folder/that/can/be/written"
        return Finding("cache", False, True, path=str(root), text=text, mend=mend)
    size = _size(root)
    free = shutil.disk_usage(there).free
    text = f"{size / 1e6:.0f} MB used, {free / 1e9:.1f} GB free"
    if free < 500e6:
        return Finding("cache", False, True, path=str(root), text=text, mend=f"make room below {there}")
    return Finding("cache", True, True, path=str(root), text=text)


def _renode(settings: Settings) -> Finding:
    """Started where one is named: its version and what it runs in are nowhere else to be seen."""
    from sim.engines.renode import RenodeEngine, find_renode

    name = "Renode"
    try:
        found = find_renode(settings)
    except BoardlessError as error:
        text = error.message.removeprefix("Renode: ")
        return Finding(name, False, False, text=f"{text} (optional)")
    try:
        about = RenodeEngine(settings).described()
    except BoardlessError as error:
        return Finding(name, False, False, path=str(found.path), text=error.message)
    text = f"{found.runtime} {about['runtime'].rpartition(' ')[2]}, pyrenode3 in {found.python}"
    return Finding(name, True, False, about["renode"], str(found.path), text)


def _package(name: str, packages: Sequence[str], extra: str, purpose: str) -> Finding:
    """A Python package by its metadata: importing TensorFlow takes seconds."""
    for package in packages:
        try:
            return Finding(name, True, False, version(package), text=purpose)
        except PackageNotFoundError:
            continue
    mend = f'pip install "boardless[{extra}]"'
    return Finding(name, False, False, text=f"not installed (optional): {purpose}", mend=mend)


def _crates() -> list[Path]:
    """Where cargo has unpacked the crate of the default tree."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return list(home.glob("registry/src/*/tfmicro-0.1.0"))


def _size(folder: Path) -> int:
    """Bytes of all files below `folder`; files that vanish meanwhile count nothing."""
    total = 0
    for top, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(top, name).lstat().st_size
            except OSError:
                continue
    return total
