"""A sensor as a test holds it."""

from __future__ import annotations

from collections.abc import Callable

from sim.durations import PS, picoseconds
from sim.errors import UsageError
from sim.sensors.channel import SensorChannel
from sim.sensors.stimulus import Stimulus


class Sensor:
    """A sensor of the board, for the test to play something to."""

    def __init__(self, channel: SensorChannel, now_ps: Callable[[], int]) -> None:
        self._now_ps = now_ps
        self.channel = channel

    def play(self, stimulus: Stimulus, *, noise_seed: int | None = None) -> None:
        """Begin to play at this board time; before the firmware has opened the sensor: from its opening on.

        `noise_seed`: with the noise that the part's file says it has. Raises UsageError for channels or units that
        the part does not have, and for what is no stimulus (a name, an array); warns
        (`sim.errors.StimulusWarning`) of what is beyond its range or at another rate.
        """
        if not all(hasattr(stimulus, name) for name in ("channels", "units", "duration", "sample")):
            raise UsageError(
                f"{self.channel.name}: a {type(stimulus).__name__} is no stimulus",
                hint="recording(NAME), Recording.load(FILE), Recording(values, channels, units, rate=), or what has "
                "channels, units, duration and sample(times)",
            )
        self.channel.play(stimulus, self._now_ps(), noise_seed)

    def drop_out(self, lasts: float | str, *, after: float | str = 0.0, kind: str = "silent") -> None:
        """The part drops out, `after` that much board time from now: `drop_out("10 min", after="1 h")`.

        "silent": it takes no samples; "stuck": it delivers its last one again and again. Raises UsageError.
        """
        start = self._now_ps() + picoseconds(after)
        self.channel.drop_out(start, start + picoseconds(lasts), kind)

    @property
    def began(self) -> float:
        """Board time in seconds at which the stimulus began, the last one played. Raises UsageError before that."""
        if not self.channel.played:
            raise UsageError(f"{self.channel.name}: nothing plays yet", hint="the firmware has not opened the sensor")
        return self.channel.played[-1][0] / PS

    @property
    def ended(self) -> bool:
        """Whether the firmware has taken all of the stimulus."""
        return self.channel.ended()

    def __str__(self) -> str:
        return str(self.channel.statistics())
