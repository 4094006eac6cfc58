"""Machine: bearings that are healthy or not, on the virtual board; spectra and scores as on the host."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
import use

from sim.model import Model

pytestmark = pytest.mark.app("machine")
f = use.module("machine", "features")
bearing = use.module("machine", "bearing")
SEED = 77  # none of the seeds that train.py uses
MINUTES = 60 if os.environ.get("BOARDLESS_LONG") else 5
WINDOW = f.RAW / f.RATE  # s


def states(count: int, r: float, first: int = 0) -> list[tuple[int, int, float]]:
    return [(SEED, first + i, r) for i in range(count)]


def run(machine, played: list[tuple[int, int, float]]) -> np.ndarray:
    """Scores of all windows, from the board."""
    machine.port.config["show_input"] = 1
    machine.vibration.play(bearing.Vibration(played))
    machine.run_to_end()
    machine.run(0.1)  # the last window is still being worked on
    scores = [int.from_bytes(d, "little", signed=True) for slot, d in machine.port.outputs if slot == 1]
    assert len(scores) >= 4 * len(played)
    return np.array(scores[: 4 * len(played)])


@pytest.mark.board("arduino_nano_33_ble", "nucleo_l152re", "stm32f4_discovery", "mps3_an547")
def test_as_on_the_host(machine):
    """Spectrum, autoencoder and score, window by window, on all boards; nothing is lost meanwhile."""
    played = states(5, 0.0) + states(5, 0.5, 5)
    scores = run(machine, played)
    raw = np.concatenate([bearing.span(*s)[:, f.AXIS] for s in played])
    wanted = f.of_stream(f.codes(raw))
    assert np.array_equal(use.inputs_of(machine)[: len(wanted)], wanted)
    (out,) = Model.load(use.folder("machine") / "machine.tflite").outputs
    host = f.scores(wanted, use.on_host("machine", wanted), out.scale[0], out.zero_point[0])
    assert np.array_equal(scores, host)
    assert machine.vibration.channel.statistics().overrun == 0


def test_finds_faults_better_than_rms_and_kurtosis(machine):
    """The table of the card, on the board: 80 healthy states, 80 with a small fault, 80 with a smaller one."""
    count = 80
    played = states(count, 0.0) + states(count, 0.5, 1000) + states(count, 0.35, 2000)
    healthy, half, third = run(machine, played).reshape(3, -1)
    by_four = [s.reshape(-1, 4).mean(axis=1) for s in (healthy, half, third)]
    one, four = f.auc(healthy, half), f.auc(by_four[0], by_four[2])
    windows = [
        f.decimated(f.codes(np.stack([bearing.span(*s)[:, f.AXIS] for s in group]))).reshape(-1, f.WINDOW).astype(float)
        for group in (played[:count], played[count : 2 * count])
    ]
    rms = f.auc(*[np.sqrt((w**2).mean(axis=1)) for w in windows])
    kurtosis = f.auc(*[(w**4).mean(axis=1) / (w**2).mean(axis=1) ** 2 for w in windows])
    print(f"AUC at 0.5: {one:.3f} (RMS {rms:.3f}, kurtosis {kurtosis:.3f}); at 0.35, mean of 4: {four:.3f}")
    assert one >= 0.95
    assert four >= 0.95
    assert one > max(rms, kurtosis)


def test_a_fault_is_reported_within_two_seconds(machine):
    machine.vibration.play(bearing.Vibration(states(4, 0.0) + states(4, 0.7, 4)))
    machine.run(16 * WINDOW)
    assert all(d.label == "healthy" for d in machine.decisions)
    found = machine.wait_for_decision("fault", within=2.0)
    assert found.score > 0.5
    assert found.latency < 0.0192  # the FIFO holds that much


def test_no_false_alarm(machine):
    """Healthy machines, another state every second: 5 minutes of board time, an hour with BOARDLESS_LONG=1."""
    machine.vibration.play(bearing.Vibration(seed=SEED + 1))
    machine.run(MINUTES * 60)
    assert len(machine.decisions) >= MINUTES * 60 / WINDOW - 2
    assert [d for d in machine.decisions if d.label != "healthy"] == []
    assert machine.vibration.channel.statistics().overrun == 0


def test_cost(machine):
    machine.vibration.play(bearing.Vibration(seed=3))
    assert machine.measure("invoke", runs=5).instructions.max < 15_000_000


def test_card_is_of_this_model():
    card = (use.folder("machine") / "card.md").read_text(encoding="utf-8")
    assert hashlib.sha256((use.folder("machine") / "machine.tflite").read_bytes()).hexdigest() in card
    assert f"is above {f.THRESHOLD}" in card
