"""Train, convert and describe the machine model: `python models/machine/train.py` (about two minutes, 2 cores).

Needs the extra `convert`. Writes machine.tflite, card.md and the threshold in model.toml. Seeded: the same machine
gives the same bytes every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]

import bearing  # noqa: E402
import card  # noqa: E402
import features as f  # noqa: E402
import numpy as np  # noqa: E402
import training  # noqa: E402

EPOCHS = 60
TRAIN, CHOOSE, JUDGE = 1, 2, 3  # seeds of the bearing model; tests on the board take others
SPANS = {TRAIN: 1000, CHOOSE: 1500}  # of four windows
JUDGED = 250  # spans a size of fault
SIZES = (0.3, 0.35, 0.4, 0.5, 0.7, 1.0)
MARGIN = 1.15  # the threshold lies that much above the largest smoothed score of healthy spans
WIDTHS = (32, 10, 32)


def seen(seed: int, spans: int, r: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs [4 * spans, BANDS], and the decimated windows [4 * spans, WINDOW] they are of."""
    xs, windows = [], []
    for first in range(0, spans, 50):
        raw = np.stack([bearing.span(seed, i, r)[:, f.AXIS] for i in range(first, min(first + 50, spans))])
        kept = f.decimated(f.codes(raw)).reshape(-1, f.WINDOW)
        windows.append(kept)
        xs.append(f.inputs(kept))
        print(f"\rseed {seed}, r {r:g}: {min(first + 50, spans)} of {spans} spans", end="", flush=True)
    print()
    return np.concatenate(xs), np.concatenate(windows)


def build(keras):
    """An autoencoder of dense layers. Only layers that the July 2020 tree of TFLM computes exactly."""
    k = keras.layers
    return keras.Sequential(
        [
            keras.Input((f.BANDS,), name="octaves"),
            k.Dense(WIDTHS[0], activation="relu", name="spread"),
            k.Dense(WIDTHS[1], name="state"),
            k.Dense(WIDTHS[2], activation="relu", name="drawn"),
            k.Dense(f.BANDS, name="octaves_again"),
        ]
    )


def train():
    keras = training.keras_seeded()
    codes, _ = seen(TRAIN, SPANS[TRAIN])
    x = training.real(codes, f.INPUT_SCALE)
    model = build(keras)
    training.fit(model, x, x, epochs=EPOCHS, loss="mse")
    return model, x, None


def representative(x: np.ndarray) -> np.ndarray:
    return training.representative(x, f.INPUT_SCALE, high=(1,))


def scored(result, codes: np.ndarray) -> np.ndarray:
    """Scores [n] by the int8 model on the host."""
    out = result.outputs[0]
    real = training.answers(result.tflite, training.real(codes, f.INPUT_SCALE))
    raw = np.rint(real / out.scale + out.zero_point).astype(np.int8)
    return f.scores(codes, raw, out.scale, out.zero_point)


def rms(windows: np.ndarray) -> np.ndarray:
    return np.sqrt((windows.astype(float) ** 2).mean(axis=1))


def kurtosis(windows: np.ndarray) -> np.ndarray:
    x = windows - windows.mean(axis=1, keepdims=True)
    return (x**4).mean(axis=1) / (x**2).mean(axis=1) ** 2


def by_span(found: np.ndarray) -> np.ndarray:
    """Mean of the four windows of each span."""
    return found.reshape(-1, 4).mean(axis=1)


def judged(result, _model) -> dict:
    """The threshold from healthy spans nobody trained on, and figures of other ones, int8 model on the host."""
    codes, _ = seen(CHOOSE, SPANS[CHOOSE])
    chosen = by_span(scored(result, codes))
    threshold = int(np.ceil(chosen.max() * MARGIN))
    codes, windows = seen(JUDGE, JUDGED * 2)
    base = scored(result, codes)
    figures: dict = {"threshold": threshold, "healthy": float(np.median(chosen)), "largest": float(chosen.max())}
    figures["false"] = int((by_span(base) > threshold).sum())
    figures["rows"] = []
    for r in SIZES:
        codes, bad = seen(JUDGE, JUDGED, r)
        worse = scored(result, codes)
        figures["rows"].append(
            (
                r,
                f.auc(base, worse),
                f.auc(by_span(base), by_span(worse)),
                f.auc(rms(windows), rms(bad)),
                f.auc(kurtosis(windows), kurtosis(bad)),
                float((by_span(worse) > threshold).mean()),
            )
        )
        names = ("r", "AUC", "mean of 4", "RMS", "kurtosis", "found")
        print(", ".join(f"{name} {value:.3f}" for name, value in zip(names, figures["rows"][-1], strict=True)))
    return figures


def main() -> None:
    training.run(
        training.Use(
            name="machine",
            folder=HERE,
            scale=f.INPUT_SCALE,
            zero=0,
            train=train,
            representative=representative,
            judged=judged,
            card=card.text,
        )
    )


if __name__ == "__main__":
    main()
