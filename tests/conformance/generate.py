"""Make the models and goldens anew: `python tests/conformance/generate.py [name ...]` (some minutes).

Models: TensorFlow's converter as a user calls it, `TFLiteConverter.from_keras_model`, nothing of sim.convert.
Goldens: the host package tflite-micro, which is today's TFLM reference kernels, in a process of its own a model (it
aborts the process on what it cannot do; that is recorded in data/host_refuses.json).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

from goldens import Golden, load, save  # noqa: E402
from layers import MODELS, Spec  # noqa: E402
from networks import NETWORKS, build, shape  # noqa: E402

from sim.convert.quiet import quiet, tensorflow  # noqa: E402

ROWS = 4
SEED = 20261122


def specs() -> dict[str, Spec]:
    """All models by name, the random networks last."""
    out = dict(MODELS)
    for seed in range(NETWORKS):
        out[f"network_{seed:02d}"] = Spec(
            lambda k, x, seed=seed: build(seed, k, x), (shape(seed),), per_tensor_dense=seed % 2 == 0
        )
    return out


def converted(name: str, spec: Spec) -> bytes:
    """The model's .tflite; weights and representative data are drawn from a seed made of its name."""
    tf, keras = tensorflow()
    seed = SEED + sum(ord(c) * (i + 1) for i, c in enumerate(name))
    rng = np.random.default_rng(seed)
    with quiet():
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        size = None if spec.open_batch else 1
        inputs = [keras.Input(s, batch_size=size, name=f"input_{i}") for i, s in enumerate(spec.shapes)]
        model = keras.Model(inputs if len(inputs) > 1 else inputs[0], spec.build(keras, *inputs))
        for weight in model.weights:
            # Keras's zeros and ones for biases and batch normalisation would hide mistakes.
            if "variance" in weight.path or "gamma" in weight.path:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
            elif any(word in weight.path for word in ("bias", "beta", "moving_mean")):
                weight.assign(rng.normal(0, 0.2, weight.shape))
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        rows = [rng.normal(0, spec.spread, (60, 1, *s)).astype(np.float32) for s in spec.shapes]
        configure(tf, converter, spec, rows)
        return bytes(converter.convert())


