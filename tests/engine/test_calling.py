"""machine.call: one function of an image on the target, as it is linked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bare import CORES, board_with, compiled, engine
from bench import bench_elf
from native import native_elf, product

from sim.boards import Board
from sim.elf import Segment, load_elf
from sim.errors import FirmwareFailure, UsageError
from sim.machine import Machine, NotSeen
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording


@pytest.fixture(scope="module", params=["soft", "softfp", "hard"])
def abi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image in each of the three ways in which floats are given."""
    folder = tmp_path_factory.mktemp(str(request.param))
    return native_elf(folder, floats=str(request.param), name=f"{request.param}.elf")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native_elf(tmp_path_factory.mktemp("native"), floats="hard")


def test_an_image_linked_for_the_board_itself_runs_as_it_is(image: Path) -> None:
    with product(image, to_main=False) as machine:
        assert machine.layout.machine == "netduinoplus2"
        assert machine.elf.functions["main"] >> 24 == 0x08
        machine.run_to("main")
        machine.run("1 ms")
        state = machine.read_int("g_state")
        assert state > 10
        machine.write("g_state", 5)
        assert machine.read_int("g_state") == 5


def test_numbers_are_given_as_the_abi_says(abi: Path) -> None:
    with product(abi) as machine:
        assert machine.call("add4", 1, -2, 3, 4).value == 1 - 4 + 9 + 16
        assert machine.call("many", 1, 2, 3, 4, 5, (6 << 32) | 1, -7).value == 1 + 4 + 9 + 16 + 25 + 36 - 49
        assert machine.call("mix64", 3, 1 << 40, 7).value == 3 * (1 << 40) + 7
        assert machine.call("minus64", 1 << 40).value == -(1 << 40)
        assert machine.call("scale", 1.5, 2.0).value == 3.0
        assert machine.call("halve", 5.0).value == 2.5
        assert machine.call("gaps", 1.0, 2.0, 3.0, 4, 5.0).value == 1 + 4 + 12 + 32 + 80
        assert machine.call("narrow", -100, 20).value == -120
        assert machine.call("is_green", 1).value == 1
        assert machine.call("nothing").value is None
        assert machine.call("not_it", True).value == 0
        assert machine.call("sum_of", 3, 1.5, np.float32(2.0), 4.25).value == 7.75, "variadic: never in VFP registers"


def test_arrays_come_back_and_memory_is_as_before(image: Path) -> None:
    with product(image) as machine:
        ram = machine.layout.ram
        before = machine.read(ram.origin, ram.size)
        given = np.array([[1, -2], [300, 4]], dtype=np.int16)
        result = machine.call("negate", given, 4)
        (after,) = result.buffers
        assert after.dtype == np.int16
        assert after.tolist() == [[-1, 2], [-300, -4]]
        assert given.tolist() == [[1, -2], [300, 4]], "what the test gave is not touched"
        assert machine.call("sum", [1, 2, 3], 3).value == 6
        assert machine.call("length", b"four\0").value == 4
        after_all = machine.read(ram.origin, ram.size)
        changed = [i for i in range(ram.size) if before[i] != after_all[i]]
        assert all(i + ram.origin < machine.registers()["sp"] for i in changed), "only the functions' own stack"


@pytest.mark.filterwarnings("ignore::sim.errors.CallWarning")
def test_a_place_for_arrays_can_be_named(image: Path) -> None:
    with product(image) as machine:
        address = machine.elf.symbols["place"].address
        machine.write(address, b"\x11\x22")
        seen: list[int] = []
        with machine.intercept("length", lambda call: seen.append(call.words[0])):
            machine.call("length", b"x\0", at="place")
            machine.call("length", b"x\0", at=address + 8)
        assert seen == [address, address + 8]
        assert machine.read(address, 2) == b"\x11\x22"
        with pytest.raises(UsageError, match="8 bytes too many"):
            machine.call("length", bytes(136), at="place")
        with pytest.raises(UsageError, match="is not a multiple of 4"):
            machine.call("length", b"x\0", at=address + 2)


