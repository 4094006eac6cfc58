"""Samples of a bus build: the engine's model of the part gets the codes that the port would have delivered.

The firmware says through the port that it has opened a sensor and that it is about to take so many samples; the samples
themselves go over the board's own bus. A model that is asked for each sample gets just those. One that streams by DMA
(a microphone) is kept ahead of the firmware, and given everything anew when what plays has changed.
"""

from __future__ import annotations

from sim.engines.protocol import BusSession, Fed
from sim.errors import UsageError
from sim.sensors.channel import SensorChannel

_AHEAD = 2  # s of a stream that lie ready in the model


class BusFeed:
    """One sensor of a bus build, open."""

    def __init__(self, channel: SensorChannel, session: BusSession) -> None:
        self._channel, self._session = channel, session
        self._streams = channel.part.driver_buffer
        self._fed = 0  # index of the first sample that the model has not got
        self._state: tuple[object, ...] = ()
        channel.given = self._given if self._streams else None
        self.refresh()

    def take(self, samples: int, lost: int) -> None:
        """The firmware takes `samples` now; before them, its driver has lost some."""
        channel = self._channel
        delivery = channel.take(samples, lost)
        if not self._streams:
            self._feed(delivery.codes)
        else:
            self._go_ahead()

    def refresh(self) -> None:
        """Before the machine goes on: what is played, or done to it, may be another thing than before."""
        if self._channel.dropouts:
            raise UsageError(
                f"{self._channel.name}: models of parts have no time of their own: no dropouts on the bus",
                hint="dropouts are tested on the port build; machine.faults.bus has what can go wrong here",
            )
        if not self._streams:
            return
        state = self._channel.state()
        if state == self._state:
            return
        self._state = state
        self._fed = max(self._channel.next_index, self._given())
        self._go_ahead(anew=True)

    def _given(self) -> int:
        """Index of the first sample that the model has not delivered yet."""
        if self._fed:
            left = self._session.feed(self._channel.name, self._values(b""), anew=True)
            self._fed -= left
            self._state = ()  # it has nothing now
        return self._fed

    def _go_ahead(self, *, anew: bool = False) -> None:
        second = int(self._channel.rate)
        end = self._channel.next_index + _AHEAD * second
        if end - self._fed > second // 2:  # not every time
            self._feed(self._channel.output.peek(self._fed, end), anew=anew)
            self._fed = end

    def _feed(self, codes: bytes, *, anew: bool = False) -> None:
        self._session.feed(self._channel.name, self._values(codes), anew=anew)

    def _values(self, codes: bytes) -> Fed:
        return Fed(codes, self._channel.part.name, self._channel.ranges)
