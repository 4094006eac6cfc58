"""What a sensor will see: a physical quantity over time, counted from the moment it is played."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.sensors.units import canonical

Values = npt.NDArray[np.float64]


@runtime_checkable
class Stimulus(Protocol):
    """Physical values over time. Time 0 is when it begins to play; it is over after `duration` seconds."""

    @property
    def name(self) -> str:
        """For reports."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels: ("ax", "ay", "az")."""

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each channel, as in `sim.sensors.units`."""

    @property
    def duration(self) -> float | None:
        """In seconds; None: it never ends."""

    def sample(self, times: Values) -> Values:
        """Values at `times` (float64 [n], seconds, 0 < t <= duration, rising) -> float64 [n, channels]."""


def checked_channels(channels: Sequence[str], units: Sequence[str] | str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units of a stimulus as tuples, one unit each. Raises UsageError where they do not fit."""
    names = tuple(channels)
    if not names or len(set(names)) != len(names):
        raise UsageError(f"channels {', '.join(names) or '(none)'}: each channel needs a name of its own")
    given = (units,) * len(names) if isinstance(units, str) else tuple(units)
    if len(given) != len(names):
        raise UsageError(f"{len(names)} channels but {len(given)} units", hint="one unit a channel, or one for all")
    return names, tuple(canonical(u) for u in given)


@dataclass(frozen=True, init=False)
class Function:
    """A stimulus that is computed: `Function(lambda t: 9.81 * np.sin(6 * t), ["az"], "m/s^2")`."""

    name: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    duration: float | None
    _function: Callable[[Values], Any]

    def __init__(
        self,
        function: Callable[[Values], Any],
        channels: Sequence[str],
        units: Sequence[str] | str,
        duration: float | None = None,
        name: str = "function",
    ) -> None:
        """`function` takes float64 [n] seconds and gives [n, channels], or [n] where there is one channel."""
        names, checked = checked_channels(channels, units)
        if duration is not None and not (np.isfinite(duration) and duration > 0):
            raise UsageError(f"{name}: a duration of {duration} s", hint="above 0, or None for without end")
        for key, value in zip(
            ("name", "channels", "units", "duration", "_function"),
            (name, names, checked, duration, function),
            strict=True,
        ):
            object.__setattr__(self, key, value)

    def sample(self, times: Values) -> Values:
        """See Stimulus. Raises UsageError where the function gives another shape or not a finite value."""
        given = np.asarray(self._function(times), dtype=np.float64)
        values = given[:, None] if given.ndim == 1 and len(self.channels) == 1 else given
        if values.shape != (len(times), len(self.channels)):
            raise UsageError(
                f"{self.name}: gave shape {given.shape} for {len(times)} times",
                hint=f"it must give [{len(times)}, {len(self.channels)}]: a row a time, a column a channel",
            )
        if not np.isfinite(values).all():
            where = float(times[int(np.argmin(np.isfinite(values).all(axis=1)))])
            raise UsageError(f"{self.name}: not a finite value at {where:g} s")
        return values


@dataclass(frozen=True, init=False)
class Constant:
    """The same values all the time: `Constant([0, 0, 9.81], ["ax", "ay", "az"], "m/s^2")`."""

    name: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    duration: float | None
    values: tuple[float, ...]

    def __init__(
        self,
        values: Sequence[float],
        channels: Sequence[str],
        units: Sequence[str] | str,
        duration: float | None = None,
        name: str = "constant",
    ) -> None:
        """One value a channel."""
        names, checked = checked_channels(channels, units)
        numbers = tuple(float(v) for v in values)
        if len(numbers) != len(names) or not np.isfinite(numbers).all():
            raise UsageError(f"{name}: {len(names)} channels need {len(names)} finite values, not {list(values)}")
        if duration is not None and not (np.isfinite(duration) and duration > 0):
            raise UsageError(f"{name}: a duration of {duration} s", hint="above 0, or None for without end")
        for key, value in zip(
            ("name", "channels", "units", "duration", "values"),
            (name, names, checked, duration, numbers),
            strict=True,
        ):
            object.__setattr__(self, key, value)

    def sample(self, times: Values) -> Values:
        """See Stimulus."""
        return np.tile(np.asarray(self.values, dtype=np.float64), (len(times), 1))
