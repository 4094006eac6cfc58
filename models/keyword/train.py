"""Train, convert and describe the keyword model: `python models/keyword/train.py` (about ten minutes).

Needs the extra `convert`, espeak-ng, flite, gcc and g++. Writes keyword.tflite, card.md, recordings/, and smoothing and
threshold in model.toml. Seeded: the same machine gives the same bytes every time; another processor, TensorFlow,
espeak-ng or flite may not. Upstream's human recordings have no part in it: they only judge.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy's products are small here: two threads mostly wait for each other
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]

import card  # noqa: E402
import features as f  # noqa: E402
import network  # noqa: E402
import numpy as np  # noqa: E402
import streams  # noqa: E402
import training  # noqa: E402
import voices  # noqa: E402

from sim.tflm import TflmTree  # noqa: E402

EPOCHS = 20
# Frames from one window to the next. The network's strides, 3 and 2, make 6: with 5 it sees every word at all places of
# the six; with a multiple of 2 or 3 it would see it at some of them, and hear people at those only.
EVERY = 5
QUIET = 0.2  # share of the windows without a word that is kept
WHOLE, CUT, TOUCHED = 0.8, 0.4, 0.15  # shares of a word in a window: heard whole, of no use, not silence
SMOOTHINGS = (2, 3, 4)
THRESHOLDS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.825, 0.85, 0.875, 0.9, 0.925, 0.95, 0.975)
JUDGED = 100  # clips a word
MINUTES = 10
CHOOSING_MINUTES = 30
HEARD = 0.9  # of the choosing voices' clips, at least
SHIPPED = ("yes", "no")
PLACES = 11  # of a person's clip in the stream, 16 ms from one to the next


def truth(count: int, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of windows at each of `count` frames: label, and whether it is of use (bool).

    A window with nearly all of a yes or no is that word; with nearly none of it, or with other words, unknown; in
    between it is of no use: the board sees every word cut off, before and after it sees it whole.
    """
    low = np.arange(count) * f.HOP
    high = low + f.FRAMES * f.HOP + 160  # a frame is of 480 samples
    found, useless, touched = np.zeros(count, int), np.zeros(count, bool), np.zeros(count, bool)
    for label, first, last in words:
        share = (np.minimum(high, last) - np.maximum(low, first)) / max(1, min(last - first, 15000))
        if label > streams.UNKNOWN:
            useless |= ((share > CUT) & (share < WHOLE)) | ((share >= WHOLE) & (found > 0))
            found[share >= WHOLE] = label
        touched |= share > TOUCHED
    return np.where(found > 0, found, np.where(touched, streams.UNKNOWN, 0)), ~useless


def examples() -> tuple[np.ndarray, np.ndarray]:
    """Windows [n, FRAMES, CHANNELS] int8 out of all streams, labels [n]; in an order of chance."""
    rng = np.random.default_rng(training.SEED)
    xs, ys = [], []
    for number, stream in enumerate(streams.all_streams()):
        labels, useful = truth(len(stream.frames) - f.FRAMES + 1, stream.words)
        at = np.arange(number % EVERY, len(labels), EVERY)
        at = at[useful[at] & ((labels[at] > 0) | (rng.uniform(size=len(at)) < QUIET))]
        xs += [stream.frames[s : s + f.FRAMES] for s in at]
        ys.append(labels[at])
    order = rng.permutation(len(xs))
    return np.stack(xs)[order], np.concatenate(ys)[order]


