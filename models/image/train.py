"""Train, convert and describe the digits model: `python models/image/train.py` (about a minute, 2 cores).

Needs the extras `convert` and `data`. Writes image.tflite, card.md and recordings/. Seeded: the same machine gives
the same bytes every time; another processor or TensorFlow may differ in the last bit of a weight.
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

from sim.sensors.frames import Frames  # noqa: E402

EPOCHS = 40
SHIPPED = 20  # held-out digits in recordings/


def seen(strokes: np.ndarray, ink: float = dataset.INK, paper: float = dataset.PAPER) -> np.ndarray:
    """Strokes [n, 8, 8] as the model's int8 input after camera and blocks."""
    out = []
    for start in range(0, len(strokes), 200):
        shown = dataset.shares(strokes[start : start + 200], ink, paper)
        frames = Frames(shown, f.RATE, scale=f.BLOCK, background=paper).values
        out.append(f.inputs(f.codes(frames).reshape(-1, f.HEIGHT, f.WIDTH))[0])
    return np.concatenate(out)


def real(x: np.ndarray) -> np.ndarray:
    """int8 input -> what the float model sees."""
    return training.real(x, f.INPUT_SCALE, f.INPUT_ZERO)


def moved(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture moved by up to one block or a fraction of it, with a gain and noise of its own."""
    out = np.empty_like(x)
    shifts = rng.uniform(-0.8, 0.8, (len(x), 2))
    padded = np.pad(x[..., 0], ((0, 0), (1, 1), (1, 1)))
    for i, (dy, dx) in enumerate(shifts):
        y0, x0 = int(np.floor(dy)), int(np.floor(dx))
        fy, fx = dy - y0, dx - x0
        a, b = 1 + y0, 1 + x0
        p = padded[i]
        rows = (1 - fy) * p[a : a + 8] + fy * p[a + 1 : a + 9]
        out[i, ..., 0] = (1 - fx) * rows[:, b : b + 8] + fx * rows[:, b + 1 : b + 9]
    gain = rng.uniform(0.8, 1.2, (len(x), 1, 1, 1))
    return np.clip(out * gain + rng.normal(0, 0.03, x.shape), 0, 1).astype(np.float32)


def build(keras):
    """Two convolutions. Only layers that the July 2020 tree of TFLM computes exactly."""
    k = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="blocks"),
            k.Conv2D(16, 3, padding="same", activation="relu", name="edges"),
            k.MaxPooling2D(2),
            k.Conv2D(32, 3, padding="same", activation="relu", name="strokes"),
            k.Flatten(),
            k.Dropout(0.3),
            k.Dense(32, activation="relu", name="shape"),
            k.Dense(len(f.LABELS), activation="softmax", name="score"),
        ]
    )


def train():
    keras = training.keras_seeded()
    rng = np.random.default_rng(training.SEED)
    strokes, y = dataset.load("train")
    x = real(seen(strokes))
    print(f"{len(x)} digits for training", flush=True)
    model = build(keras)

    def of_an_epoch() -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate([x, moved(x, rng), moved(x, rng)]), np.tile(y, 3)

    training.fit(model, of_an_epoch, None, epochs=EPOCHS)
    return model, x, y


def saved() -> tuple[np.ndarray, np.ndarray]:
    """The digits for training, and eight moved copies of each."""
    strokes, y = dataset.load("train")
    x, rng = real(seen(strokes)), np.random.default_rng(training.SEED)
    return np.concatenate([x, *(moved(x, rng) for _ in range(8))]), np.tile(y, 9)


def test() -> tuple[np.ndarray, np.ndarray]:
    """The held-out third."""
    strokes, truth = dataset.load("test")
    return real(seen(strokes)), truth


def judged(result, model) -> dict:
    """Figures of the held-out third, on the host: float and int8 model, and under worse light."""
    strokes, truth = dataset.load("test")

    def right(x: np.ndarray) -> float:
        return float((training.answers(result.tflite, real(x)).argmax(1) == truth).mean())

    x = seen(strokes)
    floats = training.float_answers(model, real(x)).argmax(1)
    got = training.answers(result.tflite, real(x)).argmax(1)
    return {
        "digits": len(truth),
        "float": float((floats == truth).mean()),
        "int8": float((got == truth).mean()),
        "dim": right(seen(strokes, ink=0.3, paper=0.05)),
        "glare": right(seen(strokes, ink=1.0, paper=0.6)),
        "confusion": training.confusion(truth, got, len(f.LABELS)).tolist(),
    }


def ship_recordings(folder: Path) -> None:
    """The first held-out digits, as strokes in 8 bits; the file's name says which digits they are."""
    strokes, truth = dataset.load("test")
    for old in folder.glob("*.npy"):
        old.unlink()
    digits = "".join(str(d) for d in truth[:SHIPPED])
    np.save(folder / f"digits_{digits}.npy", f.codes(dataset.shares(strokes[:SHIPPED])))


def main() -> None:
    training.run(
        training.Use(
            name="image",
            folder=HERE,
            scale=f.INPUT_SCALE,
            zero=f.INPUT_ZERO,
            train=train,
            representative=lambda x: x,
            judged=judged,
            card=card.text,
            test=test,
            saved=saved,
            recordings=ship_recordings,
        )
    )


if __name__ == "__main__":
    main()
