"""Train, convert and describe the vehicle model: `python models/vehicle/train.py` (about three minutes, 2 cores).

Needs the extra `convert`. Writes vehicle.tflite, card.md and recordings/. Seeded: the same machine gives the same
bytes every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]

import card  # noqa: E402
import features as f  # noqa: E402
import numpy as np  # noqa: E402
import road  # noqa: E402
import training  # noqa: E402

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
            k.Conv2D(8, (5, 1), strides=(2, 1), activation="relu", name="jolts"),
            k.Conv2D(12, (5, 1), strides=(2, 1), activation="relu", name="swings"),
            k.MaxPooling2D((2, 1)),
            k.Flatten(),
            k.Dropout(0.2),
            k.Dense(24, activation="relu", name="events"),
            k.Dense(len(f.LABELS), activation="softmax", name="score"),
        ]
    )


def train():
    keras = training.keras_seeded()
    codes, y = examples(TRAIN, 10)
    order = np.random.default_rng(training.SEED).permutation(len(codes))
    # Every drive has smooth stretches: of those as many as of all the rest on average.
    plain = np.flatnonzero(y[order] == 0)
    keep = np.ones(len(codes), bool)
    keep[plain[2 * (len(codes) - len(plain)) // 5 :]] = False
    x, y = training.real(codes[order][keep], f.INPUT_SCALE), y[order][keep]
    print(f"{len(x)} windows: {np.bincount(y).tolist()}", flush=True)
    model = build(keras)
    training.fit(model, x, y, epochs=EPOCHS, batch=128)
    return model, x, y


def representative(x: np.ndarray) -> np.ndarray:
    return training.representative(x, f.INPUT_SCALE, high=(1, 0))


def test() -> tuple[np.ndarray, np.ndarray]:
    """Windows of drives that are not in training, as often as the app looks."""
    codes, y = examples(JUDGE, f.STRIDE)
    return training.real(codes, f.INPUT_SCALE), y


def judged(result, model) -> dict:
    """Figures of drives that are not in training, on the host: float and int8 model."""
    x, y = test()
    got, floats = training.answers(result.tflite, x).argmax(1), training.float_answers(model, x).argmax(1)
    confusion = training.confusion(y, got, len(f.LABELS))
    return {
        "windows": len(y),
        "float": float((floats == y).mean()),
        "int8": float((got == y).mean()),
        "recall": (np.diag(confusion) / confusion.sum(axis=1)).round(4).tolist(),
        "confusion": confusion.tolist(),
    }


def ship_recordings(folder: Path) -> None:
    """One drive each of some labels, of a seed that is in neither training nor the figures."""
    for label, drive in zip(SHIPPED, road.drives(3, list(SHIPPED)), strict=True):
        head = f"# rate={road.RATE:g}\n# source=synthetic: models/vehicle/road.py, seed 3; "
        head += f"{label} from {drive.begin:.2f} to {drive.end:.2f} s\n"
        head += "ax[m/s^2],ay[m/s^2],az[m/s^2],gx[deg/s],gy[deg/s],gz[deg/s]\n"
        rows = "".join(",".join(f"{v:.4g}" for v in row) + "\n" for row in drive.samples)
        (folder / f"drive_{label}.csv").write_text(head + rows, encoding="utf-8")


def main() -> None:
    training.run(
        training.Use(
            name="vehicle",
            folder=HERE,
            scale=f.INPUT_SCALE,
            zero=0,
            train=train,
            representative=representative,
            judged=judged,
            card=card.text,
            test=test,
            recordings=ship_recordings,
        )
    )


if __name__ == "__main__":
    main()
