"""Train, convert and describe the sound model: `python models/sound/train.py` (about four minutes, 2 cores).

Needs the extra `convert`. Writes sound.tflite, card.md and recordings/. Seeded: the same machine gives the same bytes
every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]

import card  # noqa: E402
import features as f  # noqa: E402
import numpy as np  # noqa: E402
import sounds  # noqa: E402
import training  # noqa: E402

EPOCHS = 30
TRAIN, JUDGE = 1, 2  # seeds of the sounds; tests on the board take others
CLIPS = {TRAIN: 700, JUDGE: 120}  # a label
RATIOS = (-10, -5, 0, 5, 10, 20)  # dB, of the curve
CURVE = 40  # clips a label and ratio
SHIPPED = ("alarm", "glass", "knock")


def examples(seed: int, count: int, chunks: list[int], snr: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Windows [n, FRAMES, BANDS] as int8 at these chunks of each clip, label indices [n]."""
    xs, ys = [], []
    for label in sounds.LABELS:
        for number in range(count):
            xs.append(f.windows(f.frames(sounds.clip(seed, number, label, snr)), chunks))
            ys += [f.LABELS.index(label)] * len(chunks)
        print(f"seed {seed}: {count} clips, {label}", flush=True)
    return np.concatenate(xs), np.array(ys)


def build(keras):
    """Two convolutions with wide strides: an inference must be over before the microphone's buffers are full."""
    k = keras.layers
    return keras.Sequential(
        [
            keras.Input((f.FRAMES, f.BANDS), name="log_mel"),
            k.Reshape((f.FRAMES, f.BANDS, 1)),
            k.Conv2D(8, (5, 5), strides=(4, 4), activation="relu", name="strokes"),
            k.Conv2D(16, (3, 3), strides=(2, 2), activation="relu", name="shapes"),
            k.Flatten(),
            k.Dropout(0.3),
            k.Dense(32, activation="relu", name="events"),
            k.Dropout(0.2),
            k.Dense(len(f.LABELS), activation="softmax", name="score"),
        ]
    )


def train():
    keras = training.keras_seeded()
    codes, y = examples(TRAIN, CLIPS[TRAIN], [50, 53, 57, 60])
    x = training.real(codes, f.INPUT_SCALE)
    print(f"{len(x)} windows", flush=True)
    model = build(keras)
    training.fit(model, x, y, epochs=EPOCHS)
    return model, x, y


def representative(x: np.ndarray) -> np.ndarray:
    return training.representative(x, f.INPUT_SCALE)


def test() -> tuple[np.ndarray, np.ndarray]:
    """A window of each clip that is not in training."""
    codes, y = examples(JUDGE, CLIPS[JUDGE], [60])
    return training.real(codes, f.INPUT_SCALE), y


def judged(result, model) -> dict:
    """Figures of clips that are not in training, on the host: float and int8 model, and over the noise."""

    def answers(x: np.ndarray) -> np.ndarray:
        return training.answers(result.tflite, x).argmax(1)

    x, y = test()
    got, floats = answers(x), training.float_answers(model, x).argmax(1)
    curve = []
    for snr in RATIOS:
        codes, truth = examples(JUDGE, CURVE, [60], snr)
        events = truth > 0
        curve.append((snr, float((answers(training.real(codes, f.INPUT_SCALE)) == truth)[events].mean())))
    return {
        "clips": len(y),
        "float": float((floats == y).mean()),
        "int8": float((got == y).mean()),
        "confusion": training.confusion(y, got, len(f.LABELS)).tolist(),
        "curve": curve,
    }


def ship_recordings(folder: Path) -> None:
    """A clip each of some labels, of a seed that is in neither training nor the figures."""
    for label in SHIPPED:
        training.write_wav(folder / f"sound_{label}.wav", sounds.clip(3, 0, label, 15.0), sounds.RATE)


def main() -> None:
    training.run(
        training.Use(
            name="sound",
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
