"""The TFLite converter, called so that it does not crash, and its result compared with the float model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.convert.quiet import quiet, tensorflow
from sim.convert.result import OutputError, Quantisation
from sim.errors import UsageError

Array = NDArray[Any]
CALIBRATION_ROWS = 1000
COMPARED_ROWS = 500


def spread(count: int, limit: int) -> list[int]:
    """At most `limit` row numbers, evenly over `count` rows."""
    if count <= limit:
        return list(range(count))
    return [int(i) for i in np.linspace(0, count - 1, limit).round()]


def to_tflite(model: Any, rows: Sequence[Array], dtype: str, per_tensor_dense: bool) -> bytes:
    """Convert a Keras model, batch size 1. `rows`: one array [n, ...] float32 an input; `dtype`: see `convert`.

    The variables are frozen into constants first: given a Keras 3 model's concrete functions as they are, the
    converter crashes in calibration (READ_VARIABLE), and `from_keras_model` leaves the batch size open, which
    costs SHAPE, STRIDED_SLICE and PACK operators at every Reshape.
    Raises UsageError when the converter cannot do it, with its own last lines.
    """
    tf, _ = tensorflow()
    with quiet():
        try:
            frozen = _frozen(tf, model, [a.shape[1:] for a in rows])
            converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
            if dtype != "float32":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                chosen = spread(len(rows[0]), CALIBRATION_ROWS)
                converter.representative_dataset = lambda: ([a[i : i + 1] for a in rows] for i in chosen)
                if dtype == "int16":
                    int16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
                    converter.target_spec.supported_ops = [int16]
                else:
                    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
                kind = {"int8": tf.int8, "uint8": tf.uint8, "int16": tf.int16}[dtype]
                converter.inference_input_type = converter.inference_output_type = kind
                if per_tensor_dense:
                    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
            return bytes(converter.convert())
        except Exception as error:  # the converter raises bare Exception, RuntimeError, ValueError, ...
            raise UsageError(
                f"TensorFlow's converter cannot convert this model to {dtype}: {_last_words(error)}",
                hint="a layer or op of the model has no TFLite form; replace it by other layers",
            ) from None


def _frozen(tf: Any, model: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    specs = [
        tf.TensorSpec([1, *shape], tf.float32, name=_plain_name(name))
        for shape, name in zip(shapes, input_names(model), strict=True)
    ]

    def call(*inputs: Any) -> Any:
        return _listed(model(list(inputs) if len(inputs) > 1 else inputs[0], training=False))

    return convert_variables_to_constants_v2(tf.function(call).get_concrete_function(*specs))


def input_names(model: Any) -> list[str]:
    """Names of the model's inputs, in its order."""
    return [str(t.name).split(":")[0] for t in model.inputs]


def output_names(model: Any) -> list[str]:
    """Names of the model's outputs, in the order in which the `.tflite` has them."""
    return [str(t._keras_history.operation.name) for t in model.outputs]


def _plain_name(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _last_words(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "not support" in line.lower()]
    return "; ".join((telling or lines or [type(error).__name__])[-2:])[:600]


def float_outputs(model: Any, rows: Sequence[Array]) -> list[Array]:
    """What the float model gives: one array [n, ...] an output."""
    tf, _ = tensorflow()
    parts: list[list[Array]] = []
    with quiet():
        for start in range(0, len(rows[0]), 64):
            batch = [tf.constant(a[start : start + 64]) for a in rows]
            given = model(batch if len(batch) > 1 else batch[0], training=False)
            parts.append([np.asarray(t) for t in _listed(given)])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def tflite_outputs(data: bytes, rows: Sequence[Array]) -> tuple[list[Array], list[Quantisation], list[Quantisation]]:
    """Run a `.tflite` on the host, row by row: dequantised outputs [n, ...], quantisation of inputs and outputs.

    TensorFlow's plain kernels, without XNNPACK: that one rounds otherwise than any microcontroller.
    """
    tf, _ = tensorflow()
    with quiet():
        plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        runner = tf.lite.Interpreter(model_content=data, experimental_op_resolver_type=plain)
        runner.allocate_tensors()
        ins, outs = runner.get_input_details(), runner.get_output_details()
        kept: list[list[Array]] = [[] for _ in outs]
        for i in range(len(rows[0])):
            for detail, array in zip(ins, rows, strict=True):
                runner.set_tensor(detail["index"], quantised(array[i : i + 1], detail))
            runner.invoke()
            for column, detail in zip(kept, outs, strict=True):
                column.append(_real(runner.get_tensor(detail["index"]), detail))
        return [np.concatenate(c) for c in kept], [_quantisation(d) for d in ins], [_quantisation(d) for d in outs]


def quantised(values: Array, detail: Any) -> Array:
    """Real values -> raw, as `boardless invoke` does it: clip(rint(x / scale) + zero_point)."""
    scale, zero = detail["quantization"]
    if not scale:
        return values.astype(detail["dtype"])
    limits = np.iinfo(detail["dtype"])
    raw = np.rint(values / scale) + zero
    return np.asarray(np.clip(raw, limits.min, limits.max).astype(detail["dtype"]))


def _real(raw: Array, detail: Any) -> Array:
    scale, zero = detail["quantization"]
    return (raw.astype(np.float64) - zero) * scale if scale else raw.astype(np.float64)


def _quantisation(detail: Any) -> Quantisation:
    scale, zero = detail["quantization"]
    name = str(detail["name"]).removeprefix("serving_default_").split(":")[0]
    shape = tuple(int(s) for s in detail["shape"])
    return Quantisation(name, shape, np.dtype(detail["dtype"]).name, float(scale), int(zero))


def compare(
    names: Sequence[str], wanted: Sequence[Array], got: Sequence[Array], outs: Sequence[Quantisation]
) -> list[OutputError]:
    """Difference of every output; `wanted` float, `got` dequantised, both [n, ...]."""
    out = []
    for name, w, g, q in zip(names, wanted, got, outs, strict=True):
        distance = np.abs(w.astype(np.float64) - g)
        largest, mean = float(distance.max(initial=0.0)), float(distance.mean())
        lsb = q.scale or float("inf")
        flat_w, flat_g = w.reshape(len(w), -1), g.reshape(len(g), -1)
        same = float((flat_w.argmax(1) == flat_g.argmax(1)).mean()) if flat_w.shape[1] > 1 else None
        out.append(OutputError(name, len(w), largest, mean, largest / lsb, mean / lsb, same))
    return out
