"""Train, convert and describe the gesture model: `python models/gesture/train.py` (about a minute, 2 cores).

Needs the extras `convert` and `data`. Writes gesture.tflite, labels.txt, card.md and recordings/. Seeded: the same
machine gives the same bytes every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]

import card  # noqa: E402
import dataset  # noqa: E402
import features as f  # noqa: E402
import numpy as np  # noqa: E402
import training  # noqa: E402

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
    return training.real(np.concatenate(xs), f.INPUT_SCALE), np.array(ys)


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
    keras = training.keras_seeded()
    x, y = examples(np.random.default_rng(training.SEED))
    print(f"{len(x)} windows of {f.WINDOW} samples for training", flush=True)
    model = build(keras)
    training.fit(model, x, y, epochs=EPOCHS)
    return model, x, y


def representative(x: np.ndarray) -> np.ndarray:
    return training.representative(x, f.INPUT_SCALE, high=(1, 0))


def test() -> tuple[np.ndarray, np.ndarray]:
    """Windows of the test half, and their classes."""
    found = [(f.LABELS.index(label), seen(samples)) for label, samples in dataset.load("test")]
    return np.concatenate([x for _, x in found]), np.concatenate([[label] * len(x) for label, x in found])


def seen(samples: np.ndarray) -> np.ndarray:
    """A recording [n, 6] as the windows that the model sees."""
    codes = f.codes(f.resampled(samples, dataset.RATE))
    return training.real(f.windows(f.inputs(codes)), f.INPUT_SCALE)


def judged(result, model) -> dict:
    """Figures of the test half, on the host: float and int8 model."""
    truth, scores, floats = [], [], []
    for label, samples in dataset.load("test"):
        x = seen(samples)
        truth.append(f.LABELS.index(label))
        scores.append(training.answers(result.tflite, x))
        floats.append(training.float_answers(model, x))
    truth = np.array(truth)
    each = np.concatenate([s.argmax(1) == t for s, t in zip(scores, truth, strict=True)])
    verdicts = np.array([f.verdict(s) for s in scores])
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
        "confusion": training.confusion(truth, verdicts, len(f.LABELS)).tolist(),
    }


def ship_recordings(folder: Path) -> None:
    """A few recordings of the test half, numbered from 01 within their label in the file's order."""
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
    training.run(
        training.Use(
            name="gesture",
            folder=HERE,
            scale=f.INPUT_SCALE,
            zero=0,
            train=train,
            representative=representative,
            judged=judged,
            card=card.text,
            test=test,
            recordings=ship_recordings,
            labels=tuple(f.LABELS),
        )
    )


if __name__ == "__main__":
    main()
