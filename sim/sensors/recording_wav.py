"""Recordings of sound in WAV."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError


def read(path: Path) -> dict[str, Any]:
    """16-bit sound as -1..1 of full scale; one channel `sound`, or `left` and `right`."""
    with path.open("rb") as stream:
        try:
            with wave.open(stream, "rb") as sound:
                channels, width, rate = sound.getnchannels(), sound.getsampwidth(), sound.getframerate()
                data = sound.readframes(sound.getnframes())
        except (wave.Error, EOFError) as error:
            why = str(error) or "it is cut short"
            raise UsageError(f"{path}: not a WAV file of plain samples (PCM): {why}") from None
    if width != 2 or channels not in (1, 2):
        raise UsageError(f"{path}: {8 * width} bits, {channels} channels", hint="save it as 16-bit PCM, mono or stereo")
    codes: npt.NDArray[np.int16] = np.frombuffer(data[: len(data) // (2 * channels) * 2 * channels], dtype="<i2")
    return {
        "values": codes.reshape(-1, channels) / 32768.0,
        "rate": float(rate),
        "channels": ["sound"] if channels == 1 else ["left", "right"],
        "units": "fs",
    }