def test_counts_are_those_of_measure(image: Path) -> None:
    with product(image) as machine:
        machine.run("100 us")
        for name, arguments in (("imu_read", [3]), ("busy", [machine.read_int("g_state") + 1])):
            measured = machine.measure(name)
            called = machine.call(name, *arguments)
            assert called.instructions == measured.instructions.min, name
            assert measured.cycles is not None
            if name == "imu_read":  # no memory, no literal: nothing that a cache could change
                assert called.cycles == measured.cycles.min
        assert machine.call("sum", [1] * 6, 6).instructions > machine.call("sum", [1] * 4, 4).instructions


def test_the_interrupted_program_does_not_notice(image: Path) -> None:
    """Flags, floats in registers and memory are as before, wherever a call comes in between."""
    with product(image) as machine, machine.watch("g_sum") as watch:
        machine.run("2 ms")
        right = [event.value for event in watch.events]
    assert len(right) > 50
    with product(image) as machine:
        for i in range(60):
            machine.run((1013 + 7 * i) / 168e6)  # anywhere: the middle of a loop, of a float's life
            before = machine.registers()
            assert machine.call("scale", 1.5, 2.0).value == 3.0
            assert machine.call("busy", 1000 + i).value != 0
            assert machine.registers() == before, "flags too"
            state, total = machine.read_int("g_state"), machine.read_int("g_sum")
            assert total in (right[state], right[state + 1]), f"after call {i}"
        assert state > 10


def test_interrupts_come_in_between(tmp_path: Path) -> None:
    """The handler runs before, in and behind calls; the program and the functions do not notice."""
    with product(native_elf(tmp_path, flags=["-DTICKS=2000"])) as machine:
        with machine.watch("g_sum") as watch:
            machine.run("2 ms")
            right = [event.value for event in watch.events]
        ticks = machine.read_int("g_ticks")
        assert ticks > 10
    with product(native_elf(tmp_path, flags=["-DTICKS=2000"])) as machine:
        wanted = machine.call("busy", 77).value
        in_calls = 0
        for i in range(60):
            machine.run((1013 + 7 * i) / 168e6)
            before = machine.read_int("g_ticks")
            assert machine.call("busy", 77).value == wanted, i
            in_calls += machine.read_int("g_ticks") - before
            state, total = machine.read_int("g_state"), machine.read_int("g_sum")
            assert total in (right[state], right[state + 1]), f"after call {i}"
        assert in_calls > 0


def test_a_firmware_with_the_port_goes_on_waiting(tmp_path: Path) -> None:
    """A call while a sample is awaited: the request, its time and what is decided are as without the call."""

    def decisions(calls: bool) -> list[object]:
        with Machine.started(bench_elf(tmp_path), Board.load("arduino_nano_33_ble"), engine()) as machine:
            machine.run_until_ready()
            machine.imu.play(Recording.load(find_recording("running_07")))
            for _ in range(3):
                machine.run("200 ms")
                if calls:
                    at = machine.time
                    called = machine.call("boardless_console_putc", ord("!"))
                    assert called.instructions < 100
                    assert 0 < machine.time - at < 1e-4
                    assert machine.console.text.endswith("!")
            return [(d.label, dict(d.samples)) for d in machine.decisions]

    plain = decisions(False)
    assert plain
    assert decisions(True) == plain


def test_variables_have_their_values_before_the_first_instruction(image: Path) -> None:
    with product(image, to_main=False) as machine:
        assert machine.instructions == 0
        assert machine.call("from_table", 2).value == 30
        assert machine.call("scale", 3.0, 2.0).value == 6.0, "the FPU is on"
        machine.run_to("main")
        assert machine.call("from_table", 3).value == 40


@pytest.mark.parametrize("core", CORES)
def test_functions_of_every_core(core: str, tmp_path: Path) -> None:
    elf = compiled(tmp_path, core, ["functions.c"], name="functions")
    with Machine.started(elf, board_with(core), engine()) as machine:
        machine.run_to("main")
        assert machine.call("many", 1, 2, 3, 4, 5, 6 << 32, -7).value == 1 + 4 + 9 + 16 + 25 + 36 - 49
        assert machine.call("scale", 1.5, 2.0).value == 3.0
        assert machine.call("negate", np.arange(3, dtype=np.int16), 3).buffers[0].tolist() == [0, -1, -2]
        with machine.intercept("imu_read", lambda call: 1000):
            machine.run("100 us")
            assert machine.read_int("g_out") == 1006


