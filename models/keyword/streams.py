"""What the model is trained on: minutes of speech as the board hears it, one word after the other.

The microfrontend remembers the sound of the last seconds: what a word looks like depends on what came before it. So
words are put into long streams, frames are made of the whole stream, and windows are cut out of those; besides, short
clips right after a start, when it remembers nothing yet. Everything is drawn from seeds; made streams are kept in the
cache, as saying ten thousand words takes minutes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import features as f
import numpy as np
import voices
from numpy.typing import NDArray

MINUTE = 60 * voices.RATE
GROUP = 5  # minutes in one stream
PROCESSES = 6  # that make them: more than cores, as espeak-ng waits more than it works
# Streams of any words, of near words, of any words by natural voices; clips, 250 each.
COUNTS = {"plain": 36, "hard": 30, "natural": 16, "clips": 16}
CLIPS_EACH = 250
ALL_WORDS = voices.WORDS + voices.MORE_WORDS
NEAR_WORDS = ALL_WORDS + voices.NEAR * 8
LABEL = {"yes": f.LABELS.index("yes"), "no": f.LABELS.index("no")}
UNKNOWN = f.LABELS.index("unknown")


@dataclass(frozen=True)
class Stream:
    """Frames [n, CHANNELS] int8 of a stream, and its words: label, first and last sample, int64 [words, 3]."""

    frames: NDArray[np.int8]
    words: NDArray[np.int64]


def spoken(
    rng: np.random.Generator, word: str, most: int = MINUTE, natural: bool = False
) -> tuple[NDArray[np.float64], int, int]:
    """At most so many samples of a word by a voice of the training, strongly changed; first and last to be heard."""
    said = voices.drawn_naturally(rng, word) if natural else voices.drawn(rng, word, voices.TRAINING, strongly=True)
    voice = voices.heard(rng, said, strongly=True)[:most]
    loud = np.flatnonzero(np.convolve(np.abs(voice), np.ones(160) / 160, "same") > 0.02)
    return voice, int(loud[0]), int(loud[-1])


def minute(
    seed: int, number: int, words: tuple[str, ...], share: float, natural: bool = False
) -> tuple[NDArray[np.int16], list]:
    """A minute with its noise and loudness; of its words `share` are yes, as many no, the others of `words`."""
    rng = np.random.default_rng([20261122, seed, 77, number])
    level = 10 ** (rng.uniform(-34, -2) / 20)
    sound = voices.coloured(rng, MINUTE) * level * 10 ** (-(rng.uniform(8, 45) + 14) / 20)
    at, marks = int(rng.uniform(0.05, 1) * voices.RATE), []
    while at < 57 * voices.RATE:
        kind = rng.uniform()
        word = "yes" if kind < share else "no" if kind < 2 * share else str(rng.choice(words))
        voice, first, last = spoken(rng, word, MINUTE - at, natural)
        sound[at : at + len(voice)] += voice * level * 10 ** (rng.uniform(-8, 0) / 20)
        marks.append((LABEL.get(word, UNKNOWN), at + first, at + last))
        at += len(voice) + int(rng.exponential(0.45) * voices.RATE + 0.05 * voices.RATE)
    return np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16), marks


def stream(job: tuple[str, int]) -> list[Stream]:
    """Streams of a kind: one of five minutes, or 250 clips."""
    kind, number = job
    if kind == "clips":
        return [clip(n) for n in range(CLIPS_EACH * number, CLIPS_EACH * (number + 1))]
    how = {"plain": (1, ALL_WORDS, 0.22), "hard": (2, NEAR_WORDS, 0.2), "natural": (4, NEAR_WORDS, 0.22, True)}[kind]
    made = [minute(how[0], n, *how[1:]) for n in range(GROUP * number, GROUP * (number + 1))]
    marks = [(label, a + i * MINUTE, b + i * MINUTE) for i, (_, found) in enumerate(made) for label, a, b in found]
    frames = f.frames(np.concatenate([sound for sound, _ in made]))
    return [Stream(frames[: 3000 * GROUP - 10], np.array(marks))]


def clip(number: int) -> Stream:
    """One word after a start of the board; a quarter yes, a quarter no."""
    rng = np.random.default_rng([20261122, 3, number])
    word = ("yes", "no", "", "")[number % 4] or str(rng.choice(NEAR_WORDS))
    voice, first, last = spoken(rng, word)
    sound, at, _ = voices.stream(rng, voice, rng.uniform(0.8, 2.0), 1.0)
    return Stream(f.frames(sound), np.array([(LABEL.get(word, UNKNOWN), at + first, at + last)]))


def kept_at() -> Path:
    """Where the cache has the streams: by what they are made with."""
    from sim.paths import cache_root

    here = Path(__file__).resolve().parent
    state = hashlib.sha256(b"".join((here / n).read_bytes() for n in ("streams.py", "voices.py", "features.py")))
    return cache_root() / "keyword" / f"streams-{state.hexdigest()[:16]}.npz"


def all_streams() -> list[Stream]:
    """Seven hours of speech, out of the cache, or made."""
    path = kept_at()
    if not path.is_file():
        jobs = [(kind, n) for kind, count in COUNTS.items() for n in range(count)]
        f.frames(np.zeros(480, np.int16))  # compiled once, here
        made: list[Stream] = []
        with get_context("spawn").Pool(PROCESSES) as pool:
            for i, some in enumerate(pool.imap(stream, jobs)):
                made += some
                print(f"streams: {i + 1} of {len(jobs)}", flush=True)
        keep(path, made)
    with np.load(path) as kept:
        frames = np.split(kept["frames"], np.cumsum(kept["frame_counts"])[:-1])
        words = np.split(kept["words"], np.cumsum(kept["word_counts"])[:-1])
    return [Stream(a, b) for a, b in zip(frames, words, strict=True)]


def keep(path: Path, made: list[Stream]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    private = path.with_suffix(".part.npz")
    np.savez(
        private,
        frames=np.concatenate([s.frames for s in made]),
        frame_counts=[len(s.frames) for s in made],
        words=np.concatenate([s.words for s in made]),
        word_counts=[len(s.words) for s in made],
    )
    private.replace(path)
