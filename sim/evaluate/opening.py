"""Which sensor an image opens, and how: found out by running it until it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError, near
from sim.evaluate.labelled import Playable
from sim.machine import NotSeen
from sim.sensors.frames import Frames
from sim.sensors.parts import part
from sim.sensors.parts.base import Part
from sim.sensors.track import Track, match
from sim.target import Target

_WITHIN = "5 s"  # of board time


@dataclass(frozen=True)
class Opening:
    """A sensor as the firmware runs it. `rate` in Hz, `ranges` in the part's units."""

    slot: str
    part: Part
    rate: Fraction
    ranges: tuple[float, ...]

    @property
    def is_camera(self) -> bool:
        """Whether a sample is a picture."""
        return len(self.part.channels) > 64

    def check(self, stimulus: Playable, name: str, *, resample: bool) -> None:
        """Raises UsageError, naming the recording, for what this sensor cannot be played as it is."""
        try:
            match(stimulus, self.part)
        except UsageError as error:
            raise UsageError(f"{name}: {error.message}", hint=error.hint) from None
        rate = float(self.rate)
        given = stimulus.rate
        if given is not None and given > rate * (1 + 1e-6) and not resample:
            lost = "pictures are left out" if isinstance(stimulus, Frames) else f"above {rate / 2:g} Hz it aliases"
            raise UsageError(
                f"{name}: {given:g} Hz, but {self.part.name} runs at {rate:g} Hz: {lost}",
                hint="filter it and save it at the part's rate, or say that it is meant: --resample (resample=True)",
            )
        if stimulus.duration * rate < 1 - 1e-6:
            raise UsageError(f"{name}: {stimulus.duration:g} s are shorter than one sample at {rate:g} Hz",
                             hint="leave it out, or record more")  # fmt: skip

    def codes(self, stimulus: Playable) -> npt.NDArray[np.int64]:
        """What the part delivers of it: [samples, channels]."""
        track = Track(stimulus, self.part, self.rate, self.ranges, Fraction(0))
        data, _ = track.codes(0, track.samples or 0)
        codes = np.frombuffer(data, np.dtype(self.part.dtype).newbyteorder("<"))
        return codes.reshape(-1, len(self.part.channels)).astype(np.int64)


def opening_of(target: Target, elf: Path, slot: str = "") -> Opening:
    """The sensor that the image opens (of several, `slot`, or the first). Raises UsageError where there is none."""
    has: Sequence[str] = list(target.board.parts)
    if slot and slot not in has:
        raise UsageError(f"board {target.board.name} has no sensor {slot!r}", hint=near(slot, has))
    wanted = [slot] if slot else has
    with target.started(elf) as machine:

        def opened() -> list[str]:
            return [s for s in wanted if machine.sensor(s).channel.opened]

        try:
            machine.run_until_ready()
            machine.run_until(lambda: bool(opened()) or machine.port.exit_code is not None, _WITHIN, "a sensor")
        except NotSeen:
            pass
        if not opened():
            raise UsageError(
                f"{elf.name} opens no sensor{f' {slot!r}' if slot else ''} on {target.board.name}",
                hint="an evaluation plays a set to a sensor; a model alone is run by: boardless invoke",
            )
        channel = machine.sensor(opened()[0]).channel
        return Opening(opened()[0], part(target.board.parts[opened()[0]]), channel.rate, tuple(channel.ranges))
