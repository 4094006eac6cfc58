"""Keyword: yes and no, by voices nobody trained with and by two people, on the virtual board."""

from __future__ import annotations

import hashlib
import subprocess

import numpy as np
import pytest
import upstream
import use

from sim.sensors.recording import Recording
from sim.settings import Settings
from sim.target import Target

pytestmark = pytest.mark.app("keyword")
f = use.module("keyword", "features")
voices = use.module("keyword", "voices")
SEED = 777  # none of the seeds that train.py uses


def of(sound: np.ndarray) -> Recording:
    return Recording(sound / 32768.0, ["sound"], "fs", rate=voices.RATE, name="voices")


def hear(machine, sound: np.ndarray) -> list[tuple[str, float]]:
    """Words and the seconds of the stream at which they were decided."""
    machine.microphone.play(of(sound))
    machine.run_to_end()
    machine.run(0.2)
    return [(d.label, d.samples["microphone"] / voices.RATE) for d in machine.decisions]


def said(word: str, count: int) -> list[np.ndarray]:
    """Clips of held-out voices. Skips without espeak-ng."""
    try:
        return [voices.clip(SEED + f.LABELS.index(word), n, word, voices.HELD_OUT) for n in range(count)]
    except voices.VoicesMissing as missing:
        pytest.skip(str(missing))


def human(name: str) -> np.ndarray:
    clip = np.frombuffer(upstream.file(f"{name}_1000ms_sample.data").read_bytes(), "<i2")
    rng = np.random.default_rng(5)
    quiet = [np.rint(rng.normal(0, 6, voices.RATE)).astype(np.int16) for _ in range(2)]
    return np.concatenate([quiet[0], clip, quiet[1]])


@pytest.mark.parametrize("word", ["yes", "no"])
def test_people(machine, word):
    """Upstream's recordings of two people, who had no part in training: heard once, and right."""
    assert [label for label, _ in hear(machine, human(word))] == [word]


@pytest.mark.parametrize("word", ["yes", "no"])
def test_shipped_voices(machine, recording, word):
    machine.microphone.play(recording(f"{word}_synthetic"))
    machine.wait_for_decision(word, within=3.5)


def test_features_as_on_the_host(machine, recording):
    """The microfrontend on the board and on the host: the same values; its tables are made with each one's libm."""
    sound = np.rint(recording("yes_synthetic").values[:, 0] * 32768).astype(np.int16)
    machine.port.config["show_input"] = 1
    try:
        wanted = f.windows(f.frames(sound))
    except (f.CompilerMissing, subprocess.CalledProcessError) as missing:
        pytest.skip(str(missing))
    hear(machine, sound)
    got = use.inputs_of(machine)[: len(wanted)]
    assert np.array_equal(got, wanted.reshape(len(wanted), -1))


@pytest.mark.parametrize("half", [0, 1])
def test_held_out_voices(half):
    """A clip is right when its word, and nothing else, is heard in it; a board that has just started for each."""
    target = Target.of(Settings.load({}))
    elf = target.build("keyword").elf
    right = 0
    clips = [(word, sound) for word in ("yes", "no") for sound in said(word, 30)[half::2]]
    for word, sound in clips:
        with target.started(elf) as machine:
            machine.run_until_ready()
            right += [label for label, _ in hear(machine, sound)] == [word]
            assert machine.microphone.channel.statistics().overrun == 0
    print(f"{right} of {len(clips)} clips right")
    assert right / len(clips) >= 0.9


def test_words_in_one_long_stream(machine):
    """The same clips one after the other, loud after faint: the microfrontend remembers what was before."""
    clips = [(word, sound) for pair in zip(said("yes", 30), said("no", 30), strict=True) for word, sound in
             zip(("yes", "no"), pair, strict=True)]  # fmt: skip
    ends = np.cumsum([len(sound) for _, sound in clips]) / voices.RATE
    words = hear(machine, np.concatenate([sound for _, sound in clips]))
    # A word is decided at most half a second after its clip, whose last second is noise.
    found = [[label for label, at in words if begin + 0.5 < at <= end + 0.5]
             for begin, end in zip([0.0, *ends[:-1]], ends, strict=True)]  # fmt: skip
    right = sum(heard == [word] for heard, (word, _) in zip(found, clips, strict=True))
    print(f"{right} of {len(clips)} words right")
    assert right / len(clips) >= 0.9
    assert machine.microphone.channel.statistics().overrun == 0


@pytest.mark.slow
@pytest.mark.parametrize(("first", "most"), [(0, 0), (2, 0), (4, 0), (6, 1), (8, 0)])
def test_false_triggers(machine, first, most):
    """Ten minutes of noise and other words by held-out voices, some of which nobody said in training.

    In five streams of two, as one of ten takes half a minute to play; they are allowed one false word together.
    """
    try:
        sound = voices.chatter(SEED, 2, voices.HELD_OUT, (*voices.WORDS, *voices.OTHER_WORDS), first)
    except voices.VoicesMissing as missing:
        pytest.skip(str(missing))
    assert len(sound) == 2 * 60 * voices.RATE
    words = hear(machine, sound)
    print(f"{len(words)} false triggers in 2 minutes: {words}")
    assert machine.microphone.channel.statistics().overrun == 0
    assert len(words) <= most


def test_cost(machine, recording):
    machine.microphone.play(recording("yes_synthetic"))
    assert machine.measure("invoke", runs=3).instructions.max < 15_000_000
    machine.run_to_end()
    # 192 ms of sound wait in RAM: an inference and the frames of that time must fit.
    assert machine.microphone.channel.statistics().overrun == 0


def test_card_is_of_this_model():
    card = (use.folder("keyword") / "card.md").read_text(encoding="utf-8")
    assert hashlib.sha256((use.folder("keyword") / "keyword.tflite").read_bytes()).hexdigest() in card
