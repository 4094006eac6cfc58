"""The files of a build that depend on model, board and tree: memory map, resolver, model data, model card."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.errors import UsageError
from sim.tflm import TflmTree

# Keys of a card that C++ wants for itself get an underscore.
_KEYWORDS = (
    " auto bool break case catch char class const continue default delete do double else enum export extern false"
    " float for friend goto if inline int long namespace new operator private protected public register return short"
    " signed sizeof static struct switch template this throw true try typedef typename union unsigned using virtual"
    " void volatile while "
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

MODEL_DATA = """\
/* The model as it is, in flash. TFLM wants it at 16 bytes. */
  .section .rodata.boardless_model_data, "a", %progbits
  .global boardless_model_data
  .type boardless_model_data, %object
  .balign 16
boardless_model_data:
  .incbin "model.tflite"
  .size boardless_model_data, . - boardless_model_data
  .section .note.GNU-stack, "", %progbits
"""


def memory_ld(
    *,
    flash: tuple[int, int],
    ram: tuple[int, int],
    stack: int,
    arena: int,
    heap: int,
    vectors: int,
    recorder: tuple[int, int] | None = None,
    variables: int | None = None,
) -> str:
    """Linker memory: (origin, size) of flash and RAM, and the sizes of what is reserved in RAM.

    `vectors` is where the core looks for its vector table at reset; usually where the flash begins. `recorder`: its
    ring in bytes, and the score in thousandths below which it dumps a decision. `variables`: how many the model has
    (`Model.variables`); None where the image has no operator for them.
    """
    apart = vectors != flash[0]
    lines = [
        "MEMORY",
        "{",
        *([f"  VECTORS (rx) : ORIGIN = {vectors:#x}, LENGTH = 1K"] if apart else []),
        f"  FLASH (rx) : ORIGIN = {flash[0]:#x}, LENGTH = {flash[1]:#x}",
        f"  RAM (rwx) : ORIGIN = {ram[0]:#x}, LENGTH = {ram[1]:#x}",
        "}",
        *([] if apart else ['REGION_ALIAS("VECTORS", FLASH)']),
        f"__stack_size = {stack:#x};",
        f"__arena_size = {arena:#x};",
        f"__heap_min = {heap:#x};",
        *([f"__recorder_size = {recorder[0]:#x};", f"__recorder_below = {recorder[1]};"] if recorder else []),
        *([] if variables is None else [f"__model_variables = {variables};"]),
    ]
    return "\n".join(lines) + "\n"


def resolver_cc(tree: TflmTree, op_kinds: Sequence[str]) -> str:
    """C++ that registers exactly these operators.

    Raises UsageError for one the tree does not have; `sim.model.check` says the same earlier, by layer.
    """
    missing = [kind for kind in op_kinds if kind not in tree.registrations]
    if missing:
        raise UsageError(f"{tree.version_text} has no operator {', '.join(missing)}")
    calls = "\n".join(f"    {tree.registrations[kind]}" for kind in op_kinds)
    # The 2020 tree declares its registrations where all_ops_resolver.cc finds them.
    extra = '#include "tensorflow/lite/micro/kernels/micro_ops.h"\n' if tree.generation == "2020" else ""
    if tree.generation == "2020" and "CIRCULAR_BUFFER" in op_kinds:
        extra += (
            "namespace tflite { namespace ops { namespace micro { "
            "TfLiteRegistration* Register_CIRCULAR_BUFFER(); } } }\n"
        )
    return f"""\
#include "resolver.h"
{extra}
namespace {{
struct Operators {{
  tflite::MicroMutableOpResolver<{max(1, len(op_kinds))}> resolver;
  Operators() {{
{calls}
  }}
}};
}}  // namespace

const tflite::MicroOpResolver& boardless_resolver() {{
  static Operators operators;
  return operators.resolver;
}}
"""


def card_of(model_file: Path | None) -> dict[str, Any]:
    """The model's card: `model.toml` beside the .tflite, with labels from `labels.txt` if that is there."""
    if model_file is None:
        return {}
    folder = model_file.parent
    card: dict[str, Any] = {}
    toml, text = folder / "model.toml", folder / "labels.txt"
    try:
        if toml.is_file():
            card = tomllib.loads(toml.read_text(encoding="utf-8"))
        if text.is_file():
            card["labels"] = [line.strip() for line in text.read_text("utf-8").splitlines() if line.strip()]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{toml if toml.is_file() else text}: cannot be read: {error}") from None
    labels = card.get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise UsageError(f"{toml}: labels must be a list of texts")
    return card


def model_card_h(card: Mapping[str, Any]) -> str:
    """The card as C++ constants in namespace `card`: numbers, texts, lists of them; tables are namespaces."""
    labels = [str(label) for label in card.get("labels", [])]
    lines = [
        "// Generated from the model's card (model.toml, labels.txt).",
        "#pragma once",
        "#include <cstdint>",
        "namespace card {",
        f"inline constexpr uint32_t label_count = {len(labels)};",
        f"inline constexpr const char* labels[] = {{{', '.join(map(_quoted, labels)) or 'nullptr'}}};",
        *_constants({k: v for k, v in card.items() if k != "labels"}),
        "}  // namespace card",
    ]
    return "\n".join(lines) + "\n"


def _constants(table: Mapping[str, Any]) -> list[str]:
    out: list[str] = []
    for key, value in table.items():
        name = re.sub(r"\W", "_", key)
        if not _WORD.fullmatch(name):
            continue
        name += "_" * (f" {name} " in _KEYWORDS)
        if isinstance(value, Mapping):
            out += [f"namespace {name} {{", *_constants(value), f"}}  // namespace {name}"]
        elif isinstance(value, list) and value and all(type(v) is type(value[0]) for v in value):
            kind = _kind(value[0])
            if kind:
                out.append(f"inline constexpr {kind} {name}[] = {{{', '.join(map(_literal, value))}}};")
        elif _kind(value):
            out.append(f"inline constexpr {_kind(value)} {name} = {_literal(value)};")
    return out


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int32_t" if -(1 << 31) <= value < 1 << 31 else "int64_t"
    if isinstance(value, float) and math.isfinite(value):
        return "double"
    return "const char*" if isinstance(value, str) else ""


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """A C string literal of any text, byte by byte where need be."""
    out = ""
    for byte in text.encode():
        plain = 32 <= byte < 127 and chr(byte) not in '"\\?'
        out += chr(byte) if plain else f"\\{byte:03o}"
    return f'"{out}"'
