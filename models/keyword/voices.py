"""Synthetic speech: espeak-ng says words in many voices, and what happens to a voice on its way to a microphone.

espeak-ng, and flite for training, are tools on the PATH (Debian: apt install espeak-ng flite); they say the same bytes
every time. No person was recorded for this. All parameters are drawn per example from ranges that are pinned here.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import wave
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 16000
SNR = (10.0, 45.0)  # dB, voice over noise
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
# Nobody of HELD_OUT or CHOOSING is in training: those choose the threshold, these judge.
HELD_OUT = ("f3", "m5", "klatt2", "linda", "max", "rob", "Diogo", "norbert")
CHOOSING = ("f5", "m6", "Annie", "boris")
TRAINING = (
    "f1", "f2", "f4", "m1", "m2", "m3", "m4", "m7", "m8", "croak", "klatt", "klatt3", "klatt4", "Andrea", "belinda",
    "Mike", "Michael", "steph", "Alicia", "ed", "caleb", "Gene", "Denis", "Hugo", "Jacky", "Lee", "paul", "quincy",
    "robert", "sandro", "Storm", "travis", "victor", "Zac", "antonio", "aunty", "adam", "benjamin", "shelby", "Marco",
)  # fmt: skip
# flite's voices, made of recordings of four people; in training only.
NATURAL = ("awb", "kal16", "rms", "slt")
STRETCHES = (0.6, 0.7, 0.85, 1.0, 1.2)  # how long they take, as a share of what is usual with them
# Said in training, and by those who judge.
WORDS = (
    "up", "down", "left", "right", "on", "off", "stop", "go", "cat", "dog", "house", "tree", "bird", "happy", "wow",
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero", "bed", "learn", "follow",
    "forward", "backward", "visual", "table", "window", "water", "music", "lamp", "kitchen", "light", "open",
    "close", "start", "today", "morning", "hello", "thanks", "please", "maybe", "never", "better", "under", "over",
    "paper", "knife", "nice", "now", "new",
)  # fmt: skip
# Said in training only: the more there are, the less is taken for yes or no.
MORE_WORDS = (
    "about", "after", "again", "all", "always", "and", "apple", "arm", "ask", "away", "baby", "back", "ball",
    "bank", "because", "before", "bell", "best", "big", "black", "blue", "boat", "body", "book", "both", "box",
    "boy", "bread", "bring", "brother", "brown", "business", "but", "buy", "call", "camera", "can", "car", "carry",
    "chair", "change", "child", "city", "class", "clean", "clear", "cold", "come", "cook", "corn", "could",
    "country", "cup", "cut", "dance", "day", "deep", "did", "dinner", "do", "draw", "dream", "drink", "drive",
    "dry", "each", "ear", "early", "earth", "east", "eat", "egg", "end", "enough", "evening", "every", "eye",
    "face", "fact", "family", "far", "fast", "father", "feel", "few", "field", "find", "fine", "fire", "first",
    "fish", "floor", "flower", "fly", "food", "foot", "for", "free", "friend", "from", "full", "game", "get",
    "girl", "give", "glass", "gold", "good", "great", "hair", "hand", "hard", "have", "head", "hear", "heart",
    "heavy", "help", "her", "high", "him", "hold", "home", "horse", "hot", "hour", "how", "ice", "idea", "into",
    "job", "jump", "just", "keep", "key", "kind", "king", "land", "large", "last", "late", "law", "lead", "leg",
    "life", "like", "line", "list", "little", "long", "look", "lose", "lot", "love", "make", "man", "many", "map",
    "market", "meat", "meet", "men", "milk", "mind", "minute", "money", "month", "moon", "more", "most", "mother",
    "mouth", "move", "much", "must", "name", "near", "neck", "need", "net", "next", "night", "north", "not",
    "nothing", "number", "nurse", "often", "old", "only", "orange", "other", "our", "out", "own", "page", "park",
    "part", "pass", "pay", "pen", "people", "pick", "place", "plan", "plant", "play", "point", "poor", "pull",
    "push", "put", "question", "quick", "rain", "read", "ready", "red", "rest", "rice", "rich", "ring", "road",
    "rock", "room", "round", "run", "sad", "said", "salt", "same", "sand", "save", "say", "sea", "seat", "see",
    "sell", "send", "sense", "set", "ship", "shoe", "shop", "short", "should", "sing", "sister", "sit", "size",
    "skin", "sky", "sleep", "small", "smile", "soft", "some", "son", "song", "soon", "sorry", "sound", "south",
    "speak", "spring", "stand", "star", "state", "stay", "step", "still", "stone", "story", "street", "strong",
    "such", "sugar", "sun", "sure", "sweet", "swim", "take", "talk", "tall", "tea", "teach", "tell", "ten", "test",
    "than", "that", "the", "them", "then", "there", "they", "thing", "think", "this", "those", "time", "tired",
    "together", "tomorrow", "too", "top", "town", "toy", "train", "try", "turn", "twenty", "uncle", "use", "very",
    "voice", "wait", "walk", "wall", "want", "warm", "was", "wash", "watch", "way", "we", "wear", "week", "well",
    "went", "west", "wet", "what", "wheel", "when", "where", "which", "white", "who", "why", "wife", "wild", "will",
    "win", "wind", "winter", "wish", "with", "woman", "wood", "word", "work", "world", "would", "write", "wrong",
    "year", "you", "young", "your",
)  # fmt: skip
# Said more often in training than the others: words that were taken for a yes or a no when the choosing voices said
# them (go, now, down, zero, left, close, hello, new, never, wow, open, maybe), and words that sound like these.
NEAR = (
    "go", "now", "new", "down", "zero", "left", "close", "hello", "never", "wow", "open", "nine", "maybe", "over",
    "follow", "not", "north", "nothing", "old", "cold", "home", "gold", "those", "window", "you", "your", "year",
    "next",
    "rest", "best", "test", "west", "bed", "ten", "set", "sell", "said", "head", "need", "near", "night", "knife",
    "nice", "name", "number", "more", "most", "long", "moon", "both", "boat", "road", "song", "on", "under", "lot",
    "law",
)  # fmt: skip
# Said by the held-out voices only.
OTHER_WORDS = (
    "computer", "garden", "door", "alarm", "volume", "weather", "radio", "letter", "coffee", "bottle", "green",
    "yellow", "summer", "river",
)  # fmt: skip
# Too near to no and yes for a model of this size: in neither training nor judging; the card counts them.
RHYMES = (
    "know", "low", "show", "slow", "snow", "so", "grow", "toe", "nose", "note", "less", "mess", "guess", "dress",
    "yet", "nest",
)  # fmt: skip


class VoicesMissing(Exception):
    """espeak-ng, or for training flite, is not installed."""


def _program(name: str = "espeak-ng") -> str:
    program = shutil.which(name)
    if program is None:
        raise VoicesMissing(f"the voices are {name}'s: apt install {name}")
    return program


def _without_silence(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound


@lru_cache(maxsize=4096)
def spoken(word: str, voice: str, speed: int, pitch: int) -> NDArray[np.float64]:
    """The word, silence cut off: float64 [n] at 22 050 Hz."""
    command = [_program(), "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", word]
    done = subprocess.run(command, capture_output=True, check=True)
    with wave.open(io.BytesIO(done.stdout)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (22050, 2, 1)
        data = file.readframes(1 << 24)
    return _without_silence(np.frombuffer(data[: len(data) // 2 * 2], "<i2") / 32768.0)


@lru_cache(maxsize=4096)
def spoken_naturally(word: str, voice: str, stretch: float) -> NDArray[np.float64]:
    """The word by a voice of flite's, silence cut off: float64 [n] at 22 050 Hz."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/word.wav"
        command = [_program("flite"), "-voice", voice, "--setf", f"duration_stretch={stretch}", "-t", word, "-o", path]
        subprocess.run(command, capture_output=True, check=True)
        with wave.open(path) as file:
            assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE, 2, 1)
            sound = np.frombuffer(file.readframes(1 << 24), "<i2") / 32768.0
    at = np.arange(0, len(sound) - 1, RATE / 22050)
    return _without_silence(np.interp(at, np.arange(len(sound)), sound))


