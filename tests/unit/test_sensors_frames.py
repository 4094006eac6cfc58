"""Frames: what a camera sees, and what it delivers of it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from sim.errors import StimulusWarning, UsageError
from sim.sensors.channel import PS, SensorChannel
from sim.sensors.frames import HEIGHT, WIDTH, Frames
from sim.sensors.parts import part
from sim.sensors.png import read_png
from sim.sensors.stimulus import Constant


def delivered(frames: Frames, count: int, rate: int = 8) -> np.ndarray:
    camera = SensorChannel(part("hm01b0"))
    camera.open(rate, board_ps=0)
    camera.play(frames, board_ps=0)
    return np.frombuffer(camera.read(count, 0).codes, np.uint8).reshape(count, HEIGHT, WIDTH)


def test_every_picture_is_delivered_once_and_exactly() -> None:
    images = np.random.default_rng(1).integers(0, 256, (30, 96, 96)).astype(np.uint8)
    got = delivered(Frames(images, rate=8), 30)
    assert np.array_equal(got[:, 12:108, 32:128], images)
    assert not got[:, :12].any()


def test_pixels_are_shown_larger_and_cut_off() -> None:
    got = delivered(Frames(np.array([[0.0, 1.5], [-0.2, 0.5]]), scale=2, background=0.2), 1)[0]
    assert got[58:62, 78:82].tolist() == [[0, 0, 255, 255]] * 2 + [[0, 0, 128, 128]] * 2
    assert got[0, 0] == 51


def test_a_picture_that_is_too_bright_is_one_warning() -> None:
    """Not one for each of 19,200 pixels."""
    camera = SensorChannel(part("hm01b0"))
    camera.open(8, board_ps=0)
    with pytest.warns(StimulusWarning, match="38400 of 38400 values of 19200 channels .* farthest 2 fs") as told:
        camera.play(Frames(np.full((2, HEIGHT, WIDTH), 2.0)), board_ps=0)
    assert len(told) == 1


def test_frames_that_nobody_took_are_lost() -> None:
    camera = SensorChannel(part("hm01b0"))
    camera.open(8, board_ps=0)
    camera.play(Frames(np.zeros((20, 4, 4)), rate=8), board_ps=0)
    late = camera.read(1, board_ps=PS)
    assert (late.overrun, late.first_index) == (7, 7)


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (np.zeros((121, 160)), "160 x 121"),
        (np.full((4, 4), np.nan), "not a finite"),
        (np.zeros(5), "shape"),
        (np.zeros((0, 4, 4)), "shape"),
        (np.full((4, 4), 200), "int64 from 200 to 200: how much is white"),
        (np.full((4, 4), 65535, np.uint16), "uint16 from 65535"),
    ],
)
def test_bad_pictures(images: np.ndarray, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Frames(images)


def test_a_camera_takes_pictures_only() -> None:
    with pytest.raises(UsageError, match="Frames"):
        SensorChannel(part("hm01b0")).play(Constant([1], ["sound"], "fs"), 0)
    with pytest.raises(UsageError, match="p0_0"):
        SensorChannel(part("lsm9ds1")).play(Frames(np.zeros((4, 4))), 0)


def png(path: Path, image: np.ndarray, colour: int, filters: list[int]) -> Path:
    """A PNG file with the given filter for each row."""
    height, width, step = image.shape
    flat = image.reshape(height, -1).astype(int)
    rows = b""
    for y, kind in enumerate(filters):
        line = flat[y]
        left = np.concatenate([np.zeros(step, int), line[:-step]])
        up = flat[y - 1] if y else np.zeros_like(line)
        corner = np.concatenate([np.zeros(step, int), up[:-step]])
        if kind == 4:
            near = np.stack([abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)])
            guess = np.choose(near.argmin(axis=0), [left, up, corner])
        else:
            guess = [0, left, up, (left + up) // 2][kind]
        rows += bytes([kind]) + ((line - guess) % 256).astype(np.uint8).tobytes()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize(("colour", "step"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_png(tmp_path: Path, colour: int, step: int) -> None:
    image = np.random.default_rng(colour).integers(0, 256, (5, 7, step)).astype(np.uint8)
    got = read_png(png(tmp_path / "x.png", image, colour, [0, 1, 2, 3, 4]))
    wanted = image[..., 0] if step < 3 else np.rint(image[..., :3] @ np.array([0.299, 0.587, 0.114]))
    assert np.array_equal(got, wanted)
    assert Frames.load(tmp_path / "x.png").name == "x"


def test_damaged_png(tmp_path: Path) -> None:
    path = png(tmp_path / "x.png", np.zeros((5, 7, 1), np.uint8), 0, [0] * 5)
    for data, text in ((b"nonsense", "not a PNG"), (path.read_bytes()[:45], "cut short|damaged")):
        path.write_bytes(data)
        with pytest.raises(UsageError, match=text):
            Frames.load(path)
