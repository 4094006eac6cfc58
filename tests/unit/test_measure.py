"""sim.measure without an emulator: tables, stacks, coverage, maps, paint, differences."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.boards import Memory
from sim.elf import Elf, Segment, Symbol
from sim.engines.protocol import CallNode, CodeBlock, Layout, RegionRun
from sim.errors import UsageError
from sim.failure.demangle import without_arguments
from sim.measure import coverage
from sim.measure.calls import function_table, operator_totals, readable
from sim.measure.compare import difference
from sim.measure.flamegraph import speedscope
from sim.measure.linkmap import read_map
from sim.measure.operators import Counted, functions_pointed_to, total, within
from sim.measure.stack import Paint, checked_stack, places

FLASH, RAM = Memory(0, 0x10000), Memory(0x2000_0000, 0x4000)
LAYOUT = Layout("fake", "fake", FLASH, RAM, 0, RAM, FLASH.size, "cmsdk", 0x4000_4000)


def image(*symbols: Symbol, top: int = 0x2000_4000) -> Elf:
    vectors = top.to_bytes(4, "little") + (0x101).to_bytes(4, "little")
    segments = (Segment(0, 0, vectors + bytes(0x400), 0x408),)
    return Elf(Path("x.elf"), "0" * 64, 0x100, segments, {s.name: s for s in symbols})


# ---- operators ----


def run(start: int, end: int, name: str = "f") -> RegionRun:
    return RegionRun(name, start, end)


def test_only_the_outermost_runs_inside_are_operators() -> None:
    outer = run(100, 200)
    runs = [run(150, 160, "inner"), run(140, 170), run(110, 140), run(90, 99), run(201, 202), run(170, 170)]
    assert [(r.start, r.end) for r in within(runs, outer)] == [(110, 140), (140, 170), (170, 170)]


def test_function_pointers_are_told_from_other_words() -> None:
    elf = image(Symbol("f", 0x100, 8, True), Symbol("g", 0x200, 8, True), Symbol("data", 0x300, 8, False))
    words = [0x101, 0x200, 0x301, 0x201, 0, 0x103]
    data = b"".join(w.to_bytes(4, "little") for w in words) + b"\x01"
    assert functions_pointed_to(elf, data) == {"f", "g"}


def test_cycles_are_only_known_where_all_parts_have_them() -> None:
    with_cycles = [Counted.of(RegionRun("f", 0, 10, 0, 5, 25)), Counted.of(RegionRun("f", 0, 1, 0, 0, 2))]
    assert with_cycles == [Counted(10, 20), Counted(1, 2)]
    assert total(with_cycles) == Counted(11, 22)
    assert total([*with_cycles, Counted.of(run(0, 5))]) == Counted(16, None)
    assert Counted(20, 30) - Counted(5, None) == Counted(15, None)


# ---- calls ----

NODES = [
    CallNode("root", -1, 0, 2, 10, 20),
    CallNode("op", 0, 1, 2, 100, 200),
    CallNode("leaf", 1, 0, 4, 7, 9),
    CallNode("op", 0, 2, 2, 50, 60),
    CallNode("recursive", 3, 0, 2, 5, 5),
    CallNode("recursive", 4, 0, 2, 3, 3),
    CallNode("leaf", 5, 0, 2, 1, 1),
]


def test_own_and_total_of_functions() -> None:
    table = {f.symbol: f for f in function_table(NODES)}
    assert [f.symbol for f in function_table(NODES)] == ["op", "root", "leaf", "recursive"]
    assert (table["op"].own, table["op"].total, table["op"].calls) == (150, 166, 4)
    assert (table["recursive"].own, table["recursive"].total) == (8, 9)  # once, not for each level
    assert (table["root"].total, table["root"].total_cycles) == (176, 298)
    assert sum(f.own for f in table.values()) == table["root"].total
    assert operator_totals(NODES) == {1: 107, 2: 59}


def test_flame_graph_weighs_every_place_once() -> None:
    graph = json.loads(json.dumps(speedscope("x", NODES, ["0 CONV_2D a", "1 ADD b"], cycles=True)))
    names = [f["name"] for f in graph["shared"]["frames"]]
    cycles, instructions = graph["profiles"]
    assert (cycles["name"], instructions["name"]) == ("cycles", "instructions")
    assert sum(instructions["weights"]) == instructions["endValue"] == 176
    assert sum(cycles["weights"]) == 298
    stacks = [[names[i] for i in s] for s in instructions["samples"]]
    assert stacks[1] == ["root", "0 CONV_2D a", "op"]
    assert stacks[-1] == ["root", "1 ADD b", "op", "recursive", "recursive", "leaf"]
    assert [p["name"] for p in speedscope("x", NODES, [], cycles=False)["profiles"]] == ["instructions"]


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("void ns::f<int>(int, char) const", "ns::f<int>"),
        ("lib::Fixed<long, 5> lib::operator-<long, 5>(lib::Fixed<long, 5>)", "lib::operator-<long, 5>"),
        ("tflite::(anonymous namespace)::Eval(TfLiteContext*)", "tflite::(anonymous namespace)::Eval"),
        ("memcpy", "memcpy"),
        ("a::b()", "a::b"),
        ("a::b(int) [clone .constprop.0]", "a::b"),
        ("a::B::operator()(int) const", "a::B::operator()"),
        ("a::b(int)::{lambda(int)#1}::operator()(int) const", "a::b(int)::{lambda(int)#1}::operator()(int) const"),
        ("a::b()::counter", "a::b()::counter"),
        ("guard variable for a::b()::counter", "guard variable for a::b()::counter"),
        ("non-virtual thunk to a::B::b()", "non-virtual thunk to a::B::b()"),
    ],
)
def test_names_lose_their_arguments(long: str, short: str) -> None:
    assert without_arguments(long) == short


@pytest.mark.skipif(not any(map(shutil.which, ("arm-none-eabi-c++filt", "c++filt"))), reason="no c++filt")
def test_overloaded_functions_keep_the_arguments_that_tell_them_apart() -> None:
    symbols = ["_ZN3dsp5scaleEf", "_ZN3dsp5scaleEl", "_ZN3dsp4stepEv", "_ZL5applyi@104", "main"]
    nodes = [CallNode(s, -1 if i == 0 else 0, 0, 1, 1, 1) for i, s in enumerate(symbols)]
    names = readable(nodes)
    assert [names[s] for s in symbols] == ["dsp::scale(float)", "dsp::scale(long)", "dsp::step", "apply", "main"]


# ---- coverage ----


def test_overlapping_blocks_add_up() -> None:
    times = coverage._Times([CodeBlock(0x10, 8, 3), CodeBlock(0x14, 8, 2), CodeBlock(0x30, 2, 0)])
    assert [times.most(a, a + 4) for a in (0x0C, 0x10, 0x14, 0x18, 0x1C, 0x30)] == [0, 3, 5, 2, 0, 0]
    assert times.most(0x00, 0x40) == 5


def test_lcov_names_the_files_that_are_here(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("x", encoding="utf-8")
    text = coverage.lcov({"app/a.c": {3: 2, 1: 0}, "app/gone.c": {1: 1}, "/no/where.c": {1: 1}}, {"app": tmp_path})
    assert text == f"TN:\nSF:{tmp_path / 'a.c'}\nDA:1,0\nDA:3,2\nLF:2\nLH:1\nend_of_record\n"


# ---- map ----

MAP = """
Discarded input sections

 .text          0x00000000       0x10 gone.o

