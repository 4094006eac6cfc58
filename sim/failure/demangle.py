"""C++ names as people write them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable


def demangled(names: Iterable[str]) -> dict[str, str]:
    """Mangled name -> C++ name; as they are where no c++filt is there. One process for all."""
    mangled = sorted({name for name in names if name.startswith("_Z")})
    if not mangled:
        return {}
    for program in ("arm-none-eabi-c++filt", "c++filt", "llvm-cxxfilt"):
        path = shutil.which(program)
        if path is None:
            continue
        try:
            done = subprocess.run(
                [path], input="\n".join(mangled) + "\n", capture_output=True, text=True, timeout=5, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        lines = done.stdout.splitlines()
        if done.returncode == 0 and len(lines) == len(mangled):
            return dict(zip(mangled, lines, strict=True))
    return {}
