"""Faults on purpose in a running machine: each takes effect, at its time, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bare import engine
from bench import bench_elf
from test_field_replay import motion, target

from sim.elf import load_elf
from sim.errors import FirmwareFailure, UsageError
from sim.machine import Machine
from sim.sensors.find import find_recording
from sim.sensors.recording import Recording


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Machine]:
    with target().boot(bench_elf(tmp_path)) as machine:
        machine.imu.play(motion(1, 6.0))
        yield machine


def scores(machine: Machine) -> list[float]:
    return [d.score for d in machine.decisions]


@pytest.fixture(scope="module")
def gesture() -> Path:
    engine()
    return target().build("gesture").elf


def decided(elf: Path, fault: Any = None, seconds: float = 8.0) -> list[tuple[str, float]]:
    """(label, score) of the gesture app on `running_07`, with a fault in it."""
    with target().boot(elf) as machine:
        machine.imu.play(Recording.load(find_recording("running_07")))
        if fault is not None:
            fault(machine)
        machine.run(seconds)
        return [(d.label, d.score) for d in machine.decisions]


def test_a_flip_in_weights_takes_effect_and_back(gesture: Path) -> None:
    clean = decided(gesture)
    assert len(clean) > 10
    hit = decided(gesture, lambda m: [m.faults.flip("weights", seed=s, bits=200, after="4 s") for s in range(3)])
    early = [i for i in range(len(clean)) if 28 + 7 * i < 4 * 14.9]
    assert hit[: len(early)] == clean[: len(early)]
    assert hit != clean
    # The same bit twice is what it was.
    twice = decided(gesture, lambda m: m.faults.flip("weights", bit=8007, after="4 s", every="1 ms", times=2))
    assert twice == clean


def test_a_flip_in_code_takes_effect(gesture: Path) -> None:
    """The core has run this function before: what QEMU has translated of it must not be used again."""
    elf = load_elf(gesture)
    entry = elf.functions["boardless_invoke"]
    with target().boot(gesture) as machine:
        machine.imu.play(Recording.load(find_recording("running_07")))
        machine.wait_for_decision()
        for at, (old, new) in enumerate(zip(elf.read(entry, 2), b"\x00\xde", strict=True)):  # UDF #0
            for bit in range(8):
                if (old ^ new) >> bit & 1:
                    machine.faults.flip(entry + at, bit=bit)
        with pytest.raises(FirmwareFailure, match=r"UsageFault.*UNDEFINSTR.* in boardless_invoke\+0x0"):
            machine.run("2 s")
        assert len(machine.decisions) == 1


def test_flips_in_code_that_are_undone_cost_nothing(gesture: Path) -> None:
    def twice(machine: Machine) -> None:
        machine.faults.flip("boardless_invoke", bit=3, after="3 s", every="1 us", times=2)

    assert decided(gesture, twice) == decided(gesture)


def test_a_flip_in_ram(bench: Machine) -> None:
    bench.run("500 ms")
    before = bench.read_int("ticks")
    bench.faults.flip("ticks", bit=20)
    bench.run("1 ms")
    assert bench.read_int("ticks") == before ^ 1 << 20
    assert [f["kind"] for f in bench.faults.done] == ["flip"]


def test_flips_by_rate_and_at_a_decision(bench: Machine) -> None:
    bench.faults.flip("blob", seed=4, rate=20.0, lasts="1 s")
    bench.run("1.5 s")
    times = [f["time_ps"] for f in bench.faults.done]
    assert 8 < len(times) < 40
    assert times == sorted(times)
    bench.faults.flip("ticks", bit=9, at_decision=len(bench.decisions) + 2)
    bench.run("1 s")
    assert bench.faults.done[-1]["place"] == "ticks"
    assert bench.faults.done[-1]["time_ps"] == round(bench.decisions[-1 - _after(bench)].time * 1e12)


def _after(machine: Machine) -> int:
    """How many decisions came after the last fault."""
    return sum(round(d.time * 1e12) > machine.faults.done[-1]["time_ps"] for d in machine.decisions)


def test_sensor_faults_reach_the_firmware(tmp_path: Path) -> None:
    def run(*faults: Any) -> list[float]:
        with target().boot(bench_elf(tmp_path)) as machine:
            machine.imu.play(motion(1, 6.0))
            for fault in faults:
                fault(machine.faults)
            machine.run("2 s")
            return scores(machine)

    clean = run()
    for fault in (
        lambda f: f.stuck("imu", after="1 s", lasts="300 ms"),
        lambda f: f.stuck("imu", "ax", at=1000, after="1 s"),
        lambda f: f.saturation("imu", at=0.05, after="1 s"),
        lambda f: f.noise("imu", "gx", sigma=50, seed=2, after="1 s"),
        lambda f: f.drift("imu", "ay", per_second=5.0, after="1 s"),
        lambda f: f.swap("imu", "ax", "gx", after="1 s"),
        lambda f: f.dropout("imu", lasts="100 ms", after="1 s"),
    ):
        hit = run(fault)
        assert hit == run(fault)
        assert hit[:7] == clean[:7]
        if fault.__code__.co_names[-1] != "swap":  # the mean of all axes does not care
            assert hit != clean


def test_late_samples_and_a_wrong_rate(tmp_path: Path) -> None:
    elf = bench_elf(tmp_path)
    with target().boot(elf) as machine:
        machine.faults.late("imu", by="30 ms")
        machine.run("1 s")
        assert machine.decisions[0].latency == pytest.approx(0.030, abs=0.001)
    with target().boot(elf) as machine:
        machine.faults.rate("imu", "1.5")
        machine.run("1 s")
        assert len(machine.decisions) == int(119 * 1.5 / 16)


def test_a_reset_starts_again_with_the_ram_that_is_asked_for(tmp_path: Path) -> None:
    elf = bench_elf(tmp_path)
    ends = {}
    for ram in ("kept", "lost", "random"):
        with target().boot(elf) as machine:
            machine.imu.play(motion(1, 6.0))
            unused = machine.layout.ram.end - 64
            machine.write(unused, b"still here")
            machine.faults.reset(after="1 s", off="50 ms", ram=ram, seed=3)
            machine.run("2 s")
            assert machine.console.text.count("bench\n") == 2
            assert machine.console.text.count("tick 001") == 2
            assert 12 < len(machine.decisions) < 15
            second = [line for line in machine.console.lines if line.text == "bench"][1]
            assert 1.05e12 <= second.time_ps < 1.051e12
            ends[ram] = machine.read(unused, 10)
            assert machine.time == pytest.approx(2.0, abs=0.001)
    assert ends["kept"] == b"still here"
    assert ends["lost"] == bytes(10)
    assert ends["random"] not in (b"still here", bytes(10))


def test_the_core_clock_can_be_off(bench: Machine) -> None:
    bench.run("1 s")
    cycles = bench.cycles or bench.instructions
    bench.write("command", 4)  # spins
    bench.run("1 s")
    second = (bench.cycles or bench.instructions) - cycles
    bench.faults.clock(ppm=-500_000)
    bench.run("1 s")
    third = (bench.cycles or bench.instructions) - cycles - second
    assert third == pytest.approx(bench.board.clock_hz / 2, rel=0.001)
    assert bench.time == pytest.approx(3.0, abs=0.001)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda f: f.dropout("imo", lasts=1), "no 'imo'"),
        (lambda f: f.stuck("imu", "qx"), "no channel 'qx'"),
        (lambda f: f.saturation("imu", at=2), "saturation at 2"),
        (lambda f: f.noise("imu", sigma=-1, seed=0), "standard deviation of -1"),
        (lambda f: f.rate("imu", "fast"), "rate factor of 'fast'"),
        (lambda f: f.rate("imu", 1000), "from 0.01 to 100"),
        (lambda f: f.flip("weigths", seed=1), "no place 'weigths'"),
        (lambda f: f.flip("weights", seed=1), "no model of boardless"),
        (lambda f: f.flip("ticks"), "which bit"),
        (lambda f: f.flip("ticks", bit=32), "bit 32 of ticks, which has 32"),
        (lambda f: f.flip(0x40000000, bit=0), "neither RAM nor flash"),
        (lambda f: f.flip("ticks", bit=0, times=3), "how often"),
        (lambda f: f.flip("ticks", seed=1, rate=5.0), "for how long"),
        (lambda f: f.flip("ticks", bit=0, bits=0), "at least one"),
        (lambda f: f.flip("ticks", bit=0, at_decision=0), "1 is the first"),
        (lambda f: f.reset(ram="gone"), "ram='gone'"),
        (lambda f: f.clock(ppm=1e9), "ppm"),
        (lambda f: f.lose_interrupt("SysTick"), "cannot lose an interrupt"),
        (lambda f: f.late("imu", by="soon"), "no duration"),
    ],
)
def test_bad_input(bench: Machine, fault: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        fault(bench.faults)
    assert bench.faults.done == []
