"""What the six train.py have in common: seeds, progress, conversion that is checked, the card, and `--save`.

A train.py makes examples, builds a network, judges it and writes what its card says; the rest is here. Seeded: the same
machine gives the same bytes every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import argparse
import re
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.convert import Conversion, convert
from sim.convert.quantise import tflite_outputs
from sim.convert.quiet import quiet, tensorflow
from sim.errors import BoardlessError

SEED = 20261122
CALIBRATED = 900  # examples from which the ranges of int8 are taken


def keras_seeded(seed: int = SEED) -> Any:
    """Keras, from now on the same at every run."""
    tf, keras = tensorflow()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    return keras


def cosine(epoch: int, epochs: int, rate: float = 2e-3) -> float:
    """The learning rate of an epoch: from `rate` down to nothing."""
    return rate * 0.5 * (1 + float(np.cos(np.pi * epoch / epochs)))


def fit(
    model: Any,
    x: np.ndarray | Callable[[], tuple[np.ndarray, np.ndarray]],
    y: np.ndarray | None,
    *,
    epochs: int,
    batch: int = 64,
    loss: str = "sparse_categorical_crossentropy",
) -> None:
    """Adam, a line an epoch. `x`: the examples, or a function that gives those of the next epoch with their y."""
    _, keras = tensorflow()
    metrics = ["accuracy"] if loss.endswith("crossentropy") else []
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=metrics)

    def show(epoch: int, logs: dict[str, float]) -> None:
        text = ", ".join(f"{name} {value:.5f}" for name, value in sorted(logs.items(), reverse=True) if name in said)
        print(f"epoch {epoch + 1}/{epochs}: {text}", flush=True)

    said = ("loss", "accuracy")
    if callable(x):
        for epoch in range(epochs):
            model.optimizer.learning_rate = cosine(epoch, epochs)
            logs = model.fit(*x(), batch_size=batch, verbose=0).history
            show(epoch, {name: values[0] for name, values in logs.items()})
        return
    calls = [
        keras.callbacks.LearningRateScheduler(lambda epoch: cosine(epoch, epochs)),
        keras.callbacks.LambdaCallback(on_epoch_end=show),
    ]
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=calls)


def real(codes: np.ndarray, scale: float, zero: int = 0) -> np.ndarray:
    """int8 inputs -> what the float model sees."""
    return (codes.astype(np.float32) - np.float32(zero)) * np.float32(scale)


def representative(x: np.ndarray, scale: float, high: tuple[int, ...] = (0, 1)) -> np.ndarray:
    """900 examples [n, ...], and one with both ends of the input range: that makes the input scale exactly `scale`.

    Of that one the first value is the lowest, the one at `high` the highest.
    """
    rows = x[np.linspace(0, len(x) - 1, CALIBRATED).round().astype(int)]
    ends = rows[:1].copy()
    ends[(0,) * ends.ndim], ends[(0, *high)] = -128 * scale, 127 * scale
    return np.concatenate([rows, ends])


def answers(tflite: bytes, x: np.ndarray) -> np.ndarray:
    """Real outputs [n, classes] of the `.tflite` on the host."""
    return tflite_outputs(tflite, [x])[0][0]


def float_answers(model: Any, x: np.ndarray) -> np.ndarray:
    """The float model's outputs [n, classes]."""
    with quiet():
        parts = [np.asarray(model(part, training=False)) for part in np.array_split(x, max(1, len(x) // 2000))]
    return np.concatenate(parts)


def confusion(truth: np.ndarray, got: np.ndarray, classes: int) -> np.ndarray:
    """How often which class (row) was taken for which (column)."""
    out = np.zeros((classes, classes), int)
    np.add.at(out, (truth, got), 1)
    return out


def write_wav(path: Path, sound: np.ndarray, rate: int) -> None:
    """int16 samples, one channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound.astype("<i2").tobytes())


@dataclass(frozen=True)
class Use:
    """A use, as its train.py says it. Nothing here is called before `run`.

    train           -> (Keras model, x [n, ...] as the model sees it, y [n] or None)
    representative  x -> rows for the ranges of int8
    judged          (conversion, Keras model) -> figures; "threshold" and "smoothing" are written into model.toml
    card            (conversion, figures, number of parameters, seed) -> text of card.md
    test            -> x, y that nobody trained on, for `--save`; None where accuracy says nothing
    recordings      writes recordings/ (the folder is given, and there)
    saved           -> x, y for `--save` where every epoch of the training has other examples
    """

    name: str
    folder: Path
    scale: float
    zero: int
    train: Callable[[], tuple[Any, np.ndarray, np.ndarray | None]]
    representative: Callable[[np.ndarray], np.ndarray]
    judged: Callable[[Conversion, Any], dict[str, Any]]
    card: Callable[[Conversion, dict[str, Any], int, int], str]
    test: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None
    recordings: Callable[[Path], None] | None = None
    labels: tuple[str, ...] = ()
    saved: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None


def run(use: Use, argv: list[str] | None = None) -> None:
    """Train, convert, judge, and write `.tflite`, labels, recordings, card; or, with --save, what compress takes."""
    parser = argparse.ArgumentParser(description=f"Train, convert and describe the {use.name} model.")
    parser.add_argument("--save", type=Path, metavar="FOLDER",
                        help="write the Keras model, train.npz and test.npz there, and nothing else")  # fmt: skip
    args = parser.parse_args(argv)
    begun = time.monotonic()
    try:
        model, x, y = use.train()
        if args.save is not None:
            _save(use, args.save, model, x, y)
        else:
            _finish(use, model, x)
    except BoardlessError as error:
        raise SystemExit(f"{use.name}: {error}") from None
    print(f"{use.name}: {time.monotonic() - begun:.0f} s")


def _save(use: Use, folder: Path, model: Any, x: np.ndarray, y: np.ndarray | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        model.save(folder / f"{use.name}.keras")
    rows = use.representative(x)
    if use.saved is not None:
        x, y = use.saved()
    classes = {} if y is None else {"y": y}
    np.savez_compressed(folder / "train.npz", x=x, **classes, representative=rows)
    if use.test is not None:
        held_out, truth = use.test()
        np.savez_compressed(folder / "test.npz", x=held_out, y=truth)
    print(f"written: {', '.join(sorted(p.name for p in folder.iterdir()))} in {folder}")


def _finish(use: Use, model: Any, x: np.ndarray) -> None:
    print("converting", flush=True)
    result = convert(model, use.representative(x))
    asked = (np.float32(use.scale), use.zero)
    got = (np.float32(result.inputs[0].scale), result.inputs[0].zero_point)
    if asked != got or result.refusals:
        raise SystemExit(f"the input is quantised as {got}, not {asked}, or the tree refuses: {result.refusals}")
    figures = use.judged(result, model)
    # All is known: only now anything is written.
    (use.folder / f"{use.name}.tflite").write_bytes(result.tflite)
    if use.labels:
        (use.folder / "labels.txt").write_text("".join(name + "\n" for name in use.labels), encoding="utf-8")
    for name in ("smoothing", "threshold"):
        if name in figures:
            _set(use.folder / "model.toml", name, figures[name])
    if use.recordings is not None:
        (use.folder / "recordings").mkdir(exist_ok=True)
        use.recordings(use.folder / "recordings")
    card = use.card(result, figures, model.count_params(), SEED)
    (use.folder / "card.md").write_text(card, encoding="utf-8")
    for name, value in figures.items():
        print(f"{name}: {value}")


def _set(toml: Path, name: str, value: float) -> None:
    text, count = re.subn(rf"(?m)^{name} = [\d.]+", f"{name} = {value}", toml.read_text(encoding="utf-8"))
    if count != 1:
        raise SystemExit(f"{toml}: has no line `{name} = ...`")
    toml.write_text(text, encoding="utf-8")
