"""Makes the models in this folder with Keras and TensorFlow's converter: `python make.py` (needs boardless[convert]).

They differ a little from one TensorFlow to the next; the tests hold for those that are committed.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

HERE = Path(__file__).parent
IMAGE = (8, 8, 3)


def sequence(*parts: layers.Layer, shape: tuple[int, ...] = IMAGE, batch: int | None = 1) -> keras.Model:
    return keras.Sequential([layers.Input(shape, batch_size=batch), *parts])


def join(merge: layers.Layer) -> keras.Model:
    a, b = layers.Input(IMAGE, batch_size=1, name="left"), layers.Input(IMAGE, batch_size=1, name="right")
    return keras.Model([a, b], merge([a, b]))


def graph(function, shape: tuple[int, ...]) -> keras.Model:
    x = layers.Input(shape, batch_size=1)
    return keras.Model(x, function(x))


def dense() -> keras.Model:
    return sequence(layers.Dense(5, activation="relu", name="hidden"), layers.Dense(3, name="out"), shape=(7,))


def models() -> dict[str, tuple[keras.Model, str]]:
    """name -> (model, how it is quantised)."""
    return {
        "conv": (
            sequence(layers.Conv2D(4, 3, activation="relu", name="edges"), layers.MaxPool2D(2, name="pool")),
            "int8",
        ),
        "conv_float": (sequence(layers.Conv2D(4, 3, activation="relu", name="edges")), "float"),
        "conv_int16": (sequence(layers.Conv2D(4, 3, name="edges"), layers.ReLU()), "16x8"),
        "conv_hybrid": (sequence(layers.Conv2D(32, 5, name="edges")), "dynamic"),
        "conv_groups": (sequence(layers.Conv2D(6, 3, groups=3, name="grouped"), layers.MaxPool2D(2)), "int8"),
        "depthwise": (sequence(layers.DepthwiseConv2D(3, name="dw"), layers.MaxPool2D(2)), "int8"),
        "depthwise_dilated": (sequence(layers.DepthwiseConv2D(3, padding="same", dilation_rate=2, name="dw")), "int8"),
        "dense": (dense(), "int8 per tensor"),
        "dense_per_channel": (dense(), "int8"),
        "dense_3d": (sequence(layers.Dense(5, name="rows"), shape=(4, 7)), "int8 per tensor"),
        "open_batch": (sequence(layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2), batch=None), "int8"),
        "relu": (sequence(layers.ReLU(name="alone"), layers.MaxPool2D(2)), "int8"),
        "relu6": (sequence(layers.ReLU(6.0, name="alone"), layers.MaxPool2D(2)), "int8"),
        "average": (sequence(layers.GlobalAveragePooling2D(name="mean")), "int8"),
        "leaky": (sequence(layers.LeakyReLU(name="leak")), "int8"),
        "gelu": (sequence(layers.Activation("gelu")), "int8"),
        "add": (join(layers.Add(name="sum")), "int8"),
        "concat": (join(layers.Concatenate(name="both")), "int8"),
        "uint8": (sequence(layers.Dense(3, name="out"), shape=(7,)), "uint8"),
        "split": (graph(lambda x: keras.ops.split(x, 2, axis=-1)[0] * 2.0, (8,)), "int8"),
        "resize": (sequence(layers.Resizing(11, 5, interpolation="nearest", name="shrink")), "int8"),
        "slice": (graph(lambda x: x[:, ::2, 1:], (8, 5)), "int8"),
        "softmax": (sequence(layers.Softmax(name="scores"), shape=(10,)), "int8"),
    }


def convert(model: keras.Model, how: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if how != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if how not in ("float", "dynamic"):
        rng = np.random.default_rng(1)
        shapes = [(1, *(int(n) for n in i.shape[1:])) for i in model.inputs]
        converter.representative_dataset = lambda: (
            [rng.normal(size=s).astype(np.float32) for s in shapes] for _ in range(16)
        )
        sets = tf.lite.OpsSet
        wide = sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [wide if how == "16x8" else sets.TFLITE_BUILTINS_INT8]
        kind = {"16x8": tf.int16, "uint8": tf.uint8}.get(how, tf.int8)
        converter.inference_input_type = converter.inference_output_type = kind
        converter._experimental_disable_per_channel_quantization_for_dense_layers = "per tensor" in how
    return converter.convert()


class Stream(tf.Module):
    """A convolution over four frames, three of them kept in a variable from one inference to the next."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self.past = tf.Variable(tf.zeros((1, 3, 4)), trainable=False, name="past")
        self.kernel = tf.constant(rng.normal(0, 0.4, (4, 4, 6)), tf.float32)
        self.dense = tf.constant(rng.normal(0, 0.5, (6, 2)), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec((1, 1, 4), tf.float32, name="frame")])
    def __call__(self, frame: tf.Tensor) -> tf.Tensor:
        window = tf.concat([self.past, frame], axis=1)
        self.past.assign(window[:, 1:, :])
        hidden = tf.nn.relu(tf.nn.conv1d(window, self.kernel, stride=1, padding="VALID"))
        return tf.matmul(tf.reshape(hidden, (1, 6)), self.dense)


def stream() -> bytes:
    """With a variable, as streaming wake words have them."""
    module = Stream()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    converter.experimental_enable_resource_variables = True
    converter._experimental_variable_quantization = True
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    rng = np.random.default_rng(3)
    converter.representative_dataset = lambda: ([rng.normal(size=(1, 1, 4)).astype(np.float32)] for _ in range(200))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def main() -> None:
    (HERE / "stream.tflite").write_bytes(stream())
    keras.utils.set_random_seed(1)
    for name, (model, how) in models().items():
        data = convert(model, how)
        assert len(data) < 6000, (name, len(data))
        (HERE / f"{name}.tflite").write_bytes(data)
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
