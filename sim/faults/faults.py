"""`machine.faults`: what goes wrong, when, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.errors import UsageError
from sim.faults.power_faults import PowerFaults
from sim.faults.sensor_faults import SensorFaults


class Faults(SensorFaults, PowerFaults):
    """Faults of one machine. Times are board time from now: `after="2 s"`, `lasts="500 ms"` (default: for ever).

    Everything is the same for the same seed, stands in a recording of the run and is done again by its replay.
    """

    def repeat(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """What a recording says was done; changed codes are in its samples already. Raises UsageError."""
        for fault in faults:
            try:
                self._again(fault)
            except (KeyError, TypeError, ValueError) as error:
                raise UsageError(f"the recording has a fault that cannot be repeated: {dict(fault)}: {error}") from None

    def _again(self, fault: Mapping[str, Any]) -> None:
        kind, at = fault["kind"], fault["time_ps"]
        if kind == "dropout":
            self._channel(fault["sensor"]).drop_out(at, fault["end_ps"], fault["how"])
            self._note(**fault)
        elif kind == "rate":
            self.rate(fault["sensor"], fault["factor"])
        elif kind == "late":
            self._late(fault["sensor"], at, fault["end_ps"], fault["by_ps"])
            self._note(**fault)
        elif kind == "flip":
            address, bit, place = fault["address"], fault["bit"], fault["place"]
            self._check_writable(address)
            self._run.alarms.at(at, lambda: self._flip(address, bit, place))
        elif kind == "reset":
            ram, seed, off = fault["ram"], fault["seed"], fault["off_ps"]

            def cut() -> None:
                self._note(**fault)
                self._reset(ram, seed, off)

            self._run.alarms.at(at, cut)
        elif kind == "clock":
            hz = fault["hz"]
            self._run.alarms.at(at, lambda: self._run.set_clock(hz))
            self._note(**fault)
        else:
            self._note(**fault)
