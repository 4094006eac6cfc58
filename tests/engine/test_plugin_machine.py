"""What a test can do with a machine, on real firmware. This file is a user's test of tests/engine/firmware/bench.c."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from bench import HALF_LINE, LATER, SAY, bench_elf

from sim.errors import FirmwareFailure, UsageError
from sim.machine import Machine, NotSeen
from sim.sensors.recording import Recording
from sim.sensors.stimulus import Constant

# No marker: the fixture below is asked by `machine`, as any fixture of the same name nearer to the test.


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> object:
    from sim.firmware import Firmware

    return Firmware.from_elf(bench_elf(tmp_path_factory.mktemp("bench")))


@pytest.fixture
def firmware(built: object) -> object:
    """In place of the plugin's: the ELF is compiled by the test itself."""
    return built


Load = Callable[[str], Recording]


def test_a_recording_is_played_and_decided_upon(machine: Machine, recording: Load) -> None:
    machine.imu.play(recording("running_07"))
    decision = machine.wait_for_decision("moving", within="3 s")
    assert decision.score > 0.1
    assert 0 < decision.latency < 0.001
    assert decision.samples == {"imu": 16 * (decision.number + 1)}
    # 16 samples of 119 Hz a decision, the k-th sample at k / rate after the opening.
    assert decision.time == pytest.approx(16 * (decision.number + 1) / 119, abs=0.001)
    assert machine.decisions[decision.number] is decision
    assert not machine.imu.ended
    machine.run_to_end()
    assert machine.imu.ended
    assert machine.time == pytest.approx(recording("running_07").duration, abs=0.2)


def test_decisions_are_waited_for_one_after_the_other(machine: Machine) -> None:
    machine.imu.play(Constant([0, 0, 1], ["ax", "ay", "az"], "g"))
    numbers = [machine.wait_for_decision().number for _ in range(5)]
    assert numbers == [0, 1, 2, 3, 4]
    assert [d.number for d in machine.decisions] == numbers  # it stops at the decision, not some time later
    with pytest.raises(NotSeen, match=r"a decision 'never' did not come within 0\.500000 s of board time"):
        machine.wait_for_decision("never", within="500 ms")
    # What was looked at in vain is still there for others.
    assert machine.wait_for_decision("moving").number == 5


def test_text_is_expected_in_board_time(machine: Machine) -> None:
    assert machine.console.text == "bench\n"
    before = machine.time
    machine.console.expect("tick 003", within="1 s")
    assert machine.time == pytest.approx(before + 3 * 16 / 119, abs=0.002)
    with pytest.raises(NotSeen, match="'tick 009' on the console"):
        machine.console.expect("tick 009", within=0.1)
    assert machine.time == pytest.approx(before + 3 * 16 / 119 + 0.1, abs=0.002)
    # Nothing eaten: what stood there when it was not found is found now.
    found = machine.console.expect(re.compile(r"^tick (\d+)$", re.MULTILINE))
    assert found[1] == "004"


def test_matches_go_on_behind_the_last_and_nothing_is_lost(machine: Machine) -> None:
    machine.write("command", SAY)
    machine.console.expect("score", within="1 s")
    with pytest.raises(NotSeen):
        machine.console.expect("bench", within="10 ms")  # it lies before
    assert "bench" in machine.console.text
    assert machine.console.expect(re.compile(r" (?P<value>[\d.]+)$", re.M))["value"] == "0.75"
    assert machine.console.text == "bench\ntick 001\n21 °C\nscore 0.75\n"
    assert machine.console.raw == "bench\r\ntick 001\n21 °C\r\nscore 0.75\r\n".encode()


def test_text_beyond_ascii(machine: Machine) -> None:
    machine.write("command", SAY)
    assert machine.console.expect(re.compile(r"(\d+ °[CF])"), within="1 s")[1] == "21 °C"


def test_lines_have_their_board_time(machine: Machine) -> None:
    machine.write("command", HALF_LINE)
    machine.console.expect("tick 002", within="1 s")
    first, one, two = machine.console.lines
    assert (first.text, one.text, two.text) == ("bench", "tick 001", "no endtick 002")
    assert first.time_ps < 1_000_000_000
    assert one.time_ps / 1e12 == pytest.approx(16 / 119, abs=0.001)
    assert two.time_ps / 1e12 == pytest.approx(16 / 119, abs=0.001)  # of its first byte


