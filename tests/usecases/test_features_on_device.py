"""What the device gives to its model is what training gave to it: on real recordings, value by value.

`test_image` has the same for real digits; `test_sound`, `test_machine_monitoring` and `test_vehicle` for made data.
"""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
import upstream
import use

from sim import Recording
from sim.sensors.frames import Frames
from sim.settings import Settings
from sim.target import Target

REAL = sorted((use.folder("gesture") / "recordings").glob("*.csv"))


@pytest.mark.app("gesture")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_gesture_on_a_smart_watch_s_recordings(machine, path):
    f = use.module("gesture", "features")
    recording = Recording.load(path)
    machine.port.config["show_input"] = 1
    machine.imu.play(recording)
    machine.run_to_end()
    wanted = f.windows(f.inputs(f.codes(f.resampled(recording.values, recording.rate))))
    got = use.inputs_of(machine)[: len(wanted)]
    assert len(wanted) == 18
    assert np.array_equal(got, wanted[: len(got)].reshape(len(got), -1))
    assert len(got) >= 17  # the last may still be under way
    scores = use.output_real("gesture", use.on_host("gesture", wanted[: len(got)]))
    assert [d.index for d in machine.decisions[: len(got)]] == f.decisions(scores).tolist()


@pytest.mark.app("keyword")
@pytest.mark.board("stm32f4_discovery")  # fast enough to lose no sound
@pytest.mark.parametrize("word", ["yes", "no"])
def test_keyword_on_people(machine, word):
    f = use.module("keyword", "features")
    clip = np.frombuffer(upstream.file(f"{word}_1000ms_sample.data").read_bytes(), "<i2")
    quiet = np.rint(np.random.default_rng(5).normal(0, 6, len(clip))).astype(np.int16)
    sound = np.concatenate([quiet, clip, quiet])
    try:
        wanted = f.windows(f.frames(sound))
    except (f.CompilerMissing, subprocess.CalledProcessError) as missing:
        pytest.skip(str(missing))
    machine.port.config["show_input"] = 1
    machine.microphone.play(Recording(sound / 32768.0, ["sound"], "fs", rate=16000, name=word))
    machine.run_to_end()
    assert machine.microphone.channel.statistics().overrun == 0
    got = use.inputs_of(machine)[: len(wanted)]
    assert len(got) >= 10
    assert np.array_equal(got, wanted[: len(got)].reshape(len(got), -1))


def test_person_on_a_photograph():
    """The middle of the frame, as it is: the photograph itself."""
    photograph = upstream.photograph("person_image_data_grayscale")
    target = Target.of(Settings.load({"board": "stm32f4_discovery"}))
    elf = target.build("person", upstream.file("person_detection_grayscale.tflite")).elf
    with target.boot(elf) as machine:
        machine.port.config["show_input"] = 1
        machine.camera.play(Frames(photograph, rate=0.1, background=0.5))
        machine.wait_for_decision(within="60 s")
        (shown, *_) = [data for slot, data in machine.port.outputs if slot == 0]
    assert np.array_equal(np.frombuffer(shown, np.uint8).reshape(96, 96), photograph)
