"""Walk over a Keras graph and apply the rules."""

from __future__ import annotations

from typing import Any

from sim.convert.quiet import quiet, tensorflow
from sim.convert.rewrite import activation, convolution, dense, pooling, recurrent, resize, transposed
from sim.convert.rewrite.context import Context, Rule

RULES: dict[str, Rule] = {
    "GlobalAveragePooling1D": pooling.global_pooling,
    "GlobalAveragePooling2D": pooling.global_pooling,
    "GlobalMaxPooling1D": pooling.global_pooling,
    "GlobalMaxPooling2D": pooling.global_pooling,
    "Dense": dense.dense,
    "TimeDistributed": dense.time_distributed,
    "Conv1D": convolution.grouped,
    "Conv2D": convolution.grouped,
    "DepthwiseConv1D": convolution.dilated_depthwise,
    "DepthwiseConv2D": convolution.dilated_depthwise,
    "SeparableConv1D": convolution.dilated_depthwise,
    "SeparableConv2D": convolution.dilated_depthwise,
    "Conv1DTranspose": transposed.transposed,
    "Conv2DTranspose": transposed.transposed,
    "Permute": transposed.permute,
    "ReLU": activation.relu_layer,
    "Activation": activation.activation_layer,
    "LeakyReLU": activation.leaky_layer,
    "UpSampling1D": resize.upsampling,
    "UpSampling2D": resize.upsampling,
    "SimpleRNN": recurrent.simple_rnn,
}

for _name in ("LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "Bidirectional"):
    RULES[_name] = recurrent.refused

# Nothing at all when a model runs, but they would stand between a layer and the ReLU behind it.
_ONLY_IN_TRAINING = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise")

# Layers whose own activation can be taken off and put behind them.
_PEELED = (
    "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "Dense",
    "Conv1DTranspose", "Conv2DTranspose",
)  # fmt: skip


def rewritten(model: Any, every_relu: bool = False) -> tuple[Any, list[str]]:
    """(model for the 2020 tree, what was replaced). The layers of the given functional model are shared, not changed.

    `every_relu`: do not guess which ReLU the converter fuses; take each out. Raises UsageError for LSTM and GRU.
    """
    tf, keras = tensorflow()
    with quiet():
        context = Context(tf, keras, every_relu)
        new = _rebuild(context, model)
    return (new, context.replaced) if context.replaced else (model, [])


def functional(model: Any) -> Any:
    """Any model with known inputs as a plain functional one over the same layers, with lists as inputs and outputs."""
    _, keras = tensorflow()
    inputs, outputs = list(model.inputs), list(model.outputs)
    with quiet():
        single = inputs[0] if len(inputs) == 1 else inputs
        return keras.Model(single, outputs[0] if len(outputs) == 1 else outputs, name=model.name)


def _rebuild(c: Context, model: Any) -> Any:
    plain = functional(model)
    _count_readers(c, plain)
    inner: dict[int, Any] = {}

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(layer, "inputs", None) and hasattr(layer, "layers"):  # a model within the model
            if id(layer) not in inner:
                inner[id(layer)] = _rebuild(c, layer)
            return inner[id(layer)](*args, **kwargs)
        return _call(c, layer, args, kwargs)

    return c.keras.models.clone_model(plain, clone_function=lambda layer: layer, call_function=call)


def _call(c: Context, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = type(layer).__name__
    masked = any(v is not None for k, v in kwargs.items() if k != "training")
    if len(args) != 1 or masked or not isinstance(args[0], c.keras.KerasTensor):
        return layer(*args, **kwargs)
    x = args[0]
    if name in _ONLY_IN_TRAINING:
        before = id(x._keras_history.operation)
        c.readers[before] = c.readers.get(before, 1) + c.readers.get(id(layer), 1) - 1
        return x
    own = activation.activation_name(layer) if name in _PEELED else ""
    if own in activation.TAKEN_OFF:
        layer = _linear(c, layer, x)
    y = RULES[name](c, layer, x) if name in RULES else None
    if y is None:
        y = layer(x)
    if own in activation.TAKEN_OFF:
        y = activation.TAKEN_OFF[own](c, layer, y)
    made_by = getattr(getattr(y, "_keras_history", None), "operation", None)
    c.readers.setdefault(id(made_by), c.readers.get(id(layer), 1))
    return y


def _linear(c: Context, layer: Any, x: Any) -> Any:
    config = layer.get_config()
    config["name"], config["activation"] = layer.name + "_linear", "linear"
    new = type(layer).from_config(config)
    c.with_weights(new, x, layer.get_weights())
    return new


def _count_readers(c: Context, model: Any) -> None:
    """How many read what each layer gives; the layer objects are the same in the old and the new graph."""

    def read(value: Any) -> None:
        for tensor in c.keras.tree.flatten(value):
            if isinstance(tensor, c.keras.KerasTensor):
                made_by = id(tensor._keras_history.operation)
                c.readers[made_by] = c.readers.get(made_by, 0) + 1

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        read((args, kwargs))
        return layer(*args, **kwargs)

    read(c.keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call).outputs)
