"""Reading a flatbuffer and verifying it in the same pass.

Nothing is trusted: every offset, vtable, field, length, string and union is checked against the ends of the file
and of its table, and for the alignment that a Cortex-M needs. TFLM itself checks nothing, so a file that passes
here is one whose structure cannot make the firmware read outside of it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from sim.errors import UsageError

_SCALARS: dict[str, struct.Struct] = {
    name: struct.Struct("<" + code)
    for name, code in {
        "i8": "b", "u8": "B", "bool": "?", "i16": "h", "u16": "H", "i32": "i", "u32": "I",
        "i64": "q", "u64": "Q", "f32": "f",
    }.items()
}  # fmt: skip
_SOFFSET = _SCALARS["i32"]
_UOFFSET = _SCALARS["u32"]
_VTABLE = struct.Struct("<HH")
_DEPTH = 16  # tables within tables; the TFLite schema needs 6
_TABLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table: `slot` is its place in the vtable, `kind` how `type` is stored."""

    name: str
    slot: int
    kind: str  # scalar, enum, string, table, union, scalars, bytes, strings, tables, unread
    type: str
    default: Any


@cache
def _fields(text: str) -> tuple[Field, ...]:
    fields, slot = [], 0
    for word in text.split():
        name, _, rest = word.partition(":")
        type_, _, default = rest.partition("=")
        kind, inner = "table", type_
        value: Any = None
        if type_.startswith("["):
            inner, value = type_[1:-1], ()
            kind = "bytes" if inner == "u8" else "scalars" if inner in _SCALARS else "tables"
        elif type_.startswith("<"):
            inner, kind = type_[1:-1], "union"
            slot += 1  # the member's number comes first
        elif type_.endswith("!"):
            inner, kind, value = type_[:-1], "enum", 0
        elif type_ in _SCALARS:
            kind, value = "scalar", float(default or 0) if type_ == "f32" else int(default or 0)
            value = bool(value) if type_ == "bool" else value
        elif type_ == "str":
            kind, value = "string", ""
        elif type_ == "-":
            kind = "unread"
        fields.append(Field(name, slot, kind, inner, value))
        slot += 1
    return tuple(fields)


