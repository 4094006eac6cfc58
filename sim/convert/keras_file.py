"""Open what Keras saved: `.keras`, `.h5`, a SavedModel folder."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from sim.convert.quiet import quiet, tensorflow
from sim.errors import UsageError


def open_model(model: Any) -> tuple[Any, str]:
    """(Keras model, how to call it in messages) of a path or of a model in memory.

    Raises UsageError when there is no such file, it is not a model, or has layers that are not Keras's own.
    """
    if isinstance(model, str | Path):
        path = Path(model)
        return _load(path), str(path)
    _, keras = tensorflow()
    if not isinstance(model, keras.Model):
        raise UsageError(f"convert: a Keras model or the path of one is needed, not {type(model).__name__}")
    if not getattr(model, "inputs", None):  # a Sequential not built yet has no such attribute
        raise UsageError(
            f"model {model.name!r} has no known input shape",
            hint="wrap it: x = keras.Input(shape); convert(keras.Model(x, model(x)), data)",
        )
    return model, f"model {model.name!r}"


def _load(path: Path) -> Any:
    if not path.exists():
        raise UsageError(f"{path}: no such model")
    if path.suffix == ".tflite":
        raise UsageError(f"{path}: is a finished .tflite already", hint="`boardless inspect` shows what is in it")
    tf, keras = tensorflow()
    if path.is_dir():
        return _saved_model(path, tf, keras)
    if path.stat().st_size == 0:
        raise UsageError(f"{path}: the file is empty")
    if path.suffix == ".keras" and not zipfile.is_zipfile(path):
        raise UsageError(f"{path}: not a Keras model (a .keras file is a zip archive): damaged or cut off?")
    if path.suffix not in (".keras", ".h5", ".hdf5"):
        raise UsageError(f"{path}: unknown kind of model", hint="give .keras, .h5 or a SavedModel folder")
    with quiet():
        try:
            # safe_mode stays on: a model file must not bring code that runs here.
            return keras.models.load_model(path, compile=False)
        except Exception as error:  # Keras raises all kinds, by file and damage
            text = " ".join(str(error).split())
            if "Lambda" in text or "safe_mode" in text or "unsafe" in text:
                why, hint = "has a Lambda layer, whose code is not run from a file", _IN_MEMORY
            elif "Could not locate class" in text or "Unknown layer" in text or "custom" in text.lower():
                why, hint = f"has a layer that is not Keras's own: {text[:200]}", _IN_MEMORY
            else:
                why, hint = f"cannot be read as a Keras model: {text[:300]}", "damaged or cut off?"
            raise UsageError(f"{path}: {why}", hint=hint) from None


_IN_MEMORY = "load it in your own script and call sim.convert.convert(model, data)"


def _saved_model(path: Path, tf: Any, keras: Any) -> Any:
    if not (path / "saved_model.pb").is_file():
        raise UsageError(f"{path}: not a SavedModel folder (no saved_model.pb in it)")
    with quiet():
        try:
            signatures = tf.saved_model.load(str(path)).signatures
            name = "serving_default" if "serving_default" in signatures else next(iter(signatures), "serve")
            signature = signatures[name]
            inputs = {
                key: keras.Input(spec.shape[1:], dtype=spec.dtype.name, name=key)
                for key, spec in signature.structured_input_signature[1].items()
            }
            layer = keras.layers.TFSMLayer(str(path), call_endpoint=name)
            outputs = layer(next(iter(inputs.values()))) if len(inputs) == 1 else layer(**inputs)
            return keras.Model(list(inputs.values()), outputs)
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            raise UsageError(f"{path}: cannot be read as a SavedModel: {text}") from None
