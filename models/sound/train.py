"""Train, convert and describe the sound model: `python models/sound/train.py` (about four minutes, 2 cores).

Needs the extra `convert`. Writes sound.tflite, card.md and recordings/. Seeded: the same machine gives the same bytes
every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import card  # noqa: E402
import features as f  # noqa: E402
import numpy as np  # noqa: E402
import sounds  # noqa: E402

from sim.convert import convert  # noqa: E402
from sim.convert.quantise import tflite_outputs  # noqa: E402
from sim.convert.quiet import quiet, tensorflow  # noqa: E402

SEED = 20261122
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
    tf, keras = tensorflow()
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    x, y = examples(TRAIN, CLIPS[TRAIN], [50, 53, 57, 60])
    x = x.astype(np.float32) * np.float32(f.INPUT_SCALE)
    print(f"{len(x)} windows", flush=True)
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
    """900 training windows, and one with both ends of the input range: that makes the input scale exactly 1/32."""
    rows = x[np.linspace(0, len(x) - 1, 900).round().astype(int)]
    ends = rows[:1].copy()
    ends[0, 0, 0], ends[0, 0, 1] = -128 * f.INPUT_SCALE, 127 * f.INPUT_SCALE
    return np.concatenate([rows, ends])


def judged(tflite: bytes, model) -> dict:
    """Figures of clips that are not in training, on the host: float and int8 model, and over the noise."""

    def answers(x: np.ndarray) -> np.ndarray:
        return tflite_outputs(tflite, [x.astype(np.float32) * np.float32(f.INPUT_SCALE)])[0][0].argmax(1)

    x, y = examples(JUDGE, CLIPS[JUDGE], [60])
    got = answers(x)
    with quiet():
        floats = np.asarray(model(x.astype(np.float32) * np.float32(f.INPUT_SCALE), training=False)).argmax(1)
    confusion = np.zeros((len(f.LABELS),) * 2, int)
    np.add.at(confusion, (y, got), 1)
    curve = []
    for snr in RATIOS:
        x, truth = examples(JUDGE, CURVE, [60], snr)
        events = truth > 0
        curve.append((snr, float((answers(x) == truth)[events].mean())))
    return {
        "clips": len(y),
        "float": float((floats == y).mean()),
        "int8": float((got == y).mean()),
        "confusion": confusion.tolist(),
        "curve": curve,
    }


def ship_recordings() -> None:
    """A clip each of some labels, of a seed that is in neither training nor the figures."""
    folder = HERE / "recordings"
    folder.mkdir(exist_ok=True)
    for label in SHIPPED:
        with wave.open(str(folder / f"sound_{label}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(sounds.RATE)
            file.writeframes(sounds.clip(3, 0, label, 15.0).astype("<i2").tobytes())


def main() -> None:
    model, x = train()
    print("converting", flush=True)
    result = convert(model, representative(x), out=HERE / "sound.tflite")
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
