"""Image: digits before the camera, on the virtual board; features and decisions as on the host."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import use

from sim.sensors.frames import Frames

pytestmark = pytest.mark.app("image")
f = use.module("image", "features")
dataset = use.module("image", "dataset")


def shown(strokes: np.ndarray, ink: float = dataset.INK, paper: float = dataset.PAPER) -> Frames:
    return Frames(dataset.shares(strokes, ink, paper), f.RATE, scale=f.BLOCK, background=paper, name="digits")


def host_inputs(frames: Frames) -> np.ndarray:
    return f.inputs(f.codes(frames.values).reshape(-1, f.HEIGHT, f.WIDTH))[0]


def labels(machine) -> list[int]:
    return [int(d.label) for d in machine.decisions]


@pytest.mark.board("arduino_nano_33_ble", "stm32f4_discovery", "nucleo_l152re", "mps3_an547")
def test_shipped_digits_are_read(machine):
    (path,) = (use.folder("image") / "recordings").glob("digits_*.npy")
    truth = [int(c) for c in path.stem.partition("_")[2]]
    frames = Frames(np.load(path), f.RATE, scale=f.BLOCK, background=round(dataset.PAPER * 255) / 255)
    machine.camera.play(frames)
    machine.run_to_end()
    machine.run("200 ms")  # the last frame is still being waited for
    got = labels(machine)
    assert len(got) == len(truth)
    assert sum(a == b for a, b in zip(got, truth, strict=True)) >= len(truth) - 1
    assert machine.camera.channel.statistics().overrun == 0


def test_every_third_digit(machine):
    """The card's figure, on the board: at least 97 %, and each decision is the host's."""
    strokes, truth = use.data("image", "test")
    frames = shown(strokes)
    machine.port.config["show_input"] = 1
    machine.camera.play(frames)
    machine.run_to_end()
    machine.run("200 ms")  # the last frame is still being waited for
    got = np.array(labels(machine))
    assert len(got) == len(truth) == 599
    assert (got == truth).mean() >= 0.97
    wanted = host_inputs(frames)
    assert np.array_equal(use.inputs_of(machine), wanted.reshape(len(wanted), -1))
    assert np.array_equal(got, use.on_host("image", wanted).argmax(axis=1))


def test_light_does_not_matter(machine):
    strokes, truth = use.data("image", "test")
    few, right = strokes[:60], truth[:60]
    got = []
    for ink, paper in ((0.3, 0.05), (1.0, 0.6)):
        before = len(machine.decisions)
        machine.camera.play(shown(few, ink, paper))
        machine.run_to_end()
        machine.run("200 ms")  # the last frame is still being waited for
        got.append(np.mean([int(d.label) == t for d, t in zip(machine.decisions[before:], right, strict=True)]))
    assert min(got) >= 0.95


def test_an_empty_frame_is_no_digit(machine):
    machine.camera.play(Frames(np.full((4, 96, 96), 0.5), f.RATE, background=0.5))
    machine.run("600 ms")
    assert machine.decisions == []


def test_cost(machine):
    strokes, _ = use.data("image", "test")
    machine.camera.play(shown(strokes[:10]))
    spent = machine.measure("invoke", runs=5)
    assert spent.instructions.max < 15_000_000
    assert machine.decisions[0].latency < 1 / f.RATE


def test_card_is_of_this_model():
    card = (use.folder("image") / "card.md").read_text(encoding="utf-8")
    assert hashlib.sha256((use.folder("image") / "image.tflite").read_bytes()).hexdigest() in card