class Reader:
    """Reads one flatbuffer by a schema (`tables`, `unions`, `enums` as in sim.model.schema)."""

    def __init__(
        self,
        data: bytes,
        name: str,
        tables: Mapping[str, str],
        unions: Mapping[str, tuple[str, ...]],
        enums: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._data = data
        self._view = memoryview(data)
        self._size = len(data)
        self._name = name
        self._tables = tables
        self._unions = unions
        self._enums = enums
        self._trail: list[str] = []
        self._known: dict[tuple[str, int], dict[str, Any]] = {}
        # Offsets may share what they point to. That is legal, but must not multiply a small file.
        self._budget = 4 * self._size + 4096

    def root(self, table: str) -> dict[str, Any]:
        """The whole content from the root table on: dicts, tuples, str, memoryview for bytes.

        Raises UsageError with byte, table and field at the first thing that is out of bounds.
        """
        self._trail = [table]
        return self._table(table, self._offset(0), 0)

    def _fail(self, position: int, what: str) -> NoReturn:
        raise UsageError(
            f"{self._name}: broken at byte {position} of {self._size}, {'.'.join(self._trail)}: {what}",
            hint="the file is damaged or cut short; copy or convert it again",
        )

    def _need(self, position: int, size: int, what: str) -> None:
        if position < 0 or position + size > self._size:
            self._fail(position, f"{what} lies outside of the file")

    def _spend(self, count: int, position: int) -> None:
        self._budget -= count
        if self._budget < 0:
            self._fail(position, "more content than the file has room for")

    def _offset(self, position: int) -> int:
        """The place that the offset stored at `position` points to."""
        self._need(position, 4, "an offset")
        if position & 3:
            self._fail(position, "an offset is not aligned to 4 bytes")
        distance = int(_UOFFSET.unpack_from(self._data, position)[0])
        if distance == 0:
            self._fail(position, "an offset points to itself")
        target = position + distance
        if target + 4 > self._size or target & 3:
            where = "is not aligned" if target + 4 <= self._size else "lies outside of the file"
            self._fail(position, f"an offset points to byte {target}, which {where}")
        return target

    def _table(self, table: str, position: int, depth: int) -> dict[str, Any]:
        known = self._known.get((table, position))
        if known is not None:
            return known
        if depth > _DEPTH or len(self._known) > _TABLES:
            self._fail(position, "tables nested too deep or too many of them")
        slots, inline = self._vtable(position)
        values: dict[str, Any] = {}
        for field in _fields(self._tables.get(table, "")):
            at = slots[field.slot] if field.slot < len(slots) else 0
            self._trail.append(field.name)
            if field.kind == "union":
                tag = slots[field.slot - 1] if field.slot - 1 < len(slots) else 0
                values[field.name] = self._union(field, position, tag, at, inline, depth)
            elif at == 0 or field.kind == "unread":
                values[field.name] = self._enums[field.type][0] if field.kind == "enum" else field.default
            else:
                values[field.name] = self._value(field, position, at, inline, depth)
            self._trail.pop()
        self._known[table, position] = values
        return values

    def _vtable(self, position: int) -> tuple[tuple[int, ...], int]:
        """Offsets of the fields within the table at `position` (0: absent) and its size in bytes."""
        self._need(position, 4, "a table")
        vtable = position - int(_SOFFSET.unpack_from(self._data, position)[0])
        self._need(vtable, 4, "the vtable")
        size, inline = _VTABLE.unpack_from(self._data, vtable)
        if vtable & 1 or size < 4 or size & 1:
            self._fail(vtable, "the vtable has no sound size or alignment")
        self._need(vtable, size, "the vtable")
        if inline < 4:
            self._fail(vtable, f"a table of {inline} bytes")
        self._need(position, inline, "the table")
        count = (size - 4) // 2
        self._spend(count, vtable)
        slots = struct.unpack_from(f"<{count}H", self._data, vtable + 4)
        return slots, int(inline)

    def _scalar(self, type_: str, table: int, at: int, inline: int) -> Any:
        code = _SCALARS[type_]
        position = table + at
        if at < 4 or at + code.size > inline:
            self._fail(position, f"the field lies outside of its table ({inline} bytes)")
        if position % code.size:
            self._fail(position, f"a value of {code.size} bytes is not aligned")
        if type_ == "bool" and self._data[position] > 1:
            self._fail(position, f"a truth value of {self._data[position]}")
        return code.unpack_from(self._data, position)[0]

    def _value(self, field: Field, table: int, at: int, inline: int, depth: int) -> Any:
        if field.kind == "scalar":
            return self._scalar(field.type, table, at, inline)
        if field.kind == "enum":
            names, number = self._enums[field.type], self._scalar("i8", table, at, inline)
            if not 0 <= number < len(names):
                self._fail(table + at, f"{number} is no {field.type.lower()}")
            return names[number]
        if at < 4 or at + 4 > inline:
            self._fail(table + at, f"the field lies outside of its table ({inline} bytes)")
        target = self._offset(table + at)
        if field.kind == "table":
            return self._table(field.type, target, depth + 1)
        return self._string(target) if field.kind == "string" else self._vector(field, target, depth)

    def _union(self, field: Field, table: int, tag: int, at: int, inline: int, depth: int) -> Any:
        """(member name, its fields), or None where the union is empty."""
        number = self._scalar("u8", table, tag, inline) if tag else 0
        members = self._unions[field.type]
        if number == 0:
            return None
        if number > len(members):
            self._fail(table + tag, f"member {number} of {field.type}: there are {len(members)}")
        if at == 0:
            self._fail(table + tag, f"the value of {members[number - 1]} is missing")
        if at < 4 or at + 4 > inline:
            self._fail(table + at, f"the field lies outside of its table ({inline} bytes)")
        member = members[number - 1]
        return member, self._table(member, self._offset(table + at), depth + 1)

    def _length(self, position: int, size: int) -> int:
        count = int(_UOFFSET.unpack_from(self._data, position)[0])
        if position + 4 + count * size > self._size:
            self._fail(position, f"{count} elements of {size} bytes reach beyond the end of the file")
        if count and (position + 4) % size:
            self._fail(position + 4, f"elements of {size} bytes are not aligned")
        return count

    def _vector(self, field: Field, position: int, depth: int) -> Any:
        if field.kind == "bytes":
            count = self._length(position, 1)
            return self._view[position + 4 : position + 4 + count]
        if field.kind == "scalars":
            code = _SCALARS[field.type]
            count = self._length(position, code.size)
            self._spend(count, position)
            return struct.unpack_from(f"<{count}{code.format[-1]}", self._data, position + 4)
        count = self._length(position, 4)
        self._spend(count, position)
        items, last = [], len(self._trail) - 1
        name = self._trail[last]
        for index in range(count):
            self._trail[last] = f"{name}[{index}]"
            target = self._offset(position + 4 + 4 * index)
            items.append(self._table(field.type, target, depth + 1))
        self._trail[last] = name
        return tuple(items)

    def _string(self, position: int) -> str:
        count = self._length(position, 1)
        end = position + 4 + count
        self._spend(count // 4, position)
        if end >= self._size or self._data[end] != 0:
            self._fail(position, "a text without its end mark")
        try:
            return self._data[position + 4 : end].decode("utf-8")
        except UnicodeDecodeError:
            self._fail(position, "a text that is not UTF-8")