def cpp_source(folder: Path) -> Path:
    source = folder / "more.cc"
    source.write_text(
        "namespace dsp {\n"
        "__attribute__((used, noinline)) int twice(int x) { return 2 * x; }\n"
        "__attribute__((used, noinline)) int over(int x) { return x + 1; }\n"
        "__attribute__((used, noinline)) float over(float x) { return x / 2; }\n"
        "template <typename T> __attribute__((used, noinline)) T first(const T *x) { return *x; }\n"
        "template short first<short>(const short *);\n"
        "}\n"
        "namespace dsp { volatile int g_sum = 5; static volatile int g_own = 6; }\n"
        "__attribute__((used, noinline)) void add(int x) { static volatile int calls; calls = calls + 1;\n"
        " dsp::g_sum = dsp::g_sum + x + dsp::g_own; }\n"
        '__attribute__((noinline)) void loop() { asm volatile("nop"); }\n'
        "__attribute__((noinline)) void for_ever() { for (;;) loop(); }\n"
        'extern "C" int main(void) { for_ever(); }\n'
    )
    return source


@pytest.mark.filterwarnings("ignore::sim.errors.CallWarning")
def test_functions_of_cpp_by_their_readable_names(tmp_path: Path) -> None:
    with product(native_elf(tmp_path, flags=[str(cpp_source(tmp_path)), "-Wl,--allow-multiple-definition"])) as machine:
        called = machine.call("dsp::twice", 21)
        assert (called.value, called.function) == (42, "dsp::twice(int)")
        assert machine.call("_ZN3dsp5twiceEi", 21).function == "dsp::twice(int)"
        assert machine.call("dsp::over(float)", 3.0).value == 1.5
        with pytest.raises(UsageError, match=r"has 2 functions 'dsp::over'\n.*dsp::over\(float\); dsp::over\(int\)"):
            machine.call("dsp::over", 1)
        assert machine.call("dsp::first<short>", np.array([5, 6], dtype=np.int16)).value == 5
        with pytest.raises(UsageError, match=r"has no function 'dsp::twicee'.*\n.*did you mean 'dsp::twice'"):
            machine.call("dsp::twicee", 1)
        assert machine.region_symbol("dsp::over(int)") == "_ZN3dsp4overEi"
        assert machine.measure("loop()", runs=2).instructions.max < 10
        with pytest.raises(NotSeen, match=r"'for_ever\(\)' runs and has not returned"):
            machine.measure("for_ever()", within="1 ms")
        with machine.intercept("dsp::twice", lambda call: 7):
            assert machine.call("dsp::twice(int)", 1).value == 7
        with pytest.raises(UsageError, match=r"^dsp::over\(int\) takes 1 argument, 0 given"):
            machine.call("dsp::over(int)")
        with pytest.raises(UsageError, match=r"is in the middle of dsp::twice\(int\), which begins"):
            machine.call(machine.elf.functions["_ZN3dsp5twiceEi"] + 3)


def test_data_of_cpp_and_who_uses_it_by_readable_names(tmp_path: Path) -> None:
    with product(native_elf(tmp_path, flags=[str(cpp_source(tmp_path)), "-Wl,--allow-multiple-definition"])) as machine:
        for name in ("dsp::g_sum", "_ZN3dsp5g_sumE"):
            assert machine.read_int(name) == 5
        machine.write("dsp::g_sum", 1)
        assert machine.read_int("dsp::g_own") == 6
        with machine.watch("dsp::g_sum", on="access") as watch:
            machine.call("add", 3)
            assert [(e.function, e.write, e.value) for e in watch.events] == [
                ("add(int)", False, 1),
                ("add(int)", True, 10),
            ]
        assert machine.read_int("add(int)::calls") == 1
        callers = []
        with machine.intercept("loop", lambda call: callers.append((call.function, call.caller))):
            machine.run("1 us")
        assert callers[0] == ("loop()", "for_ever()")
        with pytest.raises(UsageError, match=r"has no symbol 'dsp::g_sun'\n.*did you mean 'dsp::g_sum'"):
            machine.read("dsp::g_sun")
        with pytest.raises(UsageError, match="'dsp::g_sum' is data, not a function"):
            machine.call("dsp::g_sum")