def changed(x: np.ndarray, rng: np.random.Generator, hiss: np.ndarray) -> np.ndarray:
    """Windows as other voices and rooms would give: float32, as the model sees them.

    One in five a little higher or lower (bands moved), some faster or slower, each louder or softer, through an
    equaliser, with noise out of `hiss` (drawn once, as most of the time would go there); in four of ten some frames or
    bands are silenced.
    """
    out = x.astype(np.float32)
    count, kind = (len(x), 1, 1), rng.uniform(size=(2, len(x)))
    bands, times = np.arange(f.CHANNELS), np.arange(f.FRAMES) - f.FRAMES // 2
    for i, shift in enumerate((-2, -1, 1, 2)):
        some = np.flatnonzero((kind[0] * 20).astype(int) == i)
        out[some] = out[some][:, :, np.clip(bands + shift, 0, f.CHANNELS - 1)]
    for i, speed in enumerate((0.88, 0.94, 1.06, 1.13)):
        some = np.flatnonzero((kind[1] * 30).astype(int) == i)
        at = np.rint(times * speed).astype(int) + f.FRAMES // 2
        out[some] = out[some][:, np.clip(at, 0, f.FRAMES - 1)]
    begin = int(rng.integers(0, len(hiss) - out.size))
    out += hiss[begin : begin + out.size].reshape(out.shape)
    louder = 8 * rng.standard_normal(count, np.float32)
    out += louder + 5 * rng.standard_normal((len(x), 1, f.CHANNELS // 5), np.float32).repeat(5, axis=2)
    silenced = np.zeros(out.shape, bool)
    for place, size, longest in ((bands[None, None], f.CHANNELS, 6), (np.arange(f.FRAMES)[None, :, None], f.FRAMES, 7)):
        at = rng.integers(0, size, count)
        wide = rng.integers(0, longest, count) * (rng.uniform(size=count) < 0.4)
        silenced |= (place >= at) & (place < at + wide)
    out[silenced] = -128
    return np.clip(out, -128, 127) * np.float32(f.INPUT_SCALE)


def train():
    keras = training.keras_seeded()
    codes, y = examples()
    print(f"{len(codes)} windows: {np.bincount(y).tolist()}", flush=True)
    rng = np.random.default_rng(training.SEED)
    hiss = 4 * rng.standard_normal(1 << 24, np.float32)
    weights = network.trained(codes, y, lambda some: changed(some, rng, hiss), EPOCHS, rng)
    return network.keras_model(keras, weights), training.real(codes[:20000], f.INPUT_SCALE), None


def representative(x: np.ndarray) -> np.ndarray:
    return training.representative(x, f.INPUT_SCALE)


def scores(tflite: bytes, sound: np.ndarray) -> np.ndarray:
    return training.answers(tflite, training.real(f.windows(f.frames(sound)), f.INPUT_SCALE))


def human(name: str, earlier: int = 0) -> np.ndarray:
    """Upstream's recording out of the crate, after a second of faint noise, less `earlier` samples, before another."""
    folder = TflmTree.default().path.parent.parent / "examples" / "models"
    clip = np.frombuffer((folder / f"{name}_1000ms_sample.data").read_bytes(), "<i2")
    rng = np.random.default_rng(5)
    quiet = [np.rint(rng.normal(0, 6, voices.RATE)).astype(np.int16) for _ in range(2)]
    return np.concatenate([quiet[0][earlier:], clip, quiet[1]])


def right(found: list[tuple[int, int]], word: str) -> bool:
    """Heard once, and as that word."""
    return [label for _, label in found] == [f.LABELS.index(word)]


def figures_of(choosing: list, held_out: list, talk: np.ndarray, other: np.ndarray) -> tuple:
    """Of the smoothing and threshold in f.CARD: right and false of voices that choose, of held-out ones."""
    return (
        f.CARD["smoothing"],
        f.CARD["threshold"],
        np.mean([right(f.heard(s), word) for word, s in choosing]),
        len(f.heard(talk)),
        np.mean([right(f.heard(s), word) for word, s in held_out]),
        len(f.heard(other)),
    )


def judged(result, _model) -> dict:
    """Smoothing and threshold by voices that choose, figures by held-out ones; all by the int8 model on the host."""
    tflite = result.tflite

    def clips(seed: int, variants: tuple[str, ...]) -> list[tuple[str, np.ndarray]]:
        out = [
            (word, scores(tflite, voices.clip(seed + f.LABELS.index(word), n, word, variants)))
            for word in SHIPPED
            for n in range(JUDGED)
        ]
        print(f"{len(out)} clips judged", flush=True)
        return out

    choosing, held_out = clips(100, voices.CHOOSING), clips(200, voices.HELD_OUT)
    talk = scores(tflite, voices.chatter(1100, CHOOSING_MINUTES, voices.CHOOSING, voices.WORDS))
    other = scores(tflite, voices.chatter(200, MINUTES, voices.HELD_OUT, (*voices.WORDS, *voices.OTHER_WORDS)))
    rows = []
    for smoothing in SMOOTHINGS:
        for threshold in THRESHOLDS:
            f.CARD.update(smoothing=smoothing, threshold=threshold)
            rows.append(figures_of(choosing, held_out, talk, other))
            print("mean of {}, threshold {}: {:.3f}, {} false; held out {:.3f}, {} false".format(*rows[-1]), flush=True)
    # The fewest false words at which the choosing voices are still heard; of those, the one that hears most.
    chosen = min((row for row in rows if row[2] >= HEARD), key=lambda row: (row[3], -row[2]), default=rows[0])
    f.CARD.update(smoothing=chosen[0], threshold=chosen[1])
    rhymes = scores(tflite, voices.chatter(200, MINUTES // 2, voices.HELD_OUT, voices.RHYMES))
    people = {
        word: [right(f.heard(scores(tflite, human(word, place))), word) for place in range(0, PLACES * 256, 256)]
        for word in SHIPPED
    }
    return {
        "smoothing": chosen[0],
        "threshold": chosen[1],
        "held_out": float(chosen[4]),
        "false": chosen[5],
        "rows": [row for row in rows if row[0] == chosen[0]],
        "rhymes": len(f.heard(rhymes)),
        "human": {word: found[0] for word, found in people.items()},
        "places": {word: f"{word} at {sum(found)} of {PLACES}" for word, found in people.items()},
    }


def ship_recordings(folder: Path) -> None:
    """A clip each by a held-out voice."""
    for word in SHIPPED:
        sound = voices.clip(300 + f.LABELS.index(word), 0, word, voices.HELD_OUT)
        training.write_wav(folder / f"{word}_synthetic.wav", sound, voices.RATE)


def main() -> None:
    training.run(
        training.Use(
            name="keyword",
            folder=HERE,
            scale=f.INPUT_SCALE,
            zero=0,
            train=train,
            representative=representative,
            judged=judged,
            card=card.text,
            recordings=ship_recordings,
        )
    )


if __name__ == "__main__":
    main()
