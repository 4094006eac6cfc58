"""The probe, compiled once for this machine and kept in the cache by content."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from sim.errors import SetupError
from sim.paths import cache_root

FOLDER = Path(__file__).parent
_FLAGS = ("-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-pthread")


def host_compiler() -> str:
    """Path of the host's C compiler (`CC`, else cc, gcc, clang). Raises SetupError where there is none."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        path = shutil.which(name) if name else None
        if path:
            return path
    raise SetupError(
        "no C compiler for this machine: the probe in QEMU is compiled here", hint="apt install gcc libc6-dev"
    )


def ensure_probe() -> Path:
    """Path of the probe's shared library; compiles it when it is not in the cache (about a second, once)."""
    sources = sorted(FOLDER.glob("*.c"))
    whole = hashlib.sha256(repr((_FLAGS, [s.name for s in sources], platform.machine())).encode())
    for file in (*sources, *sorted(FOLDER.glob("*.h"))):
        whole.update(file.read_bytes())
    key = whole.hexdigest()[:16]
    target = cache_root() / "probe" / f"probe-{key}.so"
    if target.is_file():
        return target
    compiler = host_compiler()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            built = Path(folder) / target.name
            done = subprocess.run(
                [compiler, *_FLAGS, *map(str, sources), "-o", str(built)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise SetupError(f"the probe does not compile with {compiler}:\n{done.stderr.strip()[-2000:]}")
            built.replace(target)  # atomic: parallel workers never see half a file
    except OSError as error:
        raise SetupError(
            f"cannot write the probe to {target.parent}: {error.strerror}",
            hint="set BOARDLESS_CACHE to a folder that can be written",
        ) from None
    return target
