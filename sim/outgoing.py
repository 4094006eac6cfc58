"""What leaves a device: how much of it, and whether the samples of its sensors are in it.

Console, outputs and decisions are what a product may send on. `traffic` counts them against the raw stream, `leaks`
looks for the stream in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.durations import PS
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.machine import Machine

_DECISION = 8  # bytes of class and score, beside the label


@dataclass(frozen=True)
class Traffic:
    """Bytes, and the seconds of board time in which they came up."""

    seconds: float
    console: int  # sent by the UART
    outputs: int  # given to bl_output
    decisions: int  # class, score and label of each
    raw: int  # of all samples that the open sensors took

    @property
    def sent(self) -> int:
        """All that left the device."""
        return self.console + self.outputs + self.decisions

    @property
    def per_hour(self) -> float:
        """Bytes that leave the device in an hour, if all goes on like this."""
        return self.sent * 3600 / self.seconds

    @property
    def raw_per_hour(self) -> float:
        """Bytes an hour, if the samples were sent instead."""
        return self.raw * 3600 / self.seconds

    @property
    def share(self) -> float:
        """What is sent, of the raw stream. Raises UsageError where no sensor was opened."""
        if not self.raw:
            raise UsageError("no sensor of the board has taken a sample", hint="let it run first")
        return self.sent / self.raw

    def __str__(self) -> str:
        return (
            f"{self.per_hour:,.0f} bytes an hour of {self.raw_per_hour:,.0f} raw ({100 * self.share:.3f} %): "
            f"console {self.console}, outputs {self.outputs}, decisions {self.decisions} bytes in {self.seconds:.3f} s"
        )


def traffic(machine: Machine) -> Traffic:
    """What a machine has sent so far. Raises UsageError before its first instruction."""
    if not machine.time_ps:
        raise UsageError("the machine has not run yet", hint="let it run first")
    channels = [machine.sensor(slot).channel for slot in machine.board.parts]
    return Traffic(
        seconds=machine.time_ps / PS,
        console=len(machine.console.raw),
        outputs=sum(len(data) for _, data in machine.port.outputs),
        decisions=sum(_DECISION + len(d.label.encode()) for d in machine.decisions),
        raw=sum(c.taken(machine.time_ps) * c.bytes_per_sample for c in channels),
    )
