"""Train, convert and describe the gesture model: `python models/gesture/train.py` (about a minute, 2 cores).

Needs the extras `convert` and `data`. Writes gesture.tflite, labels.txt, card.md and recordings/. Seeded: the same
machine gives the same bytes every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import card  # noqa: E402
import dataset  # noqa: E402
import features as f  # noqa: E402
import numpy as np  # noqa: E402

from sim.convert import convert  # noqa: E402
from sim.convert.quantise import tflite_outputs  # noqa: E402
from sim.convert.quiet import quiet, tensorflow  # noqa: E402

SEED = 20261122
EPOCHS = 32
# A recording is sampled at these phases of the part's clock (s): on a device they are not the watch's.
PHASES = (0.0, 1 / 60, 1 / 30, 1 / 20)
COPIES = 2  # noisy, rescaled copies of each
SHIPPED = {"standing": (1, 6), "running": (2, 7), "walking": (3, 8), "badminton": (4, 9)}


def examples(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Windows of the training half, model input values / 64, with gain +-15 % and sensor noise; label indices."""
    xs, ys = [], []
    for label, samples in dataset.load("train"):
        for phase in PHASES:
            for _ in range(COPIES):
                gain = np.repeat(rng.uniform(0.85, 1.15, 2), 3)
                noise = rng.normal(0, 1, samples.shape) * np.array([0.1] * 3 + [1.5] * 3)
                at_rate = f.resampled(samples * gain + noise, dataset.RATE, phase)
                found = f.windows(f.inputs(f.codes(at_rate)), stride=3)
                xs.append(found)
                ys += [f.LABELS.index(label)] * len(found)
    return np.concatenate(xs).astype(np.float32) * np.float32(f.INPUT_SCALE), np.array(ys)


def build(keras):
    """Two convolutions over time. Only layers that the July 2020 tree of TFLM computes exactly."""
    k = keras.layers
    rest = (f.WINDOW - 4) // 2 - 2
    return keras.Sequential(
        [
            keras.Input((f.WINDOW, 6), name="window"),
            k.Reshape((f.WINDOW, 1, 6)),
            k.Conv2D(16, (5, 1), activation="relu", name="strokes"),
            k.MaxPooling2D((2, 1)),
            k.Conv2D(24, (3, 1), activation="relu", name="motions"),
            k.AveragePooling2D((rest, 1), name="over_time"),  # a global average, as a pooling
            k.Flatten(),
            k.Dropout(0.3),
            k.Dense(len(f.LABELS), activation="softmax", name="score"),
        ]
    )


def train():
    tf, keras = tensorflow()
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    x, y = examples(np.random.default_rng(SEED))
    print(f"{len(x)} windows of {f.WINDOW} samples for training", flush=True)
    model = build(keras)
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

    def rate(epoch: int) -> float:
        return 2e-3 * 0.5 * (1 + float(np.cos(np.pi * epoch / EPOCHS)))

    def show(epoch: int, logs: dict) -> None:
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {logs['loss']:.4f}, accuracy {logs['accuracy']:.4f}", flush=True)

    calls = [keras.callbacks.LearningRateScheduler(rate), keras.callbacks.LambdaCallback(on_epoch_end=show)]
    model.fit(x, y, batch_size=64, epochs=EPOCHS, verbose=0, callbacks=calls)
    return model, x


def representative(x: np.ndarray) -> np.ndarray:
    """900 training windows, and one with both ends of the input range: that makes the input scale exactly 1/64."""
    rows = x[np.linspace(0, len(x) - 1, 900).round().astype(int)]
    ends = rows[:1].copy()
    ends[0, 0, 0], ends[0, 1, 0] = -128 * f.INPUT_SCALE, 127 * f.INPUT_SCALE
    return np.concatenate([rows, ends])


def judged(tflite: bytes, model) -> dict:
    """Figures of the test half, on the host: float and int8 model."""
    truth, scores, floats = [], [], []
    for label, samples in dataset.load("test"):
        x = f.windows(f.inputs(f.codes(f.resampled(samples, dataset.RATE)))).astype(np.float32) * f.INPUT_SCALE
        truth.append(f.LABELS.index(label))
        scores.append(tflite_outputs(tflite, [x])[0][0])
        with quiet():
            floats.append(np.asarray(model(x, training=False)))
    truth = np.array(truth)
    each = np.concatenate([s.argmax(1) == t for s, t in zip(scores, truth, strict=True)])
    verdicts = np.array([f.verdict(s) for s in scores])
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (truth, verdicts), 1)
    return {
        "recordings": len(truth),
        "recordings_right": int((verdicts == truth).sum()),
        "float_recordings_right": sum(f.verdict(s) == t for s, t in zip(floats, truth, strict=True)),
        "windows": len(each),
        "windows_right": float(each.mean()),
        "float_windows_right": float(
            np.concatenate([s.argmax(1) == t for s, t in zip(floats, truth, strict=True)]).mean()
        ),
        "decisions_right": float(
            np.concatenate([f.decisions(s) == t for s, t in zip(scores, truth, strict=True)]).mean()
        ),
        "confusion": confusion.tolist(),
    }


def ship_recordings() -> None:
    """A few recordings of the test half, numbered from 01 within their label in the file's order."""
    folder = HERE / "recordings"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.csv"):
        old.unlink()
    count = dict.fromkeys(f.LABELS, 0)
    for label, samples in dataset.load("test"):
        count[label] += 1
        if count[label] not in SHIPPED[label]:
            continue
        head = f"# rate={dataset.RATE:g}\n# source={dataset.SOURCE}, test half, {label} {count[label]} of 10\n"
        head += "ax[m/s^2],ay[m/s^2],az[m/s^2],gx[deg/s],gy[deg/s],gz[deg/s]\n"
        rows = "".join(",".join(f"{v:.6g}" for v in row) + "\n" for row in samples)
        (folder / f"{label}_{count[label]:02d}.csv").write_text(head + rows, encoding="utf-8")


def main() -> None:
    model, x = train()
    print("converting", flush=True)
    result = convert(model, representative(x), out=HERE / "gesture.tflite")
    asked, got = (f.INPUT_SCALE, 0), (result.inputs[0].scale, result.inputs[0].zero_point)
    if asked != got or result.refusals:
        raise SystemExit(f"the input is quantised as {got}, not {asked}, or the tree refuses: {result.refusals}")
    figures = judged(result.tflite, model)
    (HERE / "labels.txt").write_text("".join(name + "\n" for name in f.LABELS), encoding="utf-8")
    ship_recordings()
    (HERE / "card.md").write_text(card.text(result, figures, model.count_params(), SEED), encoding="utf-8")
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
