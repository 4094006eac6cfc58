"""Taking filters out: a filter that gives nothing can go, and the model computes what it did before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.compress.data import Samples
from sim.compress.tuning import State, Tuning
from sim.errors import UsageError

pytest.importorskip("tensorflow", reason="compressing needs TensorFlow: pip install 'boardless[convert]'")
from sim.compress.channels import channels
from sim.convert.quantise import float_outputs
from sim.convert.quiet import quiet, tensorflow

_, keras = tensorflow()
K = keras.layers
STILL = Tuning(epochs=0)


def samples(model: Any, count: int = 24) -> Samples:
    rng = np.random.default_rng(7)
    x = rng.normal(0, 1, (count, *model.inputs[0].shape[1:])).astype(np.float32)
    return Samples(x, rng.integers(0, model.outputs[0].shape[-1], count))


def silenced(model: Any, name: str, filters: list[int]) -> None:
    """Nothing comes out of these filters any more (a ReLU follows)."""
    kernel, bias = model.get_layer(name).get_weights()
    kernel[..., filters], bias[filters] = 0, 0
    model.get_layer(name).set_weights([kernel, bias])


def chain(*layers: Any, shape: tuple[int, ...] = (6, 5, 2)) -> Any:
    keras.utils.set_random_seed(4)
    return keras.Sequential([keras.Input(shape), *layers])


def lean(model: Any, share: float) -> State:
    with quiet():
        return channels(State(model), samples(model), share, STILL)


MODELS = {
    "flatten": lambda: chain(
        K.Conv2D(4, 3, activation="relu", name="a"), K.MaxPooling2D(2), K.Flatten(), K.Dropout(0.5), K.Dense(3)
    ),
    "depthwise": lambda: chain(
        K.Conv2D(4, 3, activation="relu", name="a"),
        K.DepthwiseConv2D(2, depth_multiplier=3),
        K.ReLU(),
        K.GlobalAveragePooling2D(),
        K.Dense(3),
    ),
    "separable": lambda: chain(
        K.Conv2D(4, 3, activation="relu", name="a"), K.SeparableConv2D(3, 2), K.GlobalMaxPooling2D(), K.Dense(3)
    ),
    "one_axis": lambda: chain(
        K.Conv1D(4, 3, activation="relu", name="a"),
        K.Reshape((4, 1, 4)),
        K.ZeroPadding2D(1),
        K.Conv2D(3, 2, strides=2),
        K.Flatten(),
        K.Dense(3),
        shape=(6, 2),
    ),
    "dense": lambda: chain(K.Flatten(), K.Dense(4, activation="relu", name="a"), K.Dense(3, activation="softmax")),
    "one_score": lambda: chain(K.Flatten(), K.Dense(4, activation="relu", name="a"), K.Dense(1, activation="sigmoid")),
}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_silent_filters_go_and_nothing_changes(name):
    model = MODELS[name]()
    silenced(model, "a", [0, 2])
    x = samples(model).x
    (before,) = float_outputs(model, [x])
    # The other layers of some of these models have three filters, of which half is one: those must not go.
    others = [layer for layer in model.layers if getattr(layer, "filters", 0) == 3]
    state = lean(model, 0.5) if not others else only(model, "a", 0.5)
    assert "a: 4 -> 2" in state.notes
    (after,) = float_outputs(state.model, [x])
    assert np.allclose(before, after, atol=1e-6)
    assert state.model.count_params() < model.count_params()


def only(model: Any, name: str, share: float) -> State:
    """Half of one layer's filters, all of the others'."""
    from sim.compress.channels import _Rebuilt, _worst, importance
    from sim.convert.rewrite import functional

    plain = functional(model)
    scores = importance(plain, samples(model))[name]
    with quiet():
        return State(_Rebuilt(plain, {name: _worst(scores, share)}).model, notes=[f"{name}: 4 -> 2"])


def test_normalisation_and_concatenation():
    keras.utils.set_random_seed(4)
    given = keras.Input((6, 5, 2))
    a = K.ReLU()(K.BatchNormalization()(K.Conv2D(4, 3, name="a")(given)))
    b = K.Conv2D(3, 3, name="b")(given)
    merged = K.Flatten()(K.Concatenate()([a, b]))
    model = keras.Model(given, K.Dense(3)(merged))
    silenced(model, "a", [1, 3])
    x = samples(model).x
    (before,) = float_outputs(model, [x])
    from sim.compress.channels import _Rebuilt

    with quiet():
        new = _Rebuilt(model, {"a": np.array([False, True, False, True])}).model
    assert np.allclose(before, float_outputs(new, [x])[0], atol=1e-6)
    assert new.get_layer("a").filters == 2


def test_layers_that_are_added_stay_whole_and_are_named():
    keras.utils.set_random_seed(4)
    given = keras.Input((6, 5, 2))
    first = K.Conv2D(4, 3, padding="same", activation="relu", name="first")(given)
    middle = K.Conv2D(6, 3, padding="same", activation="relu", name="middle")(first)
    second = K.Conv2D(4, 3, padding="same", name="second")(middle)
    out = K.Dense(3, name="score")(K.GlobalAveragePooling2D()(K.Add(name="sum")([first, second])))
    model = keras.Model(given, out)
    state = lean(model, 0.5)
    assert state.notes[0] == "middle: 6 -> 3"
    whole = {note.split()[0] for note in state.notes[1:]}
    assert whole == {"first", "second"}
    assert all("sum (Add)" in note for note in state.notes[1:])


def test_nothing_can_go():
    keras.utils.set_random_seed(4)
    given = keras.Input((5,))
    one, two = K.Dense(3, name="one")(given), K.Dense(3, name="two")(given)
    model = keras.Model(given, K.Add(name="sum")([one, two]))
    with pytest.raises(UsageError, match=r"no layer can lose a filter: .*sum \(Add\)"):
        lean(model, 0.5)


def test_too_small_a_share():
    with pytest.raises(UsageError, match="no layer can lose a filter"):
        lean(MODELS["dense"](), 0.1)


def test_a_layer_that_is_not_understood_keeps_the_one_before_it():
    model = chain(
        K.Conv1D(4, 3, name="a"), K.LayerNormalization(name="norm"), K.Flatten(), K.Dense(4, name="b"), K.Dense(3),
        shape=(6, 2),
    )  # fmt: skip
    state = lean(model, 0.5)
    assert state.notes[0] == "b: 4 -> 2"
    assert state.notes[1].startswith("a stays whole: norm (LayerNormalization) needs all channels")


def test_a_layer_used_twice_stays_whole():
    keras.utils.set_random_seed(4)
    given = keras.Input((4,))
    twice = K.Dense(4, activation="relu", name="twice")
    inner = K.Dense(6, activation="relu", name="inner")(twice(twice(given)))
    model = keras.Model(given, K.Dense(3)(inner))
    x = samples(model).x
    state = lean(model, 0.5)
    assert state.notes == ["inner: 6 -> 3"]
    assert state.model.get_layer("twice").units == 4
    assert np.isfinite(float_outputs(state.model, [x])[0]).all()


def test_a_model_without_filters():
    with pytest.raises(UsageError, match="no layer with filters or units"):
        lean(chain(K.DepthwiseConv2D(2), K.Flatten()), 0.5)
