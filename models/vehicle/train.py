"""Train, convert and describe the vehicle model: `python models/vehicle/train.py` (about three minutes, 2 cores).

Needs the extra `convert`. Writes vehicle.tflite, card.md and recordings/. Seeded: the same machine gives the same
bytes every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import card  # noqa: E402
import features as f  # noqa: E402
import numpy as np  # noqa: E402
import road  # noqa: E402

from sim.convert import convert  # noqa: E402
from sim.convert.quantise import tflite_outputs  # noqa: E402
from sim.convert.quiet import quiet, tensorflow  # noqa: E402

SEED = 20261122
EPOCHS = 25
TRAIN, JUDGE = 1, 2  # seeds of the road; tests on the board take others
DRIVES = {TRAIN: 400, JUDGE: 100}  # a label
SHIPPED = ("pothole", "speed_bump", "cobblestones", "hard_braking")


def examples(seed: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows [n, WINDOW, 6] as int8, label indices [n]; windows of which nobody can tell are left out."""
    xs, ys = [], []
    for label in road.LABELS:
        print(f"seed {seed}: {DRIVES[seed]} drives, {label}", flush=True)
        for drive in road.drives(seed, [label] * DRIVES[seed]):
            found = f.windows(f.inputs(f.codes(drive.samples)), stride)
            for i, window in enumerate(found):
                truth = road.truth(drive, (i * stride + f.WINDOW) / f.RATE)
                if truth is not None:
                    xs.append(window)
                    ys.append(f.LABELS.index(truth))
    return np.array(xs), np.array(ys)


def build(keras):
    """Two convolutions over time. Only layers that the July 2020 tree of TFLM computes exactly."""
    k = keras.layers
    return keras.Sequential(
        [
            keras.Input((f.WINDOW, 6), name="window"),
            k.Reshape((f.WINDOW, 1, 6)),
            k.Conv2D(12, (5, 1), strides=(2, 1), activation="relu", name="jolts"),
            k.Conv2D(16, (5, 1), strides=(2, 1), activation="relu", name="swings"),
            k.MaxPooling2D((2, 1)),
            k.Flatten(),
            k.Dropout(0.2),
            k.Dense(24, activation="relu", name="events"),
            k.Dense(len(f.LABELS), activation="softmax", name="score"),
        ]
    )


def train():
    tf, keras = tensorflow()
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    x, y = examples(TRAIN, 10)
    order = np.random.default_rng(SEED).permutation(len(x))
    # Every drive has smooth stretches: of those as many as of all the rest on average.
    plain = np.flatnonzero(y[order] == 0)
    keep = np.ones(len(x), bool)
    keep[plain[2 * (len(x) - len(plain)) // 5 :]] = False
    x, y = x[order][keep], y[order][keep]
    x = x.astype(np.float32) * np.float32(f.INPUT_SCALE)
    print(f"{len(x)} windows: {np.bincount(y).tolist()}", flush=True)
    model = build(keras)
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

    def rate(epoch: int) -> float:
        return 2e-3 * 0.5 * (1 + float(np.cos(np.pi * epoch / EPOCHS)))

    def show(epoch: int, logs: dict) -> None:
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {logs['loss']:.4f}, accuracy {logs['accuracy']:.4f}", flush=True)

    calls = [keras.callbacks.LearningRateScheduler(rate), keras.callbacks.LambdaCallback(on_epoch_end=show)]
    model.fit(x, y, batch_size=128, epochs=EPOCHS, verbose=0, callbacks=calls)
    return model, x


def representative(x: np.ndarray) -> np.ndarray:
    """900 training windows, and one with both ends of the input range: that makes the input scale exactly 1/32."""
    rows = x[np.linspace(0, len(x) - 1, 900).round().astype(int)]
    ends = rows[:1].copy()
    ends[0, 0, 0], ends[0, 1, 0] = -128 * f.INPUT_SCALE, 127 * f.INPUT_SCALE
    return np.concatenate([rows, ends])


def judged(tflite: bytes, model) -> dict:
    """Figures of drives that are not in training, on the host: float and int8 model."""
    x, y = examples(JUDGE, f.STRIDE)
    real = x.astype(np.float32) * np.float32(f.INPUT_SCALE)
    got = tflite_outputs(tflite, [real])[0][0].argmax(1)
    with quiet():
        floats = np.concatenate([np.asarray(model(r, training=False)) for r in np.array_split(real, 20)]).argmax(1)
    confusion = np.zeros((len(f.LABELS),) * 2, int)
    np.add.at(confusion, (y, got), 1)
    return {
        "windows": len(y),
        "float": float((floats == y).mean()),
        "int8": float((got == y).mean()),
        "recall": (np.diag(confusion) / confusion.sum(axis=1)).round(4).tolist(),
        "confusion": confusion.tolist(),
    }


def ship_recordings() -> None:
    """One drive each of some labels, of a seed that is in neither training nor the figures."""
    folder = HERE / "recordings"
    folder.mkdir(exist_ok=True)
    for label, drive in zip(SHIPPED, road.drives(3, list(SHIPPED)), strict=True):
        head = f"# rate={road.RATE:g}\n# source=synthetic: models/vehicle/road.py, seed 3; "
        head += f"{label} from {drive.begin:.2f} to {drive.end:.2f} s\n"
        head += "ax[m/s^2],ay[m/s^2],az[m/s^2],gx[deg/s],gy[deg/s],gz[deg/s]\n"
        rows = "".join(",".join(f"{v:.4g}" for v in row) + "\n" for row in drive.samples)
        (folder / f"drive_{label}.csv").write_text(head + rows, encoding="utf-8")


def main() -> None:
    model, x = train()
    print("converting", flush=True)
    result = convert(model, representative(x), out=HERE / "vehicle.tflite")
    asked, got = (f.INPUT_SCALE, 0), (result.inputs[0].scale, result.inputs[0].zero_point)
    if asked != got or result.refusals:
        raise SystemExit(f"the input is quantised as {got}, not {asked}, or the tree refuses: {result.refusals}")
    figures = judged(result.tflite, model)
    ship_recordings()
    (HERE / "card.md").write_text(card.text(result, figures, model.count_params(), SEED), encoding="utf-8")
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
