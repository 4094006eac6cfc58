"""Keras model -> `.tflite` that the chosen TFLM tree computes right.

    from sim.convert import convert
    result = convert("model.keras", np.load("X.npy"), out="model.tflite")
    print(result.notes, result.error.max)

TensorFlow is imported inside `convert`, never at import.
"""

from __future__ import annotations

from sim.convert.convert import convert
from sim.convert.result import Conversion, OutputError, Quantisation

__all__ = ["Conversion", "OutputError", "Quantisation", "convert"]