def configure(tf: Any, converter: Any, spec: Spec, rows: list[np.ndarray]) -> None:
    if spec.kind == "float":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if spec.per_tensor_dense:
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if spec.kind == "hybrid":
        return
    converter.representative_dataset = lambda: (
        {f"input_{n}": a[i] for n, a in enumerate(rows)} for i in range(len(rows[0]))
    )
    int16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converter.target_spec.supported_ops = [int16 if spec.kind == "int16" else tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if spec.kind != "float_io":
        number = {"int8": tf.int8, "uint8": tf.uint8, "int16": tf.int16}[spec.kind]
        converter.inference_input_type = converter.inference_output_type = number


def drawn(name: str, details: list[dict[str, Any]]) -> list[np.ndarray]:
    """Inputs [ROWS, ...] an input: two uniform over the whole range, one of its ends only, one near zero."""
    rng = np.random.default_rng([SEED, *name.encode()])
    out = []
    for d in details:
        form = tuple(int(s) for s in d["shape"])
        if np.issubdtype(d["dtype"], np.integer):
            low, high = np.iinfo(d["dtype"]).min, np.iinfo(d["dtype"]).max
            zero = int(d["zero_points"][0]) if len(d["zero_points"]) else 0
            width = (high - low) // 16
            rows = [
                rng.integers(low, high, form, endpoint=True),
                rng.integers(low, high, form, endpoint=True),
                rng.choice([low, high], form),
                np.clip(zero + rng.integers(-width, width, form), low, high),
            ]
        else:
            rows = [rng.normal(0, 1, form), rng.uniform(-4, 4, form), rng.choice([-1.0, 0.0, 1.0], form)]
            rows.append(rng.normal(0, 0.05, form))
        out.append(np.stack(rows).astype(d["dtype"]))
    return out


def golden(path: Path) -> None:
    """In the child: run one model on the host and save inputs and outputs beside it, without the batch of rows lost."""
    from tflite_micro import runtime

    data = path.read_bytes()
    shown = runtime.Interpreter.from_bytes(data, arena_size=1 << 20)
    ins, outs = _details(shown, "input"), _details(shown, "output")
    inputs = drawn(path.stem, ins)
    kept: list[list[np.ndarray]] = [[] for _ in outs]
    for row in range(ROWS):
        # A fresh one a row: nothing may hang over from the last.
        runner = runtime.Interpreter.from_bytes(data, arena_size=1 << 20)
        for i, array in enumerate(inputs):
            runner.set_input(array[row], i)
        runner.invoke()
        for i, column in enumerate(kept):
            column.append(np.array(runner.get_output(i)))
    arrays = {f"in{i}": a for i, a in enumerate(inputs)} | {f"out{i}": np.stack(c) for i, c in enumerate(kept)}
    np.savez(path.with_suffix(".golden.npz"), **arrays)


def _details(runner: Any, side: str) -> list[dict[str, Any]]:
    out = []
    ask = runner.get_input_details if side == "input" else runner.get_output_details
    while True:
        try:
            detail = ask(len(out))
        except (IndexError, RuntimeError, ValueError):
            return out
        out.append(
            {
                "shape": detail["shape"],
                "dtype": np.dtype(detail["dtype"]),
                "zero_points": detail["quantization_parameters"]["zero_points"],
            }
        )


def main(names: list[str]) -> None:
    DATA.mkdir(exist_ok=True)
    refused_file = DATA / "host_refuses.json"
    everything = specs()
    chosen = {n: everything[n] for n in names} if names else everything
    kept: dict[str, Golden] = {}
    refused: dict[str, str] = {}
    if names:
        kept = {k: golden for k, golden in load().items() if k not in chosen}
        refused = {k: v for k, v in json.loads(refused_file.read_text()).items() if k not in chosen}
    else:
        for old_model in DATA.glob("*.tflite"):
            old_model.unlink()
    for number, (name, spec) in enumerate(chosen.items(), 1):
        path = DATA / f"{name}.tflite"
        try:
            path.write_bytes(converted(name, spec))
        except Exception as error:  # the converter raises anything
            print(f"{number}/{len(chosen)} {name}: NOT CONVERTED: {str(error).strip().splitlines()[-1][:150]}")
            path.unlink(missing_ok=True)
            continue
        child = subprocess.run([sys.executable, __file__, "--golden", path], capture_output=True, text=True)
        result = path.with_suffix(".golden.npz")
        if child.returncode == 0:
            with np.load(result) as arrays:
                sides = [tuple(arrays[k] for k in arrays.files if k.startswith(side)) for side in ("in", "out")]
            kept[name] = Golden(*sides)
            result.unlink()
        else:
            refused[name] = reason(child.stderr) or f"exit code {child.returncode}"
        print(f"{number}/{len(chosen)} {name}: {path.stat().st_size} bytes {refused.get(name, '')}", flush=True)
    save(kept)
    refused_file.write_text(json.dumps(dict(sorted(refused.items())), indent=1) + "\n", encoding="utf-8")


def reason(stderr: str) -> str:
    """What TFLM on the host says when it refuses, without Python's lines and machine paths."""
    lines = [line.strip() for line in stderr.splitlines()]
    telling = [x for x in lines if x and not x.startswith(("File", "Traceback", "^", "runner", "shown", "golden"))]
    wanted = [x for x in telling if "Didn't find" in x or "not supported" in x or "failed" in x or "must" in x]
    return " | ".join((wanted or telling)[:2])[:200]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--golden"]:
        golden(Path(sys.argv[2]))
    else:
        main(sys.argv[1:])
