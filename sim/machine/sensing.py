"""A machine with the sensors of its board."""

from __future__ import annotations

from sim.errors import UsageError, near
from sim.given import name
from sim.machine.base import MachineBase
from sim.machine.sensor import Sensor


class SensingMachine(MachineBase):
    """The sensors, by their slots."""

    def sensor(self, slot: str) -> Sensor:
        """The sensor in a slot of the board. Raises UsageError where there is none."""
        slot = name(slot, f"sensor({slot!r})")
        channel = self._runner.sensors.get(slot)
        if channel is None:
            raise UsageError(f"board {self.board.name} has no {slot!r}", hint=near(slot, self._runner.sensors))
        return Sensor(channel, lambda: self.time_ps)

    @property
    def imu(self) -> Sensor:
        """Accelerometer and gyroscope."""
        return self.sensor("imu")

    @property
    def microphone(self) -> Sensor:
        return self.sensor("microphone")

    @property
    def camera(self) -> Sensor:
        return self.sensor("camera")

    @property
    def vibration(self) -> Sensor:
        """Vibration of a machine, three axes."""
        return self.sensor("vibration")

    @property
    def current(self) -> Sensor:
        return self.sensor("current")

    @property
    def temperature(self) -> Sensor:
        return self.sensor("temperature")
