"""A sensor as a test holds it."""

from __future__ import annotations

from collections.abc import Callable

from sim.sensors.channel import SensorChannel
from sim.sensors.stimulus import Stimulus


class Sensor:
    """A sensor of the board, for the test to play something to."""

    def __init__(self, channel: SensorChannel, now_ps: Callable[[], int]) -> None:
        self._now_ps = now_ps
        self.channel = channel

    def play(self, stimulus: Stimulus) -> None:
        """Begin to play at this board time; before the firmware has opened the sensor: from its opening on.

        Raises UsageError for channels or units that the part does not have.
        """
        self.channel.play(stimulus, self._now_ps())

    @property
    def ended(self) -> bool:
        """Whether the firmware has taken all of the stimulus."""
        return self.channel.ended()

    def __str__(self) -> str:
        return str(self.channel.statistics())
