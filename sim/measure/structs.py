"""Where C++ members lie, from an image's debug information: TFLM moves them from version to version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sim.elf import Elf
from sim.errors import UsageError

_STRUCTS = ("DW_TAG_class_type", "DW_TAG_structure_type", "DW_TAG_union_type")
_NAMES = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type")


@dataclass(frozen=True)
class Member:
    """A member at the end of a path of members; pointers on the way are `hops`: read there, go on from that address.

    `offsets`: added before each hop and at the end. `size`: of the struct that holds the member, in bytes.
    """

    offsets: tuple[int, ...]
    size: int


class Structs:
    """Types as one source file of the image saw them."""

    def __init__(self, elf: Elf, source: str) -> None:
        from elftools.elf.elffile import ELFFile

        self._name = elf.path.name
        self._file = elf.path.open("rb")
        self._unit: Any = None
        file = ELFFile(self._file)
        for unit in file.get_dwarf_info(relocate_dwarf_sections=False).iter_CUs() if file.has_dwarf_info() else ():
            if _name(unit.get_top_DIE()).endswith(source):
                self._unit = unit
        if self._unit is None:
            self.close()
            raise UsageError(f"{self._name} has no debug information of {source}")

    def close(self) -> None:
        self._file.close()

    def member(self, start: str, path: Sequence[str]) -> Member | None:
        """The member that `path` leads to from struct `start` ("tflite::MicroInterpreter"); None: there is none."""
        die = self._struct(start.split("::"))
        offsets = [0]
        for name in path:
            if die is None:
                return None
            found = next((m for m in _members(die) if _name(m) == name), None)
            if found is None:
                return None
            holder = die
            offsets[-1] += _offset(found)
            die = _type(found)
            if die is not None and die.tag == "DW_TAG_pointer_type" and name != path[-1]:
                offsets.append(0)
                die = _type(die)
        size = holder.attributes.get("DW_AT_byte_size")
        return Member(tuple(offsets), int(size.value) if size else 0)

    def pointed(self, start: str, path: Sequence[str]) -> str:
        """Name of the struct that the pointer at the end of `path` points to; "" where that is not known."""
        die = self._struct(start.split("::"))
        for name in path:
            found = next((m for m in _members(die) if _name(m) == name), None) if die is not None else None
            die = _type(found) if found is not None else None
            if die is not None and die.tag == "DW_TAG_pointer_type":
                die = _type(die)
        return _full_name(die) if die is not None else ""

    def _struct(self, words: Sequence[str]) -> Any:
        places = [self._unit.get_top_DIE()]
        for word in words[:-1]:
            inner = [c for p in places for c in p.iter_children()]
            places = [c for c in inner if c.tag in ("DW_TAG_namespace", *_STRUCTS) and _name(c) == word]
        for place in places:
            for child in place.iter_children():
                if _name(child) == words[-1] and (found := _plain(child)) is not None and found.has_children:
                    return found
        return None


def _members(die: Any) -> Iterator[Any]:
    return (c for c in die.iter_children() if c.tag == "DW_TAG_member")


def _name(die: Any) -> str:
    value = die.attributes.get("DW_AT_name")
    return value.value.decode("utf-8", "replace") if value else ""


def _full_name(die: Any) -> str:
    words = []
    while die is not None and die.tag != "DW_TAG_compile_unit":
        words.append(_name(die))
        die = die.get_parent()
    return "::".join(reversed(words))


def _offset(die: Any) -> int:
    value = die.attributes.get("DW_AT_data_member_location")
    return int(value.value) if value else 0


def _type(die: Any) -> Any:
    return _plain(die.get_DIE_from_attribute("DW_AT_type")) if "DW_AT_type" in die.attributes else None


def _plain(die: Any) -> Any:
    while die is not None and die.tag in _NAMES:
        die = die.get_DIE_from_attribute("DW_AT_type") if "DW_AT_type" in die.attributes else None
    return die
