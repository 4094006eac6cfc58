"""What an image's debug information says of a function's arguments and result."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sim.elf import Elf, Symbol
from sim.failure.debuginfo import debug_info

# DW_ATE_*, DWARF 5, 7.8
_KINDS = {0x02: "bool", 0x04: "float", 0x05: "signed", 0x06: "signed", 0x07: "unsigned", 0x08: "unsigned"}
_ASSEMBLY = 0x8001  # DW_LANG_Mips_Assembler, which every assembler says
_SAME = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_restrict_type", "DW_TAG_atomic_type")
_POINTERS = ("DW_TAG_pointer_type", "DW_TAG_reference_type", "DW_TAG_rvalue_reference_type")


@dataclass(frozen=True)
class CType:
    """A type of C. `kind`: signed, unsigned, bool, float, pointer, void, other; `size` in bytes; `to`: pointed to."""

    kind: str
    size: int
    name: str
    to: CType | None = None


@dataclass(frozen=True)
class Prototype:
    """Arguments and result of a function."""

    parameters: tuple[CType, ...]
    result: CType
    variadic: bool = False

    def __str__(self) -> str:
        words = [p.name for p in self.parameters] + ["..."] * self.variadic
        return f"{self.result.name} ({', '.join(words) or 'void'})"


def prototype_of(elf: Elf, function: Symbol) -> Prototype | None:
    """None where the image does not say, or where the compiler has changed the arguments of its own copy."""
    if "." in function.name:  # f.isra.0, f.constprop.0
        return None
    return _prototype(elf.path, elf.sha256, function.address)


@lru_cache(maxsize=64)
def _prototype(path: Path, sha256: str, address: int) -> Prototype | None:
    info = debug_info(path, sha256)
    if info is None:
        return None
    try:
        unit = info.unit(address)
        if unit is None or unit.get_top_DIE().attributes["DW_AT_language"].value == _ASSEMBLY:
            return None
        for die in unit.iter_DIEs():
            if die.tag == "DW_TAG_subprogram" and _number(die, "DW_AT_low_pc") == address:
                return _read(die)
    except Exception:  # damaged debug information is none
        return None
    return None


def _read(die: Any) -> Prototype:
    children = list(die.iter_children())
    parameters = [c for c in children if c.tag == "DW_TAG_formal_parameter"]
    variadic = any(c.tag == "DW_TAG_unspecified_parameters" for c in children)
    return Prototype(tuple(_type(_types(p)) for p in parameters), _type(_types(die)), variadic)


def _number(die: Any, name: str) -> int | None:
    attribute = die.attributes.get(name)
    return None if attribute is None else int(attribute.value) & ~1


def _types(die: Any) -> Any:
    """The entry of a type, here or where this one is declared; None: void."""
    while die is not None:
        if "DW_AT_type" in die.attributes:
            return die.get_DIE_from_attribute("DW_AT_type")
        origin = next((a for a in ("DW_AT_abstract_origin", "DW_AT_specification") if a in die.attributes), None)
        die = die.get_DIE_from_attribute(origin) if origin else None
    return None


def _type(die: Any, depth: int = 0) -> CType:
    name = ""
    while die is not None and die.tag in _SAME:
        name = name or _name(die)
        die = _types(die)
    if die is None:
        return CType("void", 0, name or "void")
    size = int(die.attributes["DW_AT_byte_size"].value) if "DW_AT_byte_size" in die.attributes else 0
    if die.tag in _POINTERS:
        to = _type(_types(die), depth + 1) if depth == 0 else None
        return CType("pointer", 4, name or f"{to.name if to else ''} *", to)
    if die.tag == "DW_TAG_enumeration_type":
        return CType("unsigned", size, name or f"enum {_name(die)}".strip())
    if die.tag == "DW_TAG_base_type":
        return CType(_KINDS.get(int(die.attributes["DW_AT_encoding"].value), "other"), size, name or _name(die))
    return CType("other", size, name or _name(die) or die.tag.removeprefix("DW_TAG_"))


def _name(die: Any) -> str:
    attribute = die.attributes.get("DW_AT_name")
    return attribute.value.decode("utf-8", "replace") if attribute is not None else ""