def test_an_address_is_called_as_a_pointer_of_c(image: Path) -> None:
    with product(image) as machine:
        address = machine.elf.functions["add4"]
        assert machine.call(address | 1, 1, 1, 1, 1).value == 10
        assert machine.call(address, 1, 1, 1, 1).value == 10


def test_a_function_that_does_not_return_is_one_failure(image: Path) -> None:
    with product(image) as machine:
        with pytest.raises(FirmwareFailure, match=r"spin\(\) has not returned within 0.010000 s of board time") as e:
            machine.call("spin", within="10 ms")
        assert "awaited: spin() to return" in e.value.report
        assert "spin+" in e.value.report.split("backtrace:")[1]
        with pytest.raises(FirmwareFailure, match="has not returned"):
            machine.run("1 ms")


def test_a_fault_in_it_is_decoded(image: Path) -> None:
    with product(image) as machine:
        with pytest.raises(FirmwareFailure, match=r"(BusFault|HardFault).*in crash\+") as caught:
            machine.call("crash", 1)
        assert "boardless_call+0x2" in caught.value.report


def test_a_function_that_does_not_keep_registers_is_told_of(image: Path) -> None:
    with (
        product(image) as machine,
        pytest.raises(FirmwareFailure, match="returned with other r4 than it was called with"),
    ):
        machine.call("rude")


