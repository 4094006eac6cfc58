"""What the tests of the uses share: a model's own Python, its host results, its run on the board."""

from __future__ import annotations

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim.model import Model
from sim.paths import data_root


@lru_cache(maxsize=32)
def module(use: str, name: str) -> ModuleType:
    """models/<use>/<name>.py; it must not import its neighbours by name, as every use has a features.py."""
    spec = importlib.util.spec_from_file_location(f"{use}_{name}", folder(use) / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # dataclasses look their module up
    spec.loader.exec_module(loaded)
    return loaded


def folder(use: str) -> Path:
    return data_root() / "models" / use


def data(use: str, *arguments: object) -> object:
    """dataset.load(...) of a use; skips where the package that brings the data is not installed."""
    dataset = module(use, "dataset")
    try:
        return dataset.load(*arguments)
    except dataset.DataMissing as missing:
        pytest.skip(str(missing))


def on_host(use: str, inputs: np.ndarray) -> np.ndarray:
    """Outputs [n, labels] as stored, of TFLM on the host, for inputs [n, ...] as stored. Skips where it is missing."""
    runtime = pytest.importorskip("tflite_micro", reason="pip install --pre tflite-micro").runtime
    runner = runtime.Interpreter.from_file(str(folder(use) / f"{use}.tflite"))
    out = []
    for row in inputs:
        runner.set_input(row[None], 0)
        runner.invoke()
        out.append(np.array(runner.get_output(0)[0]))
    return np.array(out)


def output_real(use: str, raw: np.ndarray) -> np.ndarray:
    """Stored outputs -> real values."""
    (output, *_) = Model.load(folder(use) / f"{use}.tflite").outputs
    return (raw.astype(float) - output.zero_point[0]) * output.scale[0]


def inputs_of(machine) -> np.ndarray:
    """What the firmware sent with `show_input`: int8 [n, ...flat]."""
    return np.array([np.frombuffer(sent, np.int8) for slot, sent in machine.port.outputs if slot == 0])
