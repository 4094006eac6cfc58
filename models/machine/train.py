"""Train, convert and describe the machine model: `python models/machine/train.py` (about two minutes, 2 cores).

Needs the extra `convert`. Writes machine.tflite, card.md and the threshold in model.toml. Seeded: the same machine
gives the same bytes every time; another processor or TensorFlow may differ in the last bit of a weight.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import bearing  # noqa: E402
import card  # noqa: E402
import features as f  # noqa: E402
import numpy as np  # noqa: E402

from sim.convert import convert  # noqa: E402
from sim.convert.quantise import tflite_outputs  # noqa: E402
from sim.convert.quiet import tensorflow  # noqa: E402

SEED = 20261122
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
    tf, keras = tensorflow()
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    codes, _ = seen(TRAIN, SPANS[TRAIN])
    x = codes.astype(np.float32) * np.float32(f.INPUT_SCALE)
    model = build(keras)
    model.compile(keras.optimizers.Adam(2e-3), "mse")

    def rate(epoch: int) -> float:
        return 2e-3 * 0.5 * (1 + float(np.cos(np.pi * epoch / EPOCHS)))

    def show(epoch: int, logs: dict) -> None:
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {logs['loss']:.5f}", flush=True)

    calls = [keras.callbacks.LearningRateScheduler(rate), keras.callbacks.LambdaCallback(on_epoch_end=show)]
    model.fit(x, x, batch_size=64, epochs=EPOCHS, verbose=0, callbacks=calls)
    return model, x


def representative(x: np.ndarray) -> np.ndarray:
    """Training windows, and one with both ends of the input range: that makes the input scale exactly 1/16."""
    rows = x[np.linspace(0, len(x) - 1, 900).round().astype(int)]
    ends = rows[:1].copy()
    ends[0, 0], ends[0, 1] = -128 * f.INPUT_SCALE, 127 * f.INPUT_SCALE
    return np.concatenate([rows, ends])


def scored(result, codes: np.ndarray) -> np.ndarray:
    """Scores [n] by the int8 model on the host."""
    out = result.outputs[0]
    real = tflite_outputs(result.tflite, [codes.astype(np.float32) * np.float32(f.INPUT_SCALE)])[0][0]
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


def judged(result) -> dict:
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
    model, x = train()
    print("converting", flush=True)
    result = convert(model, representative(x), out=HERE / "machine.tflite")
    asked, got = (f.INPUT_SCALE, 0), (result.inputs[0].scale, result.inputs[0].zero_point)
    if asked != got or result.refusals:
        raise SystemExit(f"the input is quantised as {got}, not {asked}, or the tree refuses: {result.refusals}")
    figures = judged(result)
    toml = HERE / "model.toml"
    line = re.sub(r"(?m)^threshold = \d+", f"threshold = {figures['threshold']}", toml.read_text(encoding="utf-8"))
    toml.write_text(line, encoding="utf-8")
    (HERE / "card.md").write_text(card.text(result, figures, model.count_params(), SEED), encoding="utf-8")
    print({k: v for k, v in figures.items() if k != "rows"})


if __name__ == "__main__":
    main()