def drawn_naturally(rng: np.random.Generator, word: str) -> NDArray[np.float64]:
    """The word by a random voice of flite's, slowly or quickly."""
    return spoken_naturally(str(word), str(rng.choice(NATURAL)), float(rng.choice(STRETCHES)))


@lru_cache(maxsize=4096)
def phonemes(word: str, accent: str) -> str:
    """The word in espeak-ng's letters for phonemes, as an accent has it."""
    command = [_program(), "-v", accent, "-q", "-x", word]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def drawn(
    rng: np.random.Generator, word: str, variants: tuple[str, ...], strongly: bool = False
) -> NDArray[np.float64]:
    """The word by a random voice of `variants`, at a random speed and pitch.

    `strongly`, for training: also as fast as people say one word (a vowel of 0.15 s; the judged speeds give 0.2 to
    0.4 s), and with an n or m at its beginning that is held, as people do (0.1 s and more; espeak-ng 0.05 to 0.1 s).
    """
    accent = rng.choice(ACCENTS)
    voice = f"{accent}+{rng.choice(variants)}"
    speed, pitch = int(rng.integers(115, 260 if strongly else 200)), int(rng.integers(25, 75))
    text = str(word)
    if strongly and word[0] in "knm" and rng.uniform() < 0.6:
        said = phonemes(text, str(accent))
        if said[0] in "nm":
            text = f"[[{said[0] * int(rng.integers(1, 5))}{said}]]"
    return spoken(text, voice, speed, pitch)


