"""TFLM's own example models of 2020 with upstream's samples, as shipped: the known answers come out on the board."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sim import TflmTree, invoke
from sim.errors import SetupError
from sim.model import Model


@pytest.fixture(scope="module")
def examples() -> Path:
    try:
        tree = TflmTree.default()
    except SetupError as error:
        pytest.skip(f"no TFLM tree: {error.message}")
    return tree.path.parents[1] / "examples" / "models"


def test_hello_world_is_a_sine(examples: Path) -> None:
    x = np.linspace(0, 2 * math.pi, 100, dtype=np.float32)[:, None]
    result = invoke(examples / "hello_world.tflite", x)
    assert np.abs(result.outputs[0][:, 0] - np.sin(x[:, 0])).max() < 0.14


@pytest.mark.parametrize(("sample", "wanted"), [("yes", [0, 0, 255, 0]), ("no", [0, 17, 0, 239])])
def test_micro_speech_hears_the_human_word(examples: Path, sample: str, wanted: list[int]) -> None:
    (file,) = sorted(examples.glob(f"{sample}_micro_*.data"))
    features = np.fromfile(file, dtype=np.uint8).reshape(1, -1)
    result = invoke(examples / "micro_speech.tflite", features)
    assert result.outputs[0][0].tolist() == wanted


@pytest.mark.parametrize(("gesture", "index", "score"), [("ring", 1, 0.80), ("slope", 2, 0.95)])
def test_magic_wand_sees_the_gesture(examples: Path, gesture: str, index: int, score: float) -> None:
    (file,) = sorted(examples.glob(f"{gesture}_micro_*.data"))
    samples = np.fromfile(file, dtype=">f4").astype(np.float32).reshape(1, 128, 3)
    model = Model.load(examples / "magic_wand.tflite")
    result = invoke(model, samples.reshape(1, *model.inputs[0].shape[1:]))
    assert result.outputs[0][0].argmax() == index
    assert result.outputs[0][0][index] == pytest.approx(score, abs=0.01)


# LiteRT's reference kernels give the same; its optimised ones [42, 249, 45] and [15, 104, 217].
@pytest.mark.slow
@pytest.mark.parametrize(("picture", "wanted"), [("person", [43, 250, 44]), ("no_person", [14, 107, 215])])
def test_person_detection_tells_the_photographs_apart(examples: Path, picture: str, wanted: list[int]) -> None:
    pixels = np.fromfile(examples / f"{picture}_image_data_grayscale.data", dtype=np.uint8).reshape(1, 96, 96, 1)
    result = invoke(examples / "person_detection_grayscale.tflite", pixels)
    assert result.outputs[0].reshape(-1).tolist() == wanted
