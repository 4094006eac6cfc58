"""What firmware did with each sensor's samples: noted as it reads and decides, read by `sim.machine.deadlines`."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.sensors.channel import SensorChannel
from sim.sensors.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision, as one stream sees it."""

    samples: int  # delivered to the firmware since the decision before this one
    latency_ps: int  # from the instant the newest of them was taken to the decision


@dataclass(slots=True)
class StreamLog:
    """One sensor, from its first opening on."""

    channel: SensorChannel
    answers: list[Answer] = field(default_factory=list)
    lost: int = 0  # samples
    overruns: int = 0  # reads that found samples lost
    backlog: int = 0  # most samples that waited unread at a read
    _fresh: int = 0
    _newest_ps: int = 0

    def read(self, delivery: Delivery) -> None:
        """The firmware has got samples."""
        self._fresh += delivery.count
        self._newest_ps = self.channel.time_of(delivery.end_index - 1)
        dropped = delivery.overrun - delivery.missing  # a silent sensor is no fault of the firmware's
        self.lost += dropped
        self.overruns += dropped > 0
        self.backlog = max(self.backlog, delivery.waiting)

    def decided(self, now_ps: int) -> None:
        """The firmware has decided something; it counts here if there were new samples."""
        if self._fresh:
            self.answers.append(Answer(self._fresh, now_ps - self._newest_ps))
            self._fresh = 0
