"""`convert`: from a Keras model to a checked `.tflite`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.convert import quantise
from sim.convert.data import load, rows_for
from sim.convert.keras_file import open_model
from sim.convert.result import Conversion
from sim.convert.rewrite import functional, rewritten
from sim.convert.tree import Target, target
from sim.errors import UsageError, near

if TYPE_CHECKING:
    from sim.tflm import TflmTree

DTYPES = ("int8", "uint8", "int16", "float32")
# A rewriting must not change what the float model computes; float32 sums in another order may.
REWRITE_TOLERANCE = 1e-5


def convert(
    model: Any,
    data: Any,
    out: str | Path | None = None,
    *,
    tree: TflmTree | None = None,
    kernels: str = "reference",
    dtype: str = "int8",
) -> Conversion:
    """Convert `model` so that the TFLM `tree` computes it right.

    model    a Keras model, or the path of a `.keras`, `.h5` or SavedModel folder
    data     representative samples in physical units, as the device will see them: an array [n, ...], a list or dict
             of arrays for several inputs, or the path of a `.npy` / `.npz`; at least 10 samples
    out      file to write, parent folder must exist
    tree     TFLM tree the model is for; default: the one of the settings
    dtype    "int8" (activations and weights), "uint8" (inputs and outputs only, int8 inside), "int16" (int16
             activations, int8 weights), "float32"

    Layers that the July 2020 tree computes wrongly or not at all are replaced by equal ones first; the rewritten
    float model must agree with the given one to 1e-5 of the output's largest magnitude on the data.
    Raises UsageError for bad input, SetupError when TensorFlow is missing.
    """
    if dtype not in DTYPES:
        raise UsageError(f"dtype {dtype!r}: unknown", hint=near(dtype, DTYPES))
    where = "data"
    if isinstance(data, str | Path):
        where, data = str(data), load(Path(data))
    given, name = open_model(model)
    keras_model = functional(given)
    shapes = [tuple(t.shape)[1:] for t in keras_model.inputs]
    rows = rows_for(data, quantise.input_names(keras_model), shapes, where)
    goal = target(tree, kernels)

    notes: list[str] = []
    old = goal.generation == "2020"
    changed, replaced = rewritten(keras_model) if old else (keras_model, [])
    data_bytes = quantise.to_tflite(changed, rows, dtype, per_tensor_dense=old)
    if old and dtype in ("int8", "uint8") and _rescaling_relu(data_bytes):
        # The converter did not fuse one that was expected to be; now none is left to it.
        changed, replaced = rewritten(keras_model, every_relu=True)
        data_bytes = quantise.to_tflite(changed, rows, dtype, per_tensor_dense=old)
    few = [a[quantise.spread(len(a), quantise.COMPARED_ROWS)] for a in rows]
    wanted = quantise.float_outputs(keras_model, few)
    rewrite_error = _same(wanted, quantise.float_outputs(changed, few), name) if replaced else None
    got, ins, outs = quantise.tflite_outputs(data_bytes, few)
    names = quantise.output_names(keras_model)
    # The file calls an output "Identity"; the layer's name says more.
    outs = [replace(q, name=n) for q, n in zip(outs, names, strict=True)]
    path = _write(Path(out), data_bytes) if out is not None else None
    notes[:0] = _about(goal, dtype, len(rows[0]), len(few[0])) + _one_class(names, wanted)
    return Conversion(
        tflite=data_bytes,
        inputs=tuple(ins),
        outputs=tuple(outs),
        errors=tuple(quantise.compare(names, wanted, got, outs)),
        dtype=dtype,
        tree=goal.text,
        replaced=tuple(replaced),
        rewrite_error=rewrite_error,
        notes=tuple(notes),
        refusals=goal.refusals(data_bytes, notes),
        path=path,
    )


def _one_class(names: Sequence[str], wanted: Sequence[quantise.Array]) -> list[str]:
    """Samples of one class alone give ranges that cut the others off, and the error over them does not show it."""
    notes = []
    for name, out in zip(names, wanted, strict=True):
        scores = out.reshape(len(out), -1)
        shares = scores.shape[1] > 1 and scores.min() >= -1e-6 and np.allclose(scores.sum(axis=1), 1, atol=1e-3)
        if shares and len(chosen := np.unique(scores.argmax(axis=1))) == 1:
            notes.append(f"{name}: class {chosen[0]} for all {len(out)} samples compared: the ranges, and the error, "
                         "are those of one class; give samples of all")  # fmt: skip
    return notes


def _about(goal: Target, dtype: str, rows: int, compared: int) -> list[str]:
    notes = []
    if dtype != "float32":
        notes.append(f"ranges taken from {min(rows, quantise.CALIBRATION_ROWS)} of {rows} samples")
        if goal.generation == "2020":
            notes.append("Dense layers: one scale per tensor (the 2020 tree has no per-channel kernel for them)")
        else:
            notes.append("Dense layers: one scale per channel")
    notes.append(f"error against the float model over {compared} samples, TensorFlow's own kernels on the host")
    return notes


def _rescaling_relu(tflite: bytes) -> bool:
    """Whether a ReLU stands alone with another scale on its output, which the 2020 kernel leaves out."""
    from sim.model import Model

    model = Model.from_bytes(tflite, "converted model")
    alone = [o for o in model.operators if o.kind in ("RELU", "RELU6")]
    quantisations = [[model.tensors[i] for i in (o.inputs[0], o.outputs[0])] for o in alone]
    return any((a.scale, a.zero_point) != (b.scale, b.zero_point) for a, b in quantisations)


def _same(wanted: list[Any], got: list[Any], name: str) -> float:
    worst = 0.0
    for w, g in zip(wanted, got, strict=True):
        if w.shape != g.shape:
            raise AssertionError(f"{name}: rewriting changed an output from {w.shape} to {g.shape}")
        worst = max(worst, float(np.abs(w - g).max()) / max(1.0, float(np.abs(w).max())))
    if worst > REWRITE_TOLERANCE:
        raise AssertionError(f"{name}: rewriting changed the float model by {worst:.3g}; please report this model")
    return worst


def _write(path: Path, data: bytes) -> Path:
    try:
        # By way of a second name: an interrupted run leaves the old file, never half of the new one.
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path
