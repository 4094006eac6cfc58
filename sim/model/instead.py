"""What to do about an operator that a TFLM tree does not have."""

from __future__ import annotations

from sim.model import Operator
from sim.model.site import FIXED_BATCH, NEWER, Finding

# What Keras users can build instead, where there is an exact or near equivalent.
_INSTEAD = {
    "LEAKY_RELU": "use keras.layers.PReLU (shared_axes=[1, 2]) or ReLU",
    "ELU": "use ReLU",
    "GELU": "use ReLU, or x * sigmoid(1.702 x)",
    "HARD_SWISH": "use swish (LOGISTIC and MUL) or ReLU6",
    "REDUCE_MAX": "use MaxPooling over the whole map instead of GlobalMaxPooling",
    "SUM": "use AveragePooling over the whole map, times its size",
    "TRANSPOSE": "reorder the data before the model, or leave out Permute",
    "TRANSPOSE_CONV": "use UpSampling2D and Conv2D",
    "EXPAND_DIMS": "convert with a fixed batch size (keras.Input(shape, batch_size=1)), or use Reshape",
    "SQUEEZE": "convert with a fixed batch size, or use Reshape",
    "SHAPE": FIXED_BATCH,
    "SPACE_TO_BATCH_ND": FIXED_BATCH,
    "BATCH_TO_SPACE_ND": FIXED_BATCH,
    "TILE": "use Concatenate of the same tensor",
    "RESIZE_BILINEAR": "use nearest interpolation",
    "DIV": "multiply by the reciprocal",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "use Conv1D",
}


def unknown(o: Operator, old: bool) -> Finding:
    """Why the tree (`old`: that of 2020) cannot run it, and what to build in its place."""
    instead = _INSTEAD.get(o.kind, "")
    if o.kind == "ethos-u":
        return (
            "Vela compiled it for an Ethos-U, and no virtual board has one",
            "give the .tflite that went into Vela; it runs on the core",
        )
    if o.custom and o.kind.startswith("Signal"):
        return (
            "it is of TFLM's audio library, which this tree does not have with all it needs (signal/ and kissfft)",
            "point to a current tree with its third-party downloads: tflm = 'path' in [tool.boardless]",
        )
    if o.custom:
        return "the tree has no such custom operator", "build the model from builtin operators"
    what = "this tree of 2020 does not have it" if old else "this tree cannot register it"
    if old and o.code >= 127:
        what = f"its code {o.code} is younger than this tree of 2020"
    remedy = " or ".join(x for x in (instead, NEWER if old else "") if x)
    return what, remedy or "build the model from other layers"