Linker script and memory map

.text           0x00000240      0x100
 *(.text .text.*)
 .text.main     0x00000240       0x20 CMakeFiles/app.dir/app/main.cc.obj
                0x00000240                main
 .text._ZN6tflite8somewhatE
                0x00000260       0x40 /a b/libtflm.a(conv.cc.obj)
                0x00000261                tflite::somewhat()
 .rodata.str    0x000002a0       0x10 /a b/libtflm.a(one.obj)
                                 0x22 (size before relaxing)
 .rodata.str    0x000002b0       0x10 /a b/libtflm.a(two.obj)
 .rodata.str    0x000002b0       0x8c /usr/lib/libc.a(three.o)
 *fill*         0x0000033c        0x4

.debug_info     0x00000000      0x999
 .debug_info    0x00000000      0x999 CMakeFiles/app.dir/app/main.cc.obj
"""


def test_parts_of_a_map_take_the_room_they_have(tmp_path: Path) -> None:
    path = tmp_path / "x.map"
    path.write_text(MAP.replace("0x4\n", "0x4 \n"), encoding="utf-8")  # ld leaves a space there
    parts = read_map(path, {".text"})
    assert [(p.library, p.object, p.size) for p in parts] == [
        ("app", "main.cc.obj", 0x20),
        ("libtflm.a", "conv.cc.obj", 0x40),
        ("libtflm.a", "one.obj", 0x10),
        ("libc.a", "three.o", 0x8C),  # two.obj's text is the end of another one
        ("(padding)", "(padding)", 4),
    ]
    assert sum(p.size for p in parts) == 0x100
    assert read_map(tmp_path / "none.map", {".text"}) == []
    path.write_text("no map\n", encoding="utf-8")
    assert read_map(path, {".text"}) == []


# ---- stack and heap ----


def symbol(name: str, address: int, size: int = 0) -> Symbol:
    return Symbol(name, address, size, False)


def test_places_of_stack_and_heap() -> None:
    ours = places(image(symbol("__stack_limit", 0x2000_3000), symbol("__heap_start", 0x2000_0800)), LAYOUT)
    assert ours.stack == Memory(0x2000_3000, 0x1000)
    assert ours.stack_limit_known
    assert ours.heap == Memory(0x2000_0800, 0x2800)
    foreign = places(image(symbol("buffer", 0x2000_0100, 0x101)), LAYOUT)
    assert foreign.stack == Memory(0x2000_0204, 0x3DFC)  # down to the highest of its data
    assert not foreign.stack_limit_known
    assert foreign.heap is None
    newlib = places(image(symbol("end", 0x2000_1000), Symbol("_sbrk", 0x200, 8, True)), LAYOUT)
    assert newlib.heap == newlib.stack == Memory(0x2000_1000, 0x3000)  # they grow towards each other
    none = places(image(symbol("end", 0x2000_1000), symbol("buffer", 0x2000_0F00, 0x100)), LAYOUT)
    assert none.heap is None, "nothing takes from it"
    assert none.stack == newlib.stack


def test_a_stack_that_is_not_in_ram_is_not_known() -> None:
    for top in (0, 0x1000, 0x2000_4004, 0x2000_3FFE):
        assert places(image(top=top), LAYOUT).stack is None
        with pytest.raises(UsageError, match="its stack cannot be checked"):
            checked_stack(image(top=top), LAYOUT)
    assert places(replace(image(), segments=()), LAYOUT).stack is None


def test_paint_shows_what_was_written() -> None:
    memory = bytearray(0x4000)

    def write(address: int, data: bytes) -> None:
        memory[address - RAM.origin : address - RAM.origin + len(data)] = data

    area = Memory(RAM.origin + 0x100, 0x3000)
    paint = Paint(area, write)

    def now() -> bytes:
        return bytes(memory[0x100:0x3100])

    assert paint.lowest_used(now()) is None
    assert paint.highest_used(now()) is None
    for at in (0x2345, 0x100, 0x30FF):
        before = memory[at]
        memory[at] ^= 1
        assert paint.lowest_used(now()) == RAM.origin + (at & ~3)
        assert paint.highest_used(now()) == RAM.origin + (at & ~3) + 4
        memory[at] = before


# ---- differences ----


def test_differences_in_steps() -> None:
    a, b = np.array([1, -128, 127, 5], np.int8), np.array([1, 127, 127, 4], np.int8)
    d = difference(a, b)
    assert (d.largest, d.mean, d.differing, d.values) == (255, 64, 2, 4)
    both = d + difference(np.zeros(4, np.int8), np.zeros(4, np.int8))
    assert (both.largest, both.mean, both.differing, both.values) == (255, 32, 2, 8)
    big = difference(np.array([2**62 + 1]), np.array([2**62]))
    assert (big.largest, big.differing) == (1, 1)
    bits = difference(np.array([True, False]), np.array([True, True]))
    assert (bits.largest, bits.differing) == (1, 1)


def test_differences_of_floats_are_in_steps_of_the_largest() -> None:
    b = np.array([1.0, 1e-9, 0.5], np.float32)
    a = b.copy()
    a[2] += np.float32(2.0**-23 * 3)
    assert difference(a, b).largest == pytest.approx(3)
    nan = np.array([np.nan, np.inf], np.float32)
    assert difference(nan, nan).largest == 0
    assert difference(np.array([1.0, np.inf], np.float32), nan).differing == 1
    both = difference(np.full(3, np.nan, np.float32), np.ones(3, np.float32))
    largest = difference(np.array([3e38], np.float32), np.array([1e-45], np.float32)).largest
    for d in (both, both + both):
        assert json.loads(json.dumps(d.mean, allow_nan=False)) == d.largest > largest
    assert difference(np.zeros(2, np.float32), np.zeros(2, np.float32)).largest == 0


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match="2 values on the board, 3 on the host"):
        difference(np.zeros(2), np.zeros(3))
