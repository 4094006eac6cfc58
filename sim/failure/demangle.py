"""C++ names as people write them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable


def demangled(names: Iterable[str]) -> dict[str, str]:
    """Mangled name -> C++ name; `@address` behind it stays. Empty where no c++filt is there. One process for all."""
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


_MADE = ("vtable for ", "typeinfo ", "guard variable for ", "non-virtual thunk to ", "virtual thunk to ")


def without_arguments(name: str) -> str:
    """`ns::f<int>` of `void ns::f<int>(int, char) const`; others as they are, also what is inside a function."""
    if name.startswith(_MADE):
        return name
    depth = start = 0
    for i, c in enumerate(name):
        if name[start:i].endswith("operator"):
            continue  # the rest of the operator's own name
        if c == "(" and depth == 0 and i > start and not name.startswith("(anonymous namespace)", i):
            return name if "::" in name[_closed(name, i) :].partition("[clone")[0] else name[start:i]
        if c in "<(":
            depth += 1
        elif c in ">)" and depth:
            depth -= 1
        elif c == " " and depth == 0:
            start = i + 1  # what stood in front is the type that a template returns
    return name[start:] if name.endswith(">") else name


def _closed(name: str, at: int) -> int:
    """Behind the parenthesis that closes the one there."""
    depth = 0
    for i in range(at, len(name)):
        depth += (name[i] == "(") - (name[i] == ")")
        if depth == 0:
            return i + 1
    return len(name)
