"""What sim.convert puts in place of other layers runs on the default tree, equal to the host bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from sim import invoke
from sim.convert import convert
from sim.model import Model

pytest.importorskip("tensorflow", reason="converting needs TensorFlow: pip install 'boardless[convert]'")
host = pytest.importorskip("tflite_micro", reason="the host runtime: pip install --pre tflite-micro")
from sim.convert.quiet import tensorflow  # noqa: E402

pytestmark = pytest.mark.slow  # seconds each: the quick tests have two minutes for all


def test_network_of_replaced_layers():
    _, keras = tensorflow()
    k = keras.layers
    keras.utils.set_random_seed(9)
    given = keras.Input((8, 8, 4))
    x = k.ReLU()(given)
    x = k.Conv2D(4, 3, groups=2, padding="same")(x)
    y = k.LeakyReLU(0.1)(x)
    y = k.DepthwiseConv2D(2, dilation_rate=2, padding="same")(y)
    y = k.Concatenate()([y, k.ReLU(6.0)(x)])
    y = k.Conv2DTranspose(3, 3, strides=2, padding="same", activation="hard_swish")(k.Permute((2, 1, 3))(y))
    y = k.UpSampling2D(2)(k.Dense(3, activation="relu")(k.MaxPooling2D(2)(y)))
    vector = k.Concatenate()([k.GlobalAveragePooling2D()(y), k.GlobalMaxPooling2D()(y)])
    model = keras.Model(given, k.Dense(5, activation="softmax")(vector))
    rng = np.random.default_rng(9)
    result = convert(model, rng.normal(0, 1, (60, 8, 8, 4)))
    assert len(result.replaced) == 12
    assert result.refusals == ()

    rows = rng.integers(-128, 128, (4, 8, 8, 4), dtype=np.int8)
    runner = host.runtime.Interpreter.from_bytes(result.tflite)
    wanted = []
    for row in rows:
        runner.set_input(row[None], 0)
        runner.invoke()
        wanted.append(runner.get_output(0)[0].copy())
    assert len({w.tobytes() for w in wanted}) > 1  # they do differ, so that equality says something
    (got,) = invoke(Model.from_bytes(result.tflite), rows).outputs
    assert np.array_equal(got, np.stack(wanted))
