"""Machine on an engine without an emulator: time, waiting, reads, decisions, console, failures."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sim.boards import Board
from sim.engines.fake import Arrive, Call, End, FakeCore, FakeEngine, Program, Step, fake_elf
from sim.engines.protocol import StopKind
from sim.errors import FirmwareFailure, UsageError
from sim.machine import Machine, NotSeen
from sim.port.mailbox import END, NONE, OK, Op
from sim.sensors.stimulus import Function

BOARD = Board.load("arduino_nano_33_ble")  # 64 MHz: an instruction takes 15.625 ns
Steps = Generator[Step, None, None]


@contextmanager
def playing(program: Program, *functions: str, boot: bool = True, log: Path | None = None) -> Iterator[Machine]:
    machine = Machine.started(fake_elf(BOARD, functions), BOARD, FakeEngine(program=program), log=log)
    try:
        if boot:
            machine.run_until_ready()
        yield machine
    finally:
        machine.close()


def score(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def decide(core: FakeCore, label: str, value: float = 0.5) -> Steps:
    yield from core.ring(Op.DECISION, 1, score(value), *core.text(label))


def forever() -> Steps:
    while True:
        yield 1 << 20


# ---- board time ----


def test_busy_time_is_instructions_over_the_clock() -> None:
    def program(core: FakeCore) -> Steps:
        yield 640
        yield from core.ready()
        yield from forever()

    with playing(program) as machine:
        assert machine.instructions == 640
        assert machine.time_ps == 10_000_000  # 10 us
        machine.run("1 ms")
        assert machine.time_ps == 1_010_000_000
        assert machine.instructions == 64_640
        machine.run(1e-9)  # less than an instruction: the next one ends behind it
        assert machine.instructions == 64_641


def test_sleep_adds_idle_time_and_no_instructions() -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        status, _, time_ns = yield from core.ring(Op.SLEEP, 5_000_000)
        assert (status, time_ns) == (OK, 5_000_000)
        yield 64_000
        status, _, time_ns = yield from core.ring(Op.TIME)
        assert time_ns == 6_000_000
        core.send(b"done\n")
        yield from forever()

    with playing(program) as machine:
        machine.console.expect("done", within="7 ms")
        assert machine.idle_time == pytest.approx(0.005)


def test_a_run_may_end_in_the_middle_of_a_wait() -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        yield from core.ring(Op.SLEEP, 10_000_000)
        core.send(b"awake\n")
        yield from forever()

    with playing(program) as machine:
        for ms in (3, 6, 9):
            machine.run("3 ms")
            assert machine.time_ps == ms * 10**9
            assert machine.instructions == 0
        machine.run("2 ms")
        assert machine.time_ps == 11 * 10**9
        assert machine.console.text == "awake\n"
        assert [line.time_ps for line in machine.console.lines] == [10 * 10**9]


# ---- sensors ----


def reading(count: int, samples: int = 4) -> Program:
    def program(core: FakeCore) -> Steps:
        _, result, _ = yield from core.ring(Op.OPEN, *core.text("imu"), 119_000, 0, 0)
        handle, channels, size, rate_mhz = result
        assert (handle, channels * 2, rate_mhz) == (0, size, 119_000)
        yield from core.ready()
        buffer = core.ram.origin + 1024
        for _ in range(count):
            status, (got, lost, first, _), _ = yield from core.ring(Op.READ, handle, buffer, samples)
            assert (status, got, lost) == (OK, samples, 0)
            values = np.frombuffer(core.read(buffer, samples * size), "<i2")
            yield from decide(core, f"{first}:{values[0]}")
        yield from forever()

    return program


def test_a_read_is_given_when_its_last_sample_exists() -> None:
    with playing(reading(3)) as machine:
        for k in range(1, 4):
            decision = machine.wait_for_decision(within="1 s")
            exact = Fraction(4 * k, 119)
            assert decision.time == pytest.approx(float(exact), abs=1e-11)
            assert decision.latency == pytest.approx(0, abs=1e-11)
            assert decision.samples == {"imu": 4 * k}
        assert machine.instructions == 0  # all of that time was waited


def test_a_read_survives_the_end_of_a_run() -> None:
    with playing(reading(2)) as split, playing(reading(2)) as whole:
        for _ in range(100):
            split.run("1 ms")
        whole.run("100 ms")
        assert [d.time for d in split.decisions] == [d.time for d in whole.decisions]
        assert [d.label.split(":")[0] for d in split.decisions] == ["0", "4"]
        # Each run ends behind its end by less than an instruction.
        assert 10**11 <= whole.time_ps < 10**11 + 15_625
        assert 10**11 <= split.time_ps < 10**11 + 100 * 15_625


def test_what_is_played_is_what_is_read() -> None:
    with playing(reading(1)) as machine:
        machine.imu.play(Function(lambda t: np.full((len(t), 1), 9.80665), ["ax"], "m/s^2"))
        machine.run("50 ms")
        code = int(machine.decisions[0].label.split(":")[1])
        assert code == pytest.approx(1 / 0.000732, abs=1)  # 1 g at the widest range, by the datasheet


def test_a_slot_that_is_not_there() -> None:
    with playing(reading(1)) as machine, pytest.raises(UsageError, match="has no 'imo'"):
        machine.sensor("imo")


# ---- decisions ----


def deciding(labels: str) -> Program:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        for label in labels:
            yield 64_000  # 1 ms
            yield from decide(core, label)
        yield from forever()

    return program


def test_each_decision_is_waited_for_once() -> None:
    with playing(deciding("abab")) as machine:
        assert [machine.wait_for_decision("a").number for _ in range(2)] == [0, 2]
        assert machine.wait_for_decision().label == "b"  # the one behind the last that was waited for
        with pytest.raises(NotSeen):
            machine.wait_for_decision("a", within="5 ms")
        assert [d.label for d in machine.decisions] == list("abab")


def test_waiting_ends_at_the_decision() -> None:
    with playing(deciding("ab")) as machine:
        decision = machine.wait_for_decision("b", within="1 h")
        assert decision.time == pytest.approx(0.002)
        assert machine.time_ps == 2 * 10**9


def test_decisions_that_came_before_count() -> None:
    with playing(deciding("abc")) as machine:
        machine.run("10 ms")
        assert machine.wait_for_decision("b", within=0).number == 1
        assert machine.wait_for_decision("c", within=0).number == 2


def test_a_miss_leaves_later_decisions_to_be_seen() -> None:
    with playing(deciding("aab")) as machine:
        with pytest.raises(NotSeen):
            machine.wait_for_decision("b", within="2 ms")
        assert machine.wait_for_decision("a", within="0 s").number == 0
        assert machine.wait_for_decision("b", within="2 ms").number == 2


# ---- console ----


def talking(*pieces: bytes) -> Program:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        for piece in pieces:
            core.send(piece)
            yield 64_000
        yield from forever()

    return program


def test_expect_eats_and_loses_nothing() -> None:
    with playing(talking(b"one tw", b"o three\r\n", b"four\n")) as machine:
        machine.console.expect("one", within="10 ms")
        machine.console.expect("two", within="10 ms")
        assert machine.console.expect(re.compile(r"t(h)ree\n"), within="10 ms")[1] == "h"
        with pytest.raises(NotSeen):
            machine.console.expect("three", within="1 ms")  # it is behind the mark
        machine.console.expect("four", within="10 ms")
        assert machine.console.raw == b"one two three\r\nfour\n"
        assert machine.console.text == "one two three\nfour\n"


def test_each_line_has_the_time_of_its_first_byte() -> None:
    with playing(talking(b"a", b"b\nc\n", b"d")) as machine:
        machine.run("10 ms")
        assert [(line.text, line.complete) for line in machine.console.lines] == [
            ("ab", True),
            ("c", True),
            ("d", False),
        ]
        # One instruction a byte and 64 000 behind each piece.
        assert [line.time_ps for line in machine.console.lines] == [
            0,
            64_003 * 15_625,
            128_005 * 15_625,
        ]


def test_a_text_in_two_halves_is_found() -> None:
    with playing(talking(b"hel", b"lo", b"\xe2\x82", b"\xac\n")) as machine:
        machine.console.expect("hello", within="10 ms")
        machine.console.expect("€", within="10 ms")


# ---- measuring ----


def test_measure_takes_the_next_runs() -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        for n in range(100, 1000, 100):
            yield Call("boardless_work", n)
            yield from decide(core, "done")

    with playing(program, "boardless_work") as machine:
        use = machine.measure("work", runs=3)
        assert (use.instructions.min, use.instructions.median, use.instructions.max) == (100, 200, 300)
        assert machine.measure("boardless_work").instructions.median == 400
        with pytest.raises(UsageError, match="has no function 'wrok'"):
            machine.measure("wrok")


def test_measure_what_does_not_run_often_enough() -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        yield Call("work", 10)
        yield from forever()

    with playing(program, "work") as machine, pytest.raises(NotSeen, match="2 runs of 'work'"):
        machine.measure("work", runs=2, within="1 ms")


# ---- the port ----


def test_figures_configuration_input_and_output() -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready("app")
        yield from core.ring(Op.INFO, *core.text("arena"), 1234)
        status, (value, *_), _ = yield from core.ring(Op.CONFIG, *core.text("runs"))
        assert (status, value) == (OK, 7)
        status, _, _ = yield from core.ring(Op.CONFIG, *core.text("none"))
        assert status == NONE
        buffer = core.ram.origin + 256
        status, (size, *_), _ = yield from core.ring(Op.INPUT, 0, buffer, 16)
        assert (status, core.read(buffer, size)) == (OK, b"abc")
        yield from core.ring(Op.OUTPUT, 2, buffer, 2)
        status, _, _ = yield from core.ring(Op.INPUT, 0, buffer, 16)
        assert status == END
        yield from core.ring(Op.EXIT, 0xFFFFFFFD)
        yield from forever()

    with playing(program) as machine:
        rows = [b"abc"]
        machine.port.config["runs"] = 7
        machine.port.inputs = lambda slot, capacity: rows.pop() if rows else None
        assert machine.run_to_exit() == -3
        assert machine.port.app == "app"
        assert machine.port.info == {"arena": 1234}
        assert machine.port.outputs == [(2, b"ab")]
        with pytest.raises(FirmwareFailure, match="has ended its run"):
            machine.run("1 ms")


# ---- failing ----


def test_not_seen_says_four_things(tmp_path: Path) -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        core.send(b"started\n")
        yield 64_000
        yield from decide(core, "still", 0.75)
        yield from forever()

    with playing(program, log=tmp_path / "log.txt") as machine:
        with pytest.raises(NotSeen) as caught:
            machine.wait_for_decision("moving", within="20 ms")
        text = str(caught.value)
        awaited = text.index("a decision 'moving' did not come within 0.020000 s of board time")
        came = text.index("started")
        state = text.index("state at board time 0.020000 s")
        log = text.index(f"full log: {tmp_path / 'log.txt'}")
        assert awaited < came < state < log
        assert "still" in text
        assert isinstance(caught.value, AssertionError)
        lines = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
        assert lines[0].endswith("] started")
        assert "decision" in lines[1]
        assert "still" in lines[1]
        machine.run("1 ms")  # the firmware may go on


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Arrive("abort"), r"abort\(\) was called"),
        (End(StopKind.ENDED, "the engine died"), "the engine died"),
        (End(StopKind.RESET, "the firmware asked for a reset"), "asked for a reset"),
        (End(StopKind.STUCK, "it sleeps"), "it sleeps"),
        (End(StopKind.STACK, "stack overflow"), "stack overflow"),
    ],
)
def test_an_end_is_a_failure_and_final(step: Step, text: str) -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        yield 640
        yield step
        yield from forever()

    with playing(program) as machine:
        for _ in range(2):
            with pytest.raises(FirmwareFailure, match=text) as caught:
                machine.wait_for_decision(within="1 s")
            assert not isinstance(caught.value, NotSeen)
        assert machine.time_ps == 10_000_000


@pytest.mark.parametrize(
    ("op", "arg", "text"),
    [
        (99, (), "request 99 is none of version 1"),
        (Op.DECISION, (0, score(float("nan"))), "a score that is not a number"),
        (Op.SLEEP, (0xFFFFFFFF, 0xFFFFFFFF), "sleeps for"),
        (Op.READ, (0, 0, 1), "read of sensor handle 0, but 0 are open"),
        (Op.READY, (0, 4), "4 bytes at 0x00000000"),
        (Op.READY, (0, 256), "a text of 256 bytes"),
    ],
)
def test_misuse_of_the_port(op: int, arg: tuple[int, ...], text: str) -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        yield from core.ring(op, *arg)
        yield from forever()

    with playing(program) as machine, pytest.raises(FirmwareFailure, match=re.escape(text)):
        machine.run("1 ms")


def test_halted_is_an_end() -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        core.send(b"Didn't find op\nHALTED\n")
        yield from forever()

    with playing(program) as machine, pytest.raises(FirmwareFailure, match="it logged HALTED"):
        machine.console.expect("result", within="10 s")


def test_a_log_that_is_full_of_lines_costs_no_memory() -> None:
    def program(core: FakeCore) -> Steps:
        yield from core.ready()
        while True:
            core.send(b"\n" * 4096)
            yield 1

    with playing(program) as machine, pytest.raises(FirmwareFailure, match="floods the UART: more than"):
        machine.run("10 s")


def test_unknown_on_fault() -> None:
    with pytest.raises(UsageError, match="on_fault='halt'"):
        Machine.started(fake_elf(BOARD), BOARD, FakeEngine(), on_fault="halt")
