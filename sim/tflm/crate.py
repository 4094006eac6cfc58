"""The default TFLM tree: a Rust crate that carries it, pinned by checksum in `firmware/tflm/Cargo.lock`.

cargo does the download and checks the sum; nothing is compiled by Rust.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sim.errors import SetupError
from sim.paths import cache_root, data_root
from sim.tflm.digest import remember

CRATE = "tfmicro"
INSIDE = "submodules/tensorflow"
_FILES = ("Cargo.toml", "Cargo.lock", "lib.rs")


def default_tree() -> tuple[Path, str, str | None]:
    """(folder of the tree, version text, digest if one is remembered), fetched with cargo when not there.

    Raises SetupError when cargo is missing or cannot get the crate.
    """
    pinned = data_root() / "firmware" / "tflm"
    note = cache_root() / "tflm" / f"default-{_state(pinned)}.json"
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        path = Path(known["path"])
        if (path / "tensorflow" / "lite" / "micro").is_dir():
            return path, str(known["version"]), known.get("digest")
    except (OSError, ValueError, KeyError):
        pass
    path, version = _ask_cargo(pinned)
    remember(note, {"path": str(path), "version": version})
    return path, version, None


def remember_digest(path: Path, version: str, digest: str) -> None:
    """The crate was checked by checksum and nobody edits it: its digest need not be taken again."""
    note = cache_root() / "tflm" / f"default-{_state(data_root() / 'firmware' / 'tflm')}.json"
    remember(note, {"path": str(path), "version": version, "digest": digest})


def _state(pinned: Path) -> str:
    lock = hashlib.sha256((pinned / "Cargo.lock").read_bytes())
    lock.update(os.environ.get("CARGO_HOME", "").encode())
    return lock.hexdigest()[:16]


def _ask_cargo(pinned: Path) -> tuple[Path, str]:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise SetupError(
            "cargo is not installed: the default TFLM tree comes from a Rust crate",
            hint="install it (Debian 12: apt install cargo-web; Debian 13: apt install cargo), "
            'or point to a TFLM tree of your own: tflm = "path" in [tool.boardless], BOARDLESS_TFLM, --tflm',
        )
    # The project's own folder can be read-only, and cargo wants to write beside Cargo.toml.
    with tempfile.TemporaryDirectory(prefix="boardless-tflm-") as private:
        for name in _FILES:
            shutil.copy(pinned / name, private)
        _run([cargo, "fetch", "--locked"], private)
        text = _run([cargo, "metadata", "--format-version", "1", "--locked", "--offline"], private)
    for package in json.loads(text)["packages"]:
        if package["name"] == CRATE:
            path = Path(package["manifest_path"]).parent / INSIDE
            if (path / "tensorflow" / "lite" / "micro").is_dir():
                return path, f"{CRATE} {package['version']} (TFLM of July 2020)"
            raise SetupError(f"crate {CRATE} has no TFLM under {path}", hint="remove that folder and call again")
    raise SetupError(f"cargo does not know crate {CRATE}", hint=f"is {pinned / 'Cargo.toml'} complete?")


def _run(command: list[str], folder: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        raise SetupError(
            f"{' '.join(['cargo', *command[1:]])} failed (exit code {done.returncode}): {' / '.join(lines[-4:])}",
            hint="it needs the network once, and cargo 1.68 or newer (Debian 12: apt install cargo-web); "
            'or point to a TFLM tree of your own: tflm = "path" in [tool.boardless]',
        )
    return done.stdout
