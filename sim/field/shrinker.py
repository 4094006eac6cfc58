"""The passes of a shrink, each on what the one before has left."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from sim.errors import UsageError
from sim.field.ddmin import ddmin, joined, longest_needed
from sim.field.events import Event
from sim.field.shrink_journal import Journal
from sim.field.trial import Codes, State, Trials, whole_state

_READ = re.compile(r"(\S+) \d+\+(\d+) ")
_BITS = (12, 10, 8, 7, 6, 5, 4, 3, 2, 1)  # of a code that may be lost


class Shrinker:
    """Shrinks one recording. `gaps`: what deleting a sample does, see `shrink`."""

    def __init__(self, trials: Trials, journal: Journal, gaps: str, jobs: int, progress: Callable[[str], None]) -> None:
        self._trials, self._journal, self._gaps = trials, journal, gaps
        self._jobs, self._progress = jobs, progress
        self._pool = ThreadPoolExecutor(jobs)
        self.run = self.known = 0
        self.state = whole_state(trials.recording)
        self._seen_events: Sequence[Event] = trials.recording.events

    def first(self, states: Sequence[State]) -> int | None:
        """The first of these that still fails; `jobs` are tried at a time, and the result is the same for any."""
        for at in range(0, len(states), self._jobs):
            batch = list(states[at : at + self._jobs])
            new = [s for s in batch if self._journal.get(s.key) is None]
            for state, fails in zip(new, self._pool.map(self._trials.fails, new), strict=True):
                self._journal.add(state.key, fails)
            self.run += len(new)
            self.known += len(batch) - len(new)
            for i, state in enumerate(batch):
                if self._journal.get(state.key):
                    return at + i
        return None

    def check(self) -> None:
        """Raises UsageError where the whole recording is not wrong."""
        if self.first([self.state]) is None:
            if self._trials.symptom.seen(self._trials.run(self.state)):
                raise UsageError(
                    f"the good firmware {self._trials.symptom.text}, too", hint="give one that does it right: --good"
                )
            raise UsageError(
                f"the recording, run again, does not show it: it never {self._trials.symptom.text}",
                hint="boardless replay says what it does; --symptom says what is wrong",
            )

    def cut_end(self) -> None:
        """Nothing behind the first time that it is wrong."""
        if self._trials.symptom.kind == "no-decision":
            return
        run = self._trials.run(self.state)
        self._seen_events = run.events
        state = self.state
        for sensor in run.sensors:
            if sensor.slot in state.codes and sensor.openings:
                n = len(sensor.samples())
                state = self._with(state, sensor.slot, np.arange(min(n, len(state.codes[sensor.slot]))))
        self._take([replace(state, whole=False), state], "cut behind the failure")

    def read_size(self, slot: str) -> int:
        """Samples that the firmware takes at a time, as the last whole run had it; 1 where nobody knows."""
        found = (_READ.match(e.detail) for e in self._seen_events if e.what == "read")
        return max((int(m[2]) for m in found if m and m[1] == slot), default=1)

    def delete(self, slot: str, unit: int) -> None:
        """Blocks of that many samples that are not needed."""
        n = len(self.state.codes[slot])
        blocks = [list(range(i, min(i + unit, n))) for i in range(0, n, unit)]
        base = self.state
        if len(blocks) < 1:
            return

        def first(candidates: Sequence[Sequence[Sequence[int]]]) -> int | None:
            return self.first([self._with(base, slot, np.array(joined(c), dtype=np.int64)) for c in candidates])

        left = joined(ddmin(blocks, first))
        if len(left) < n:
            self.state = self._with(base, slot, np.array(left, dtype=np.int64))

    def keep_last(self, slot: str) -> None:
        """Only as many of the last samples as it takes, doubled until it does."""
        n, base = len(self.state.codes[slot]), self.state
        if n < 2:
            return
        size = longest_needed(n, lambda c: self.first([self._with(base, slot, np.array(i, dtype=np.int64)) for i in c]))
        if size < n:
            self.state = self._with(base, slot, np.arange(n - size, n))

    def drop_events(self) -> None:
        """Faults and writes of the test that are not needed."""
        base = self.state
        if base.faults:
            left = ddmin(list(base.faults), lambda c: self.first([replace(base, faults=tuple(f)) for f in c]))
            self.state = base = replace(base, faults=tuple(left))
        if base.writes:
            kept = ddmin(list(base.writes), lambda c: self.first([replace(base, writes=tuple(w)) for w in c]))
            self.state = replace(base, writes=tuple(kept))

    def simplify(self, slot: str) -> list[str]:
        """Channels that may be zero or constant, codes that may be round; in words."""
        said = []
        names = next(s.channels for s in self._trials.recording.sensors if s.slot == slot)
        columns = range(min(len(names), 16)) if len(self.state.codes[slot]) else ()
        for c in columns:
            codes = self.state.codes[slot]
            if not codes[:, c].any():
                continue
            values = [0, int(np.rint(codes[:, c].mean())), int(codes[0, c]), int(codes[-1, c])]
            found = self.first([self._coded(slot, _filled(codes, c, v)) for v in values])
            if found is not None:
                self.state = self._coded(slot, _filled(codes, c, values[found]))
                said.append(f"{slot}.{names[c]} is {values[found]} all the time")
        codes = self.state.codes[slot]
        found = self.first([self._coded(slot, _rounded(codes, bits)) for bits in _BITS]) if len(codes) else None
        if found is not None:
            self.state = self._coded(slot, _rounded(codes, _BITS[found]))
            said.append(f"{slot}: codes are multiples of {1 << _BITS[found]}")
        return said

    def _coded(self, slot: str, codes: Codes) -> State:
        return replace(self.state, codes={**self.state.codes, slot: codes})

    def _with(self, state: State, slot: str, rows: np.ndarray) -> State:
        """The state with only these samples of a sensor; with "hold" the others have the value before them."""
        codes = state.codes[slot]
        if self._gaps == "hold":
            end = int(rows[-1]) + 1 if len(rows) else 0
            place = np.searchsorted(rows, np.arange(end), side="right") - 1
            held = np.where(place[:, None] >= 0, codes[rows[np.maximum(place, 0)]], 0) if end else codes[:0]
            kept = state.kept[slot][:end]
            return replace(state, codes={**state.codes, slot: held}, kept={**state.kept, slot: kept}, whole=False)
        return replace(
            state,
            codes={**state.codes, slot: codes[rows]},
            kept={**state.kept, slot: state.kept[slot][rows]},
            whole=False,
        )

    def _take(self, candidates: list[State], what: str) -> None:
        found = self.first(candidates)
        if found is not None:
            self.state = candidates[found]
            self._progress(f"{what}: {self.state.samples} samples")

    def close(self) -> None:
        """No more trials."""
        self._pool.shutdown(cancel_futures=True)
        self._journal.close()


def _filled(codes: Codes, column: int, value: int) -> Codes:
    out = codes.copy()
    out[:, column] = value
    return out


def _rounded(codes: Codes, bits: int) -> Codes:
    return codes >> bits << bits
