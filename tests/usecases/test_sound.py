"""Sound: alarms, glass, knocks and engines before the microphone of the virtual board; log-mel as on the host."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import use

from sim.sensors.recording import Recording

pytestmark = pytest.mark.app("sound")
f = use.module("sound", "features")
sounds = use.module("sound", "sounds")
SEED = 77  # none of the seeds that train.py uses
PER_CLIP = sounds.CLIP // f.HOP  # chunks


def of(codes: np.ndarray) -> Recording:
    return Recording(codes / 32768.0, ["sound"], "fs", rate=sounds.RATE, name="clips")


def clips(count: int, snr: float | None = None, first: int = 0) -> tuple[np.ndarray, list[str]]:
    labels = [label for _ in range(count) for label in sounds.LABELS]
    made = [sounds.clip(SEED, first + i // len(sounds.LABELS), label, snr) for i, label in enumerate(labels)]
    return np.concatenate(made), labels


def answers(machine, codes: np.ndarray) -> list[str]:
    """The decision at the end of each clip: all of its window lies in that clip."""
    machine.microphone.play(of(codes))
    machine.run_to_end()
    machine.run(0.2)  # the last window is still being worked on
    at_end = {d.samples["microphone"]: d.label for d in machine.decisions}
    return [at_end[end] for end in range(sounds.CLIP, len(codes) + 1, sounds.CLIP)]


def test_features_and_decisions_as_on_the_host(machine):
    codes, _ = clips(3)
    machine.port.config["show_input"] = 1
    answers(machine, codes)
    wanted = f.windows(f.frames(codes))
    got = use.inputs_of(machine)[: len(wanted)]
    assert np.array_equal(got, wanted.reshape(len(wanted), -1))
    decided = [d.index for d in machine.decisions[: len(wanted)]]
    assert decided == use.on_host("sound", wanted).argmax(axis=1).tolist()


def test_right_on_new_sounds(machine):
    codes, labels = clips(40, first=100)
    got = answers(machine, codes)
    right = np.mean([a == b for a, b in zip(got, labels, strict=True)])
    print(f"{100 * right:.1f} % of {len(labels)} clips right")
    assert right >= 0.9
    assert machine.microphone.channel.statistics().overrun == 0


def test_curve_over_the_noise(machine):
    """Events right at each signal-to-noise ratio: rising, as the card has it."""
    ratios, each = (-10, 0, 10, 20), 12
    parts = [clips(each, snr, first=200) for snr in ratios]
    got = answers(machine, np.concatenate([codes for codes, _ in parts]))
    right = []
    for i, (_, labels) in enumerate(parts):
        mine = got[i * len(labels) : (i + 1) * len(labels)]
        right.append(np.mean([a == b for a, b in zip(mine, labels, strict=True) if b != "background"]))
    print(", ".join(f"{snr} dB: {100 * p:.0f} %" for snr, p in zip(ratios, right, strict=True)))
    assert right[0] < right[2]
    assert right[2] >= 0.9
    assert right[3] >= 0.9


@pytest.mark.parametrize("label", ["alarm", "glass", "knock"])
def test_shipped_sounds(machine, recording, label):
    machine.microphone.play(recording(f"sound_{label}"))
    machine.wait_for_decision(label, within=1.3)


@pytest.mark.board("arduino_nano_33_ble", "stm32f4_discovery")
def test_keeps_up(machine):
    codes, _ = clips(2)
    answers(machine, codes)
    assert machine.microphone.channel.statistics().overrun == 0
    # 1024 samples wait in RAM: 64 ms.
    assert max(d.latency for d in machine.decisions) < 0.064


def test_cost(machine):
    machine.microphone.play(of(clips(2)[0]))
    assert machine.measure("invoke", runs=3).instructions.max < 15_000_000


def test_card_is_of_this_model():
    card = (use.folder("sound") / "card.md").read_text(encoding="utf-8")
    assert hashlib.sha256((use.folder("sound") / "sound.tflite").read_bytes()).hexdigest() in card
