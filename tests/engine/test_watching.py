"""machine.watch: who reads and writes memory, exactly when; machine.backtrace: where the core stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from native import native_elf, product

from sim.errors import CallWarning, UsageError
from sim.machine import NotSeen


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native_elf(tmp_path_factory.mktemp("native"))


def source_line(text: str) -> int:
    source = Path(__file__).with_name("firmware") / "functions.c"
    return 1 + next(i for i, line in enumerate(source.read_text().splitlines()) if text in line)


def test_writes_with_place_value_and_time(image: Path) -> None:
    with product(image) as machine:
        with machine.watch("g_state") as watch:
            machine.run("1 ms")
            events = watch.events
        assert [e.value for e in events] == list(range(len(events)))
        assert len(events) > 20
        assert {(e.function, e.line, e.size, e.write) for e in events} == {
            ("main", f"functions.c:{source_line('g_state = k')}", 4, True)
        }
        assert [e.time for e in events] == sorted(e.time for e in events)
        assert str(events[1]).startswith(f"[{events[1].time:.6f} s] main writes 0x1 (4 bytes at 0x2000")
        machine.run("1 ms")
        assert len(watch.events) == len(events), "nobody watches any more"


def test_the_count_is_that_in_front_of_the_instruction(image: Path) -> None:
    with product(image) as machine:
        machine.run_to("store_it")
        first = machine.elf.functions["store_it"]
        count, time = machine.instructions, machine.time_ps
        with machine.watch("g_byte") as watch:
            assert machine.instructions == count, "to watch runs nothing"
            machine.run("100 us")
            event = watch.events[0]
        code, at, executed = machine.elf, first, 0
        while at < event.pc:  # straight code up to the store
            half = int.from_bytes(code.read(at, 2), "little")
            at += 4 if half >> 11 in (0b11101, 0b11110, 0b11111) else 2
            executed += 1
        assert at == event.pc
        assert executed > 2
        assert event.instructions == count + executed
        assert event.time_ps > time


def test_reads_and_every_access(image: Path) -> None:
    with product(image) as machine:
        machine.write("table", (7).to_bytes(4, "little"))
        with machine.watch("table", on="read") as reads, machine.watch("table", on="access", length=8) as both:
            machine.call("from_table", 0)
            machine.call("from_table", 2)
            assert [(e.write, e.value, e.function) for e in reads.events] == [
                (False, 7, "from_table"),
                (False, 30, "from_table"),
            ]
            assert [e.value for e in both.events] == [7]
        with machine.watch("place", on="write") as writes:
            machine.call("negate", machine.elf.symbols["place"].address, 3)
            assert [(e.address - machine.elf.symbols["place"].address, e.size) for e in writes.events] == [
                (0, 2), (2, 2), (4, 2)]  # fmt: skip


def test_what_is_kept_has_a_bound(image: Path) -> None:
    with product(image) as machine, machine.watch("g_state", most=3) as watch:
        machine.run("1 ms")
        assert [e.value for e in watch.events] == [0, 1, 2]
        lost = watch.lost
        assert lost > 10
        with machine.watch("g_out"):  # the engine begins to count anew
            assert watch.lost == lost
            machine.run("1 ms")
        machine.run("1 ms")
        assert [e.value for e in watch.events] == [0, 1, 2]
        assert watch.lost > 2.5 * lost
        assert [watch.wait("1 ms").value for _ in range(3)] == [0, 1, 2]
        with pytest.raises(UsageError, match="watch of g_state: no more than 3 accesses are kept"):
            watch.wait("1 ms")


def test_waiting_for_an_access_stops_soon_behind_it(image: Path) -> None:
    with product(image) as machine:
        with machine.watch("g_state") as watch:
            machine.run("10 us")
            seen = len(watch.events)
            for value in range(seen + 3):
                event = watch.wait("1 ms")
                assert event.value == value
            assert machine.instructions - event.instructions < 100
        with (
            machine.watch(machine.layout.ram.origin + 0x8000) as never,
            pytest.raises(NotSeen, match=r"a write to 0x20008000 did not come within 0\.000100 s"),
        ):
            never.wait("100 us")


def test_watching_changes_nothing(image: Path) -> None:
    def end(watched: bool) -> tuple[int, int | None, list[object]]:
        with product(image) as machine:
            events: list[object] = []
            if watched:
                with machine.watch("g_sum", on="access") as watch:
                    machine.run("1 ms")
                    events = [*watch.events]
            else:
                machine.run("1 ms")
            machine.run_to("imu_read")
            machine.run("300 us")
            return machine.instructions, machine.read_int("g_sum"), events

    plain, first, second = end(False), end(True), end(True)
    assert first == second
    assert plain[:2] == first[:2]


@pytest.mark.parametrize(
    ("where", "more", "text"),
    [
        ("g_stat", {}, "has no symbol 'g_stat'\n.*did you mean 'g_state'"),
        ("main", {}, "is a function: only data can be watched"),
        ("vectors", {}, "only RAM can be watched"),
        ("__bss_start", {}, "has no size in"),
        (0x08000000, {}, "only RAM can be watched"),
        ("g_state", {"on": "wrte"}, r"watch\(on='wrte'\)\n.*did you mean 'write'"),
        ("g_state", {"length": 0}, "a whole number of at least 1"),
        ("g_state", {"most": 0}, "a whole number from 1 to 50000"),
    ],
)
def test_what_cannot_be_watched(image: Path, where: str | int, more: dict[str, object], text: str) -> None:
    with product(image) as machine, pytest.raises(UsageError, match=text):
        machine.watch(where, **more)  # type: ignore[arg-type]


def test_only_so_many_places(image: Path) -> None:
    with product(image) as machine:
        watches = [machine.watch("g_state") for _ in range(8)]
        with pytest.raises(UsageError, match="8 places are watched already"):
            machine.watch("g_state")
        watches[0].remove()
        watches[0].remove()
        machine.watch("g_state").remove()
        with pytest.raises(UsageError, match="is not watched any more"):
            watches[0].wait()


def test_a_backtrace_of_where_the_core_stands(image: Path) -> None:
    with product(image) as machine:
        machine.run_to("busy")
        trace = machine.backtrace()
        assert [frame.function for frame in trace] == ["busy", "main"]
        assert trace[0].address == machine.elf.functions["busy"]
        assert (trace[1].file, trace[1].line) == ("functions.c", source_line("g_sum = busy(k)"))
        assert len(trace) == 2
        lines = str(trace).splitlines()
        assert lines[0].startswith("busy+0x0 (0x0800")
        assert lines[1].endswith(f"at functions.c:{trace[1].line}")


def test_of_a_called_function_it_ends_at_the_call(image: Path) -> None:
    with product(image) as machine:
        traces: list[str] = []
        with (
            machine.intercept("nothing", lambda call: traces.append(str(machine.backtrace()))),
            pytest.warns(CallWarning),
        ):
            machine.call("nothing")
        assert traces[0].splitlines()[0].startswith("nothing+0x0")
        assert "boardless_call+0x2" in traces[0].splitlines()[1]
