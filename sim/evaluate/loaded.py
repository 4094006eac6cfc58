"""Recordings in memory between being checked, being played, and being looked at by the host."""

from __future__ import annotations

from sim.evaluate.labelled import Labelled, Playable
from sim.sensors.frames import Frames

_MOST = 256 << 20  # bytes that are kept because they will be needed again; what is more is made again


class Loaded:
    """Stimuli by what they are of: a file is read once, and a generated recording made once, where there is room."""

    def __init__(self) -> None:
        self._held: dict[int, Playable] = {}  # by the identity of the Labelled: its set outlives this
        self._bytes = 0

    def keep(self, item: Labelled, stimulus: Playable) -> None:
        """`stimulus` has just been made of `item`: hold it if there is room, and if it is not in memory anyway."""
        if stimulus is not item.stimulus and self._bytes + _size(stimulus) <= _MOST:
            self._hold(item, stimulus)

    def get(self, item: Labelled) -> Playable:
        """It is held from now on, until `drop`: who asks plays it, and the host looks at it soon."""
        if id(item) not in self._held:
            self._hold(item, item.load())
        return self._held[id(item)]

    def drop(self, item: Labelled) -> None:
        """Nobody needs it any more."""
        stimulus = self._held.pop(id(item), None)
        if stimulus is not None:
            self._bytes -= _size(stimulus)

    def _hold(self, item: Labelled, stimulus: Playable) -> None:
        self._held[id(item)] = stimulus
        self._bytes += _size(stimulus)


def _size(stimulus: Playable) -> int:
    times = None if isinstance(stimulus, Frames) else stimulus.times
    return int(stimulus.values.nbytes + (0 if times is None else times.nbytes))
