"""Streaming truth: the same app keeps up with its sensor on one board and not on a slower one, in figures."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import use

from sim.paths import data_root
from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

sounds = use.module("sound", "sounds")


def hear(machine):
    codes = np.concatenate([sounds.clip(77, i, label, None) for i, label in enumerate(sounds.LABELS)])
    machine.microphone.play(Recording(codes / 32768.0, ["sound"], "fs", rate=sounds.RATE, name="clips"))
    machine.run_to_end()
    print(machine.board.name, machine.deadlines)
    return machine.deadlines["microphone"]


@pytest.mark.app("sound")
@pytest.mark.board("stm32f4_discovery")
def test_fine_on_a_fast_board(machine):
    heard = hear(machine)
    assert heard.kept
    assert heard.period == 0.2
    assert heard.answers >= 20
    assert heard.worst < 0.064  # so much sound waits in RAM
    assert heard.backlog < heard.fifo
    assert machine.deadlines.within("64 ms").kept


@pytest.fixture
def slow(tmp_path):
    """The STM32L152 on its internal oscillator: half the clock of the board as it is sold."""
    folder = tmp_path / "nucleo_16_mhz"
    shutil.copytree(data_root() / "platforms" / "nucleo_l152re", folder)
    text = (folder / "board.toml").read_text(encoding="utf-8")
    assert text.count("hz = 32_000_000") == 1
    (folder / "board.toml").write_text(text.replace("hz = 32_000_000", "hz = 16_000_000"), encoding="utf-8")
    target = Target.of(Settings.load({"board": str(folder)}))
    with target.boot(target.build("sound").elf) as machine:
        yield machine


def test_late_on_a_slow_one(slow):
    """The period of 200 ms is kept, but the buffers are full before the inference is done: sound is lost."""
    heard = hear(slow)
    assert heard.period == 0.2
    assert heard.misses == 0
    assert heard.worst > 0.064  # longer than the buffers last
    assert heard.backlog == heard.fifo == 1024
    assert heard.lost == slow.microphone.channel.statistics().overrun > 0
    assert heard.overruns > 10
    assert not heard.kept
    assert slow.deadlines.within("64 ms").misses == heard.answers


@pytest.mark.app("vehicle")
@pytest.mark.board("stm32f4_discovery", "mps3_an547")
def test_two_boards_two_latencies(machine, recording):
    """As many answers on each board, none lost, the slower one later."""
    machine.imu.play(recording("drive_pothole"))
    machine.run_to_end()
    imu = machine.deadlines["imu"]
    assert imu.period == 0.25
    assert imu.kept
    assert imu.jitter < 0.005
    assert (imu.worst < 0.02) == (machine.board.name == "stm32f4_discovery")