def test_the_machine_stands_where_the_text_came(machine: Machine) -> None:
    """Firmware that computes for long without a doorbell: board time does not run away from what was seen."""
    machine.write("command", LATER)
    machine.console.expect("later", within="10 s")
    came = next(line for line in machine.console.lines if line.text == "later")
    assert 0 <= machine.time_ps - came.time_ps < 2_000_000_000  # 100 000 instructions are 1.6 ms
    assert machine.console.lines[-1] is not came


def test_running_takes_board_time(machine: Machine) -> None:
    start = machine.time
    machine.run(0.25)
    machine.run("250 ms")
    assert machine.time == pytest.approx(start + 0.5, abs=0.001)
    assert machine.time_base == "cortex-m4: core and memory, never held against hardware, at 64 MHz, plus waiting"
    # Waiting for samples is not computing.
    assert machine.cycles is not None
    assert machine.instructions < machine.cycles < 0.01 * 0.5 * machine.board.clock_hz
    for wrong in ("2 parsecs", -1.0, float("nan")):
        with pytest.raises(UsageError, match="is no duration"):
            machine.run(wrong)


def test_memory(machine: Machine) -> None:
    assert machine.read("blob") == b"\1\2\3"
    machine.write("blob", b"\x09")
    assert machine.read("blob") == b"\x09\2\3"
    assert machine.read_int("offset", signed=True) == -7
    machine.write("offset", -1)
    assert machine.read_int("offset") == 0xFFFF
    machine.write("ticks", 41)
    machine.console.expect("tick 042", within="1 s")
    assert machine.read_int("ticks") == 42
    address = machine.elf.symbols["ticks"].address
    assert machine.read(address) == (42).to_bytes(4, "little")
    assert machine.read(address, 2) == b"\x2a\0"
    assert machine.read("bench_text" if "bench_text" in machine.elf.symbols else 0, 4) == machine.elf.read(0, 4)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda m: m.read("tick"), r"no symbol 'tick'\n  did you mean 'ticks'"),
        (lambda m: m.write("tik", 1), "did you mean 'ticks'"),
        (lambda m: m.write("blob", b"1234"), "4 bytes do not fit into 'blob', which has 3"),
        (lambda m: m.write("ticks", 1 << 32), "4294967296 does not fit into the 4 bytes of 'ticks'"),
        (lambda m: m.write("ticks", -(1 << 31) - 1), "does not fit into the 4 bytes"),
        (lambda m: m.read_int("blob"), "'blob' has 3 bytes: no integer"),
        (lambda m: m.write("main", b"\0"), "not in the board's RAM"),
        (lambda m: m.write(0x4000_4000, b"x"), "not in the board's RAM"),
        (lambda m: m.read(0xE000_ED28), "not in the image"),
        (lambda m: m.read("__stack_top"), "has no size"),
        (lambda m: m.sensor("imo"), "did you mean 'imu'"),
        (lambda m: m.measure("invok"), "did you mean"),
        (lambda m: m.imu.play(Constant([1], ["ac"], "g")), "ac"),
    ],
)
def test_what_is_not_there_is_said(machine: Machine, what: Callable[[Machine], object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        what(machine)
    machine.wait_for_decision()  # and nothing has become of the machine


def test_measuring(machine: Machine, recording: Load) -> None:
    machine.imu.play(recording("running_07"))
    use = machine.measure("invoke", runs=10)  # boardless_invoke
    assert use.runs == 10
    assert 500 < use.instructions.min <= use.instructions.median <= use.instructions.max < 2000
    assert use.cycles is not None
    assert use.instructions.median < use.cycles.median < 3 * use.instructions.median
    assert (use.model, use.validated) == ("cortex-m4: core and memory, never held against hardware", False)
    assert use.firmware_sha256 == machine.elf.sha256
    assert len(machine.decisions) == 10  # it stands at the doorbell behind the tenth run
    again = machine.measure("boardless_invoke", runs=1)
    assert abs(again.instructions.min - use.instructions.median) < 200
    with pytest.raises(NotSeen, match="1 run of 'boardless_main_returned' did not come"):
        machine.measure("boardless_main_returned", within="1 s")


def test_a_machine_that_has_failed_says_so_again(machine: Machine) -> None:
    machine.write("command", 1)
    for _ in range(2):
        with pytest.raises(FirmwareFailure, match="BusFault"):
            machine.run("5 s")