def coloured(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Noise of a random colour with RMS 1; sometimes with hum, beeps or clicks."""
    size = -(-count // 4096) * 4096  # a length that is quick to transform
    f = np.fft.rfftfreq(size, 1 / RATE)
    shape = (np.maximum(f, 60) / 1000) ** -rng.uniform(-0.1, 1.2)
    bins = (rng.normal(size=len(f)) + 1j * rng.normal(size=len(f))) * shape
    bins[0] = 0
    noise = np.fft.irfft(bins, size)[:count]
    noise /= np.sqrt(np.mean(noise**2))
    t = np.arange(count) / RATE
    kind = rng.uniform()
    if kind < 0.2:
        noise = noise + sum(rng.uniform(0, 1) * np.sin(2 * np.pi * 50 * k * t + rng.uniform(0, 6)) for k in (1, 2, 3))
    elif kind < 0.3:
        on = (t * rng.uniform(1, 5)) % 1 < 0.5
        noise = noise + rng.uniform(0.5, 4) * on * np.sin(2 * np.pi * rng.uniform(300, 3000) * t)
    elif kind < 0.4:
        clicks = (rng.uniform(size=count) < rng.uniform(2, 15) / RATE) * rng.normal(size=count) * 20
        noise = noise + np.convolve(clicks, np.exp(-np.arange(200) / rng.uniform(5, 60)), "same")
    return noise


def heard(rng: np.random.Generator, voice: NDArray[np.float64], strongly: bool = False) -> NDArray[np.float64]:
    """Speech at 22 050 Hz -> at 16 kHz with a peak of 1, in a room, through a microphone.

    `strongly`, for training: an equaliser, speed and loudness of any kind, breath and clipping besides, until no two
    examples of one voice are alike. Without that a network learns espeak-ng, and no person.
    """
    count = len(voice)
    size = -(-count // 4096) * 4096
    f = np.fft.rfftfreq(size, 1 / 22050)
    curve = np.interp(np.log2(np.maximum(f, 50)), np.arange(5.5, 14, 1.2), rng.normal(0, 5.0 if strongly else 1.5, 8))
    voice = np.fft.irfft(np.fft.rfft(voice, size) * 10 ** (curve / 20) * (f < 7600), size)[:count]
    step = 22050 / RATE * (rng.uniform(0.85, 1.2) if strongly else rng.uniform(0.96, 1.04))
    voice = np.interp(np.arange(0, count - 1, step), np.arange(count), voice)
    if strongly:
        t = np.linspace(0, 1, len(voice))
        voice = voice * 10 ** (np.interp(t, np.linspace(0, 1, 4), rng.normal(0, 3, 4)) / 20)
        if rng.uniform() < 0.5:  # breath: noise that goes with the voice
            loudness = np.convolve(np.abs(voice), np.ones(160) / 160, "same")
            voice = voice + rng.uniform(0.05, 0.6) * loudness * np.diff(rng.normal(size=len(voice)), prepend=0)
    if rng.uniform() < 0.7:
        length = int(rng.uniform(0.03, 0.35) * RATE)
        echo = rng.normal(size=length) * np.exp(-np.arange(length) / (length / 5)) * rng.uniform(0.02, 0.12)
        echo[0] = 1.0
        size = 1 << (len(voice) + length).bit_length()
        voice = np.fft.irfft(np.fft.rfft(voice, size) * np.fft.rfft(echo, size), size)[: len(voice) + length // 2]
    voice = voice / np.abs(voice).max()
    if strongly and rng.uniform() < 0.25:
        voice = np.clip(voice * rng.uniform(1.2, 4), -1, 1)
    return voice


def stream(
    rng: np.random.Generator, voice: NDArray[np.float64] | None, lead: float, tail: float
) -> tuple[NDArray[np.int16], int, int]:
    """Noise with a voice in it from `lead` seconds on: int16 sound, first and last sample of the voice."""
    at = int(lead * RATE)
    length = 0 if voice is None else len(voice)
    noise = coloured(rng, at + length + int(tail * RATE))
    level = 10 ** (rng.uniform(-34, -2) / 20)
    # The peak of a voice is some 14 dB over its RMS.
    sound = noise * level * 10 ** (-(rng.uniform(*SNR) + 14) / 20)
    if voice is not None:
        sound[at : at + length] += voice * level
    return np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16), at, at + length


def clip(seed: int, number: int, word: str, variants: tuple[str, ...]) -> NDArray[np.int16]:
    """For judging: 1 s of noise, the word, 1 s of noise; example `number` of a seed is always the same."""
    rng = np.random.default_rng([20261122, seed, number])
    return stream(rng, heard(rng, drawn(rng, word, variants)), 1.0, 1.0)[0]


def chatter(
    seed: int, minutes: int, variants: tuple[str, ...], words: tuple[str, ...], first: int = 0
) -> NDArray[np.int16]:
    """For judging: scenes of a minute, each with its noise, and another word every two seconds or so.

    `first`: the minute that they begin with; a minute of a seed is the same in whatever stream it is.
    """
    scenes = []
    for minute in range(first, first + minutes):
        rng = np.random.default_rng([20261122, seed, 99, minute])
        level = 10 ** (rng.uniform(-30, -6) / 20)
        scene = coloured(rng, 60 * RATE) * level * 10 ** (-(rng.uniform(*SNR) + 14) / 20)
        at = int(rng.uniform(0.3, 2) * RATE)
        while at < 58 * RATE:
            voice = heard(rng, drawn(rng, rng.choice(words), variants))[: 60 * RATE - at]
            scene[at : at + len(voice)] += voice * level * 10 ** (rng.uniform(-6, 0) / 20)
            at += len(voice) + int(rng.uniform(0.3, 2.5) * RATE)
        scenes.append(np.clip(np.rint(scene * 32767), -32768, 32767).astype(np.int16))
    return np.concatenate(scenes)
