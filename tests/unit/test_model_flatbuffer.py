"""The verifying reader on small flatbuffers built by hand, and the schema against TFLM's own."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sim.errors import UsageError
from sim.model import schema
from sim.model.flatbuffer import Reader, _fields

TABLES = {
    "Root": "number:i32=7 name:str child:Root many:[i16] kids:[Root] raw:[u8] any:<Any> mode:Mode! wide:i64",
    "Other": "",
}
UNIONS = {"Any": ("Root", "Other")}
ENUMS = {"Mode": ("OFF", "ON")}


def read(data: bytes) -> dict:
    return Reader(data, "f", TABLES, UNIONS, ENUMS).root("Root")


def table(slots: list[int], inline: bytes, tail: bytes = b"") -> bytes:
    """A file with one table: root offset, vtable, table; `inline` starts with the 4 bytes of the vtable offset."""
    vtable = struct.pack(f"<HH{len(slots)}H", 4 + 2 * len(slots), 4 + len(inline), *slots)
    vtable += bytes(-(4 + len(vtable)) % 4)
    start = 4 + len(vtable)
    return struct.pack("<I", start) + vtable + struct.pack("<i", start - 4) + inline + tail


def test_fields_and_defaults() -> None:
    assert read(table([], b""))["number"] == 7
    values = read(table([4], struct.pack("<i", -3)))
    assert values["number"] == -3
    assert (values["name"], values["child"], values["many"], values["mode"]) == ("", None, (), "OFF")
    assert values["any"] is None


def test_text_vector_bytes_and_table() -> None:
    assert read(table([0, 4], struct.pack("<I", 4), struct.pack("<I", 2) + b"hi\0\0"))["name"] == "hi"
    assert read(table([0, 0, 0, 4], struct.pack("<I", 4), struct.pack("<Ihh", 2, 5, -6)))["many"] == (5, -6)
    raw = read(table([0, 0, 0, 0, 0, 4], struct.pack("<I", 4), struct.pack("<I", 3) + b"abc\0"))["raw"]
    assert bytes(raw) == b"abc"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\0\0\0\0", "points to itself"),
        (struct.pack("<I", 400) + bytes(8), "outside of the file"),
        (struct.pack("<I", 6) + bytes(8), "not aligned"),
        (struct.pack("<Ii", 4, 99), "the vtable lies outside"),
        (struct.pack("<I", 4) + struct.pack("<i", -4) + struct.pack("<HH", 3, 4), "no sound size"),
        (table([8], struct.pack("<i", 1)), "outside of its table"),
        (table([2], struct.pack("<i", 1)), "outside of its table"),
        (table([6], struct.pack("<ii", 1, 1)), "not aligned"),
        (table([0, 4], struct.pack("<I", 4), struct.pack("<I", 9) + b"hi\0\0"), "beyond the end"),
        (table([0, 4], struct.pack("<I", 4), struct.pack("<I", 2) + b"hixx"), "without its end mark"),
        (table([0, 4], struct.pack("<I", 4), struct.pack("<I", 2) + b"\xff\xfe\0\0"), "not UTF-8"),
        (table([0, 0, 0, 4], struct.pack("<I", 4), struct.pack("<I", 1 << 30)), "beyond the end"),
        (table([0, 0, 0, 0, 0, 0, 4, 8], struct.pack("<B3xI", 9, 4), bytes(8)), "member 9 of Any"),
        (table([0, 0, 0, 0, 0, 0, 4], struct.pack("<B3x", 1)), "value of Root is missing"),
        (table([0] * 8 + [4], struct.pack("<b3x", 2)), "2 is no mode"),
    ],
)
def test_everything_out_of_bounds_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(data)


def test_the_place_is_named() -> None:
    with pytest.raises(UsageError, match=r"f: broken at byte \d+ of \d+, Root\.name: "):
        read(table([0, 4], struct.pack("<I", 4), struct.pack("<I", 9) + b"hi\0\0"))


def chain(depth: int) -> bytes:
    """Tables within tables: each of 8 bytes, its child right behind it, all with one vtable."""
    vtable = struct.pack("<HHHHH2x", 10, 8, 0, 0, 4)
    start = 4 + len(vtable)
    tables = [struct.pack("<iI", start + 8 * k - 4, 4) for k in range(depth)]
    last = struct.pack("<i", start + 8 * depth - (start + 8 * depth + 4)) + struct.pack("<HH", 4, 4)
    return struct.pack("<I", start) + vtable + b"".join(tables) + last


def test_tables_nested_too_deep() -> None:
    assert read(chain(3))["child"]["child"]["child"]["child"] is None
    with pytest.raises(UsageError, match="nested too deep"):
        read(chain(100))


def shared(tables: int, elements: int) -> bytes:
    """`tables` kids that all point to one vector of `elements` numbers."""
    vtable = struct.pack("<HHHHHHH2x", 14, 8, 0, 0, 0, 4, 0)  # `many` at 4
    root_vtable = struct.pack("<HHHHHHH2x", 14, 8, 0, 0, 0, 0, 4)  # `kids` at 4
    root = 4 + len(vtable) + len(root_vtable)
    kids = root + 8
    first = kids + 4 + 4 * tables
    vector = first + 8 * tables
    out = struct.pack("<I", root) + vtable + root_vtable
    out += struct.pack("<iI", root - 4 - len(vtable), 4) + struct.pack("<I", tables)
    out += b"".join(struct.pack("<I", first + 8 * k - (kids + 4 + 4 * k)) for k in range(tables))
    out += b"".join(struct.pack("<iI", first + 8 * k - 4, vector - (first + 8 * k + 4)) for k in range(tables))
    return out + struct.pack("<I", elements) + bytes(2 * elements)


def test_sharing_is_read_but_does_not_multiply_a_small_file() -> None:
    assert [len(k["many"]) for k in read(shared(3, 5))["kids"]] == [5, 5, 5]
    with pytest.raises(UsageError, match="more content than the file has room for"):
        read(shared(200, 20_000))


def test_schema_is_that_of_tflm() -> None:
    generated = pytest.importorskip(
        "tflite_micro.tensorflow.lite.micro.python.schema_py_generated", reason="tflite_micro has no wheel here"
    )
    operators = {n: v for n, v in vars(generated.BuiltinOperator).items() if not n.startswith("_")}
    ours = {name: number for number, name in enumerate(schema.OPERATORS)}
    assert operators.items() <= ours.items()
    types = {v: n for n, v in vars(generated.TensorType).items() if not n.startswith("_")}
    for number, name in types.items():
        assert schema.TENSOR_TYPES[number][0].upper() == name
    members = {v: n for n, v in vars(generated.BuiltinOptions).items() if not n.startswith("_") and v}
    for number, name in members.items():
        assert schema.UNIONS["BuiltinOptions"][number - 1] == name


def test_field_slots_are_those_of_tflm() -> None:
    generated = pytest.importorskip(
        "tflite_micro.tensorflow.lite.micro.python.schema_py_generated", reason="tflite_micro has no wheel here"
    )
    text = Path(generated.__file__).read_text(encoding="utf-8")
    classes = {part.split("(", 1)[0]: part for part in text.split("\nclass ")[1:]}
    young_tables = {"MultiAxisQuantization", "ExternalBufferGroup", "ExternalBuffer"}
    young_fields = {"debug_metadata_index", "external_buffer", "external_buffers", "external_buffer_groups"}
    compared = 0
    for table, fields in schema.TABLES.items():
        if table not in classes:
            assert table in young_tables, table
            continue
        for field in _fields(fields):
            accessor = "".join(word[:1].upper() + word[1:] for word in field.name.split("_"))
            at = classes[table].find(f"def {accessor}(self")
            if field.kind == "unread" or at < 0:
                assert field.name in young_fields | {"new_height", "new_width", "deprecated_tag"}, (table, field.name)
                continue
            assert f".Offset({4 + 2 * field.slot})" in classes[table][at : at + 250], (table, field.name)
            compared += 1
    assert compared > 150
