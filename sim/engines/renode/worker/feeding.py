"""Renode's models of sensors: what they are to deliver, and faults of the bus that they are on.

Values come in billionths of the unit that the model takes (g, degrees a second, degrees C), so that decimals of .NET
hold them exactly; sound as the samples themselves. `sim.engines.renode.codes` makes them of codes.
"""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path
from typing import Any

MODELS = ("LSM9DS1_IMU", "NRF52840_PDM", "SI70xx", "STM32_ADC")
_ADC_CHANNEL = 1  # firmware/drivers/stm32f4/adc.c
_BILLIONTHS = 9  # decimal places


class Feeding:
    """One model. Call only while the core stands still."""

    def __init__(self, part: Any, controller: Any, bus: Any) -> None:
        self._part, self._controller, self._bus = part, controller, bus
        self._addresses: list[int] = []  # where it answered before it was taken off its bus
        self._model = str(part.GetType().Name)
        if self._model not in MODELS:
            raise ValueError(f"Renode's model {self._model} cannot be fed: only {', '.join(MODELS)} can")

    def feed(self, data: bytes) -> None:
        """Samples for its queue: 6 values of 64 bits each (IMU), or one of 16 bits (microphone).

        A thermometer has no queue, but one value of 64 bits. Codes of an ADC are unsigned, of 16 bits.
        """
        if self._model == "NRF52840_PDM":
            self._feed_sound(data)
            return
        if self._model == "STM32_ADC":
            self._feed_codes(data)
            return
        from System import Decimal

        values = struct.unpack(f"<{len(data) // 8}q", data)
        made = [Decimal(*_words(value), 0, value < 0, _BILLIONTHS) for value in values]
        if self._model == "SI70xx":
            (self._part.Temperature,) = made
            return
        for at in range(0, len(made), 6):
            self._part.FeedAccelerationSample(*made[at : at + 3])
            self._part.FeedAngularRateSample(*made[at + 3 : at + 6])

    def _feed_codes(self, data: bytes) -> None:
        from System import UInt32

        for (code,) in struct.iter_unpack("<H", data):
            self._part.FeedSample(UInt32(code), UInt32(_ADC_CHANNEL), 1)

    def _feed_sound(self, data: bytes) -> None:
        handle, name = tempfile.mkstemp(suffix=".s16")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            self._part.SetInputFile(name)  # is read at once, behind what is there
        finally:
            Path(name).unlink()

    def drop(self) -> int:
        """Empties the queue; how many samples were in it."""
        if self._model in ("SI70xx", "STM32_ADC"):  # has just what is read next
            return 0
        names = ("decoderLeft",) if self._model == "NRF52840_PDM" else ("accelerationFifo", "angularRateFifo")
        left = 0
        for name in names:
            queue = _field(self._part, name)
            if queue is None:  # no sound so far
                continue
            inner = _field(queue, "samples" if self._model == "NRF52840_PDM" else "samplesFifo")
            left = max(left, int(inner.Count))
            inner.Clear()
        return left

    def fault(self, kind: str, on: bool) -> None:
        """ "no answer": the part is off its bus; "stuck": the bus controller does nothing, its registers read 0.

        A microphone that is stuck delivers nothing more.
        """
        stream = _field(self._part, "sampleThread") if self._model == "NRF52840_PDM" else None
        if kind == "stuck" and stream is not None:  # its interrupt could not be ended if it were switched off
            (stream.Stop if on else stream.Start)()
        elif kind == "stuck":
            self._bus.SetPeripheralEnabled(self._controller or self._part, not on)
        elif self._controller is None:
            raise ValueError("a part that is on no bus cannot be taken off it")
        else:
            # Not by Unregister and Register, which wait for a pause of the core: it stands still in our code.
            answering = _field(self._controller, "ChildCollection")
            if on:
                self._addresses = [pair.Key for pair in answering if pair.Value.Equals(self._part)]
            for address in self._addresses:
                answering.Remove(address)
                if not on:
                    answering.Add(address, self._part)


def _words(value: int) -> tuple[int, int]:
    """The low and the next 32 bits of its size, signed as .NET's constructor takes them."""
    low, high = struct.unpack("<ii", struct.pack("<Q", abs(value)))
    return low, high


def _field(owner: Any, name: str) -> Any:
    """A private field of a .NET object, or a protected one."""
    from System.Reflection import BindingFlags

    field = owner.GetType().GetField(name, BindingFlags.NonPublic | BindingFlags.Instance)
    return field.GetValue(owner)
