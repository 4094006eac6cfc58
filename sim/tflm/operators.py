"""Which operators a tree can register, and the C++ statement that registers each.

Read from the tree's own sources, so that an operator that a newer tree brings is known at once:
July 2020 lists them in `all_ops_resolver.cc`, later trees have an `AddX()` each in
`micro_mutable_op_resolver.h`.
"""

from __future__ import annotations

import re
from pathlib import Path

_OLD_BUILTIN = re.compile(r"\bBuiltinOperator_(\w+),\s*(?:tflite::ops::micro::)?(Register_\w+)\(\)")
_NEW_ADD = re.compile(r"TfLiteStatus\s+(Add\w+)\(")
_NEW_BUILTIN = re.compile(r"AddBuiltin\(\s*BuiltinOperator_(\w+)")
_NEW_CUSTOM = re.compile(r'AddCustom\(\s*"([^"]+)"')
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)

SIGNAL = "Signal"  # how the names of the audio library's operators begin
_CO_PROCESSOR = re.compile(r"^ethos-?u$", re.IGNORECASE)  # no board has one


def registrations(tree: Path, generation: str, *, signal: bool) -> dict[str, str]:
    """Operator kind -> C++ statement on an object `resolver`.

    Kinds are the schema's names of builtin operators and the names of custom ones. `signal`: the audio library can
    be compiled.
    """
    found = _old(tree) if generation == "2020" else _new(tree)
    left_out = [kind for kind in found if _CO_PROCESSOR.match(kind) or (kind.startswith(SIGNAL) and not signal)]
    return {kind: found[kind] for kind in sorted(set(found) - set(left_out))}


def _old(tree: Path) -> dict[str, str]:
    text = _COMMENT.sub("", _read(tree / "tensorflow/lite/micro/kernels/all_ops_resolver.cc"))
    # Version 0 registers for any version: the ranges upstream lists also refuse versions that work.
    out = {
        kind: f"resolver.AddBuiltin(tflite::BuiltinOperator_{kind}, tflite::ops::micro::{register}(), 0);"
        for kind, register in _OLD_BUILTIN.findall(text)
    }
    if (tree / "tensorflow/lite/micro/kernels/circular_buffer.cc").is_file():
        out["CIRCULAR_BUFFER"] = (
            'resolver.AddCustom("CIRCULAR_BUFFER", tflite::ops::micro::Register_CIRCULAR_BUFFER(), 0);'
        )
    return out


def _new(tree: Path) -> dict[str, str]:
    text = _COMMENT.sub("", _read(tree / "tensorflow/lite/micro/micro_mutable_op_resolver.h"))
    starts = list(_NEW_ADD.finditer(text))
    out: dict[str, str] = {}
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        body = text[start.end() : following.start() if following else len(text)]
        kind = _NEW_BUILTIN.search(body) or _NEW_CUSTOM.search(body)
        if kind and start[1] not in ("AddBuiltin", "AddCustom"):
            out.setdefault(kind[1], f"resolver.{start[1]}();")
    return out


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
