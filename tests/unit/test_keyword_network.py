"""The keyword model's training in numpy: its gradients, that it learns, that Keras has the same network."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import numpy as np
import pytest

from sim.paths import data_root


@pytest.fixture(scope="module")
def network() -> ModuleType:
    spec = importlib.util.spec_from_file_location("keyword_network", data_root() / "models" / "keyword" / "network.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_gradients_are_those_of_the_loss(network):
    rng = np.random.default_rng(1)
    w = [part.astype(float) + rng.normal(0, 0.05, part.shape) for part in network.fresh(rng)]
    x, y = rng.normal(size=(6, network.FRAMES, network.BANDS)), np.array([0, 1, 2, 3, 3, 2])

    def loss() -> float:
        p, _ = network.step(w, x, y, np.random.default_rng(2))  # the same units are dropped each time
        return -float(np.log(p[np.arange(len(y)), y]).mean())

    _, gradients = network.step(w, x, y, np.random.default_rng(2))
    assert [g.shape for g in gradients] == [part.shape for part in w]
    for part, g in zip(w, gradients, strict=True):
        at = np.unravel_index(np.abs(g).argmax(), g.shape)
        was, small = part[at], 1e-6
        part[at] = was + small
        more = loss()
        part[at] = was - small
        less = loss()
        part[at] = was
        assert (more - less) / (2 * small) == pytest.approx(g[at], rel=1e-3)


def learnt(network: ModuleType, seed: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Weights, and what they were learnt from: the louder bands say which label it is."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, network.LABELS, 1500)
    codes = rng.integers(-20, 20, (len(y), network.FRAMES, network.BANDS)).astype(np.int8)
    for label in range(network.LABELS):
        codes[y == label, :, 10 * label : 10 * label + 10] += 40
    return network.trained(codes, y, lambda some: some.astype(np.float32) / 32, 4, rng), codes, y


def test_learns_and_repeats(network, capsys):
    first, _, _ = learnt(network, 3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert float(lines[-1].split()[-1]) > 0.95
    again, _, _ = learnt(network, 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    other, _, _ = learnt(network, 4)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.slow
def test_keras_has_the_same_network(network):
    keras = pytest.importorskip("keras", reason="pip install 'boardless[convert]'")
    weights, codes, y = learnt(network, 3)
    answers = np.asarray(network.keras_model(keras, weights)(codes.astype(np.float32) / 32, training=False))
    assert (answers.argmax(axis=1) == y).mean() > 0.99