BAD = [
    (("ad4", 1), r"has no function 'ad4' \(inlined away\?\)\n.*did you mean 'add4'"),
    (("swallowed", 1), "inlined away"),
    (("g_state",), "'g_state' is data, not a function"),
    ((0x20000000,), "which is data, not code"),
    ((0x20008001,), "is no code of"),
    ((0x20008000,), "is even"),
    ((0x90000001,), "is no code of.*\n.*0x08000000 to 0x08100000"),
    (("add4", 1, 2, 3), r"add4\(\) takes 4 arguments, 3 given: int32_t \(int32_t, int32_t, int32_t, int32_t\)"),
    (("add4", 1, 2, 3, 1 << 31), "argument 4: 2147483648 does not fit into int32_t"),
    (("narrow", -129, 0), "argument 1: -129 does not fit into int8_t"),
    (("narrow", 0, -1), "does not fit into uint8_t"),
    (("add4", 1.5, 2, 3, 4), "1.5 is no integer"),
    (("add4", b"x", 2, 3, 4), "takes int32_t there, not an array"),
    (("scale", 1e300, 1.0), "does not fit into a float"),
    (("sum", np.zeros(3, dtype=np.float32), 3), "an array of float32, and the function takes int32"),
    (("sum", [1 << 40], 1), "does not fit into an array of int32"),
    (("length", "text"), "a text"),
    (("of_pair", 1), "only numbers and pointers can be given"),
    (("make_pair", 1), r"make_pair\(\) gives a pair of 8 bytes"),
    (("not_it", 2), r"2 does not fit into _Bool \(0 to 1\)"),
    (("scale", 10**400, 1.0), "does not fit into a float"),
    ((1 << 40,), "a name or an address of 32 bits goes there"),
    (("length", object()), "a object cannot be given"),
    (("negate", np.zeros(100_000, dtype=np.int16), 1), "its arguments take 200"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD, ids=lambda v: str(v)[:40] if isinstance(v, str) else None)
def test_what_cannot_be_called_is_one_clear_error(image: Path, arguments: tuple[object, ...], text: str) -> None:
    with product(image) as machine:
        count = machine.instructions
        with pytest.raises(UsageError, match=text):
            machine.call(*arguments)  # type: ignore[arg-type]
        assert machine.instructions == count, "nothing ran"
        assert machine.call("add4", 1, 1, 1, 1).value == 10, "the machine goes on"


def test_the_middle_of_a_function_is_not_called(image: Path) -> None:
    with product(image) as machine, pytest.raises(UsageError, match="in the middle of busy, which begins at"):
        machine.call(machine.elf.functions["busy"] + 5)


def test_an_image_of_hard_float_on_a_core_without_it(tmp_path: Path) -> None:
    board = replace(Board.load("stm32f4_discovery"), fpu="none")
    with (
        pytest.raises(UsageError, match=r"it gives floats in floating-point registers .*, and the board has no FPU"),
        product(native_elf(tmp_path, floats="hard"), board),
    ):
        pass


def test_static_functions_and_data_of_one_name(tmp_path: Path) -> None:
    first, second = tmp_path / "first.c", tmp_path / "second.c"
    kept = "__attribute__((noinline, used))"
    first.write_text(f"static volatile int here = 1; static {kept} int helper(int x) {{ return here + x; }}\n"
                     f"static {kept} int outer(int x) {{ return x; }}\n")  # fmt: skip
    second.write_text(f"static volatile int here = 5; static {kept} int helper(int x) {{ return here * x; }}\n"
                      f"{kept} int outer(int x) {{ return x + 100; }}\n")  # fmt: skip
    with product(native_elf(tmp_path, flags=[str(first), str(second)])) as machine:
        both = machine.elf.of_one_name("helper")
        assert sorted(machine.call(name, 4).value or 0 for name in both) == [5, 20]
        assert sorted(machine.read_int(name) for name in machine.elf.of_one_name("here")) == [1, 5]
        assert machine.call("outer", 1).value == 101, "the one that the linker means"
        for asks in (machine.call, machine.run_to, machine.read, machine.watch, machine.measure):
            name = "here" if asks in (machine.read, machine.watch) else "helper"
            with pytest.raises(UsageError, match=rf"has 2 symbols '{name}'\n.*one of: {name}@[0-9a-f]+, {name}@"):
                asks(name)  # type: ignore[operator]


def test_an_image_without_symbols_is_asked_by_address(tmp_path: Path) -> None:
    elf = native_elf(tmp_path)
    add4 = load_elf(elf).functions["add4"] | 1
    bare = replace(load_elf(elf), symbols={})
    with product(bare, to_main=False) as machine:
        assert machine.call(add4, 1, 1, 1, 1).value == 10
        for asks in (machine.run_to, lambda at: machine.intercept(at, lambda call: 0)):
            with pytest.raises(UsageError, match="has no name: only functions with a symbol can be"):
                asks(add4)  # type: ignore[operator]
        for asks in (machine.measure, machine.keep_region, lambda at: machine.on_call(at, lambda: None)):
            with pytest.raises(UsageError, match=r"function at 0x[0-9a-f]+ has no name.*\n.*objcopy --add-symbol"):
                asks(add4)  # type: ignore[operator]
        with pytest.raises(UsageError, match="has no symbols: 'add4' cannot be looked up"):
            machine.measure("add4")


def test_static_functions_of_cpp_of_one_name(tmp_path: Path) -> None:
    kept = "__attribute__((noinline, used))"
    sources = []
    for name, number in (("first", 1), ("second", 5)):
        source = tmp_path / f"{name}.cc"
        source.write_text(f"static {kept} int helper(int x) {{ return x + {number}; }}\n"
                          f"int {name}(int x) {{ return helper(x); }}\n")  # fmt: skip
        sources.append(str(source))
    with product(native_elf(tmp_path, flags=sources)) as machine:
        shown = sorted(name for name in machine.elf.readable.values() if "helper" in name)
        for name in ("helper", "helper(int)"):
            with pytest.raises(
                UsageError, match=r"has 2 functions 'helper.*\n.*one of: helper\(int\)@[0-9a-f]+; helper"
            ):
                machine.call(name, 1)
        assert sorted(machine.call(name, 1).value or 0 for name in shown) == [2, 6]
        assert [machine.call(name, 1).function for name in shown] == shown


def test_a_function_is_measured_by_its_address(image: Path) -> None:
    with product(image) as machine:
        loop = machine.elf.functions["imu_read"]
        by_name, by_address = machine.measure("imu_read", 2), machine.measure(loop | 1, 2)
        assert by_address.instructions == by_name.instructions
        assert by_address.region == "imu_read"


def test_an_image_up_to_the_end_of_code_memory_cannot_be_called(tmp_path: Path) -> None:
    full = load_elf(native_elf(tmp_path))
    full = replace(full, segments=(*full.segments, Segment(0x080FFF80, 0x080FFF80, bytes(64), 64)))
    with (
        Machine.started(full, Board.load("stm32f4_discovery"), engine()) as machine,
        pytest.raises(UsageError, match="reaches to the end of the code memory of netduinoplus2"),
    ):
        machine.call("nothing")
