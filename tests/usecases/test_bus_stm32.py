"""The bus build of the STM32F4DISCOVERY on a real Renode: a Si7021 on the chip's I2C, an amplifier on its ADC.

The app with the thermometer is that of examples/fridge, and time goes by 500 times as fast: a temperature every 0.1 s,
not every 50 s.
"""

from __future__ import annotations

import importlib.util
import math
import shutil
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim import Recording, Settings
from sim.engines.renode import find_renode
from sim.errors import FirmwareFailure, SetupError
from sim.field.events import decision_hash
from sim.machine import Machine
from sim.target import Target

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "fridge"
THERMOMETER, AMMETER = (Path(__file__).parent / "apps" / name for name in ("thermometer", "ammeter"))
RATE = 10.0  # Hz


def target(io: str) -> Target:
    """The board on Renode; skips where there is none."""
    settings = replace(Settings.load(), board="stm32f4_discovery", engine="renode", io=io)
    try:
        find_renode(settings)
    except SetupError as error:
        pytest.skip(f"{error.message}. {error.hint}")
    return Target.of(settings)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app, its model's card with the higher rate."""
    mine = tmp_path_factory.mktemp("fast") / "fridge"
    shutil.copytree(EXAMPLE, mine, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    card = mine / "models" / "fridge" / "model.toml"
    slow = card.read_text(encoding="utf-8")
    assert "rate_hz = 0.02 " in slow
    card.write_text(slow.replace("rate_hz = 0.02 ", f"rate_hz = {RATE} "), encoding="utf-8")
    return mine / "apps" / "fridge"


def course() -> Recording:
    spec = importlib.util.spec_from_file_location("fridge", EXAMPLE / "models" / "fridge" / "fridge.py")
    assert spec is not None
    assert spec.loader is not None
    fridge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fridge)
    return Recording(fridge.course(seed=7, hours=2.5, door=(1.0, 1.4)), ["temperature"], "degC", rate=RATE)


def test_on_the_same_codes_the_bus_build_decides_as_the_port_build(app: Path) -> None:
    seen = {}
    for io in ("port", "bus"):
        there = target(io)
        with there.boot(there.build(app).elf) as machine:
            machine.temperature.play(course())
            machine.run_to_end(within="1 min")
            # Every code that the firmware read, and what came of them.
            channel = machine.temperature.channel
            decided = [(d.label, d.score, d.samples) for d in machine.decisions]
            ordered = ((d.label, d.index, tuple(d.samples.items())) for d in machine.decisions)
            seen[io] = channel.output.recent().tolist(), decided, machine.console.text, decision_hash(ordered)
            if io == "bus":
                assert machine.has_own_time
                assert all(math.isnan(d.latency) for d in machine.decisions)
                assert channel.statistics().overrun == 0
                assert machine.time == pytest.approx(2.5 * 3600 * 0.02 / RATE, abs=0.3)  # TIM2 is right
    assert [label for label, *_ in seen["bus"][1]] == ["normal", "door", "normal"]
    assert seen["port"] == seen["bus"]


def given_away(machine: Machine) -> list[int]:
    """What the firmware has read of all that is played."""
    machine.run_to_end(within="1 min")  # its last sample has been fed
    machine.run("30 ms")  # and is read, at a tick that is 20 ms away at most
    return [struct.unpack("<h", out)[0] for slot, out in machine.port.outputs if slot == 3]


def test_every_temperature_of_the_model_comes_through_the_driver() -> None:
    there = target("bus")
    codes = np.concatenate([[-4000, -3999, 8499, 8500, -1, 0, 1], np.arange(-4000, 8500, 95)])
    with there.boot(there.build(THERMOMETER).elf) as machine:
        machine.temperature.play(Recording(codes / 100, ["temperature"], "degC", rate=50))
        assert given_away(machine) == codes.tolist()


def test_what_the_model_does_not_take_is_cut_off() -> None:
    there = target("bus")
    with there.boot(there.build(THERMOMETER).elf) as machine:
        machine.temperature.play(Recording(np.array([-60.0, 100.0, 20.0]), ["temperature"], "degC", rate=50))
        assert given_away(machine) == [-4000, 8500, 2000]


# ---- faults of the bus: the driver reports them, and does not hang ----


@pytest.fixture
def board(app: Path) -> Iterator[Machine]:
    there = target("bus")
    with there.started(there.build(app).elf) as machine:
        machine.temperature.play(course())
        yield machine


def test_a_missing_sensor(board: Machine) -> None:
    board.faults.bus("temperature", "no answer")
    with pytest.raises(FirmwareFailure, match=r"sensor temperature: not opened: no answer on the bus \(NACK\)"):
        board.run("1 s")


def test_a_part_that_no_longer_answers(board: Machine) -> None:
    board.faults.bus("temperature", "no answer", after="3.5 s")
    with pytest.raises(FirmwareFailure, match=r"sensor temperature: read failed: no answer on the bus \(NACK\)"):
        board.run("5 s")
    assert 3.5 <= board.time < 3.7
    assert [d.label for d in board.decisions] == ["normal"]


def test_a_part_that_is_away_while_nobody_asks_is_not_missed(board: Machine) -> None:
    board.faults.bus("temperature", "no answer", after="2.03 s", lasts="30 ms")  # between two reads, 0.1 s apart
    board.run("4 s")
    assert [d.label for d in board.decisions] == ["normal"]


@pytest.mark.parametrize("after", ["0 s", "2 s"])
def test_a_bus_that_is_stuck(board: Machine, after: str) -> None:
    board.faults.bus("temperature", "stuck", after=after)
    with pytest.raises(FirmwareFailure, match=r"sensor temperature: .*: the bus is stuck"):
        board.run("4 s")


# ---- the ADC ----


def currents() -> Recording:
    """Both directions, the codes at both ends among them, at the rate of the app."""
    wave = 3.3 * np.sin(np.arange(200) / 15)  # cut off at 3.2 A
    return Recording(wave, ["current"], "A", rate=100)


@pytest.mark.filterwarnings("ignore::sim.errors.StimulusWarning")
def test_over_the_adc_the_app_reads_and_decides_the_same() -> None:
    seen = {}
    for io in ("port", "bus"):
        there = target(io)
        with there.boot(there.build(AMMETER).elf) as machine:
            machine.current.play(currents())
            machine.run_to_end(within="1 min")
            machine.run("0.12 s")  # the last block is taken, and 10 samples are read
            blocks = [np.frombuffer(out, "<i2").tolist() for slot, out in machine.port.outputs if slot == 3][:20]
            decided = [(d.label, d.score, d.index, tuple(d.samples.items())) for d in machine.decisions][:20]
            fed = machine.current.channel.output.recent()[:200, 0].tolist()
            seen[io] = blocks, decided, decision_hash((label, index, taken) for label, _, index, taken in decided)
            assert [code for block in blocks for code in block] == fed  # of the host
    assert {label for label, *_ in seen["bus"][1]} == {"in", "out"}
    assert len(seen["bus"][1]) == 20
    assert max(map(max, seen["bus"][0])) == -min(map(min, seen["bus"][0])) == 1985
    assert seen["port"] == seen["bus"]


@pytest.mark.parametrize("after", ["0 s", "0.5 s"])
def test_an_adc_that_does_nothing(after: str) -> None:
    there = target("bus")
    with there.started(there.build(AMMETER).elf) as machine:
        machine.faults.bus("current", "stuck", after=after)
        with pytest.raises(FirmwareFailure, match="sensor current: read failed: the bus is stuck"):
            machine.run("2 s")
