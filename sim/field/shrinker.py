"""The passes of a shrink, each on what the one before has left."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
        self.run = 0
        self._known: set[str] = set()
        self._rounded: dict[str, int] = {}  # bits that are lost
        self.state = whole_state(trials.recording)
        self._seen_events: Sequence[Event] = trials.recording.events

    def first(self, states: Iterable[State]) -> int | None:
        """The first of these that still fails; `jobs` are tried at a time, and the result is the same for any."""
        coming: deque[tuple[int, str, Future[bool] | None]] = deque()
        tried: dict[str, Future[bool]] = {}
        for i, state in enumerate(states):
            key = self._trials.key(state)
            if self._journal.get(key) is None and key not in tried:
                tried[key] = self._pool.submit(self._trials.fails, state)
            coming.append((i, key, tried.get(key)))
            if len(coming) >= self._jobs and (found := self._told(coming)) is not None:
                return found
        while coming:
            if (found := self._told(coming)) is not None:
                return found
        return None

    def _told(self, coming: deque[tuple[int, str, Future[bool] | None]]) -> int | None:
        """Waits for the first of them; its number, if it fails."""
        i, key, trial = coming.popleft()
        if self._journal.get(key) is None:
            assert trial is not None
            self._journal.add(key, trial.result())
            self.run += 1
        elif self._journal.found(key):
            self._known.add(key)
        if not self._journal.get(key):
            return None
        for _, _, other in coming:  # of no use any more
            if other is not None:
                other.cancel()
        return i

    @property
    def known(self) -> int:
        """Trials that were not run, as a shrink that was stopped had run them."""
        return len(self._known)

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

    def delete(self, slot: str, unit: int, *, singly: bool) -> None:
        """Blocks of that many samples that are not needed. `singly`: one block at a time from the beginning."""
        n = len(self.state.codes[slot])
        blocks = [list(range(i, min(i + unit, n))) for i in range(0, n, unit)]
        base = self.state
        if len(blocks) < 1:
            return

        def first(candidates: Iterable[Sequence[Sequence[int]]]) -> int | None:
            return self.first(self._with(base, slot, np.array(joined(c), dtype=np.int64)) for c in candidates)

        left = joined(ddmin(blocks, first, singly=singly))
        if len(left) < n:
            self.state = self._with(base, slot, np.array(left, dtype=np.int64))

    def keep_last(self, slot: str) -> None:
        """Only as many of the last samples as it takes, doubled until it does."""
        n, base = len(self.state.codes[slot]), self.state
        if n < 2:
            return
        size = longest_needed(n, lambda c: self.first(self._with(base, slot, np.array(i, dtype=np.int64)) for i in c))
        if size < n:
            self.state = self._with(base, slot, np.arange(n - size, n))

    def drop_events(self) -> None:
        """Faults and writes of the test that are not needed."""
        base = self.state
        if base.faults:
            left = ddmin(list(base.faults), lambda c: self.first(replace(base, faults=tuple(f)) for f in c))
            self.state = base = replace(base, faults=tuple(left))
        if base.writes:
            kept = ddmin(list(base.writes), lambda c: self.first(replace(base, writes=tuple(w)) for w in c))
            self.state = replace(base, writes=tuple(kept))

    def flatten(self, slot: str) -> None:
        """All samples zero or the same, where it hangs on their number alone."""
        codes = self.state.codes[slot]
        if len(codes):
            self._code(
                slot, [np.zeros_like(codes), np.tile(np.rint(codes.mean(axis=0)).astype(np.int64), (len(codes), 1))]
            )

    def simplify(self, slot: str) -> None:
        """Channels that may be zero or constant, codes that may be round."""
        if not len(self.state.codes[slot]):
            return
        for c in range(min(self.state.codes[slot].shape[1], 16)):
            codes = self.state.codes[slot]
            mean = int(np.rint(codes[:, c].mean())) >> (bits := self._rounded.get(slot, 0)) << bits
            values = [0, mean, int(codes[0, c]), int(codes[-1, c])]
            if _constant(codes[:, c]):
                values = [0]
            self._code(slot, [_filled(codes, c, v) for v in values])
        codes = self.state.codes[slot]
        rounder = [b for b in _BITS if b > self._rounded.get(slot, 0)]
        found = self._code(slot, [_rounded(codes, b) for b in rounder])
        if found is not None:
            self._rounded[slot] = rounder[found]

    def simple(self) -> list[str]:
        """What of the samples was made simple, in words."""
        said = []
        for sensor in self._trials.recording.sensors:
            slot, codes, was = sensor.slot, self.state.codes[sensor.slot], sensor.samples()
            flat: dict[int, list[str]] = {}
            for c, name in enumerate(sensor.channels[:16]):
                if len(codes) and _constant(codes[:, c]) and not _constant(was[:, c]):
                    flat.setdefault(int(codes[0, c]), []).append(name)
            for value, names in flat.items():
                is_ = "is" if len(names) == 1 else "are"
                said.append(f"{slot}: {', '.join(names)} {is_} {value} all the time")
            if slot in self._rounded and codes.any():
                said.append(f"{slot}: codes are multiples of {1 << self._rounded[slot]}")
        return said

    def _code(self, slot: str, candidates: Sequence[Codes]) -> int | None:
        """The first of these codes that do as well, if they are others than now; which one that was."""
        base = self.state.codes[slot]
        other = [i for i, codes in enumerate(candidates) if not np.array_equal(codes, base)]
        found = self.first([self._coded(slot, candidates[i]) for i in other])
        if found is None:
            return None
        self.state = self._coded(slot, candidates[other[found]])
        return other[found]

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


def _constant(column: Codes) -> bool:
    return bool((column == column[0]).all())


def _filled(codes: Codes, column: int, value: int) -> Codes:
    out = codes.copy()
    out[:, column] = value
    return out


def _rounded(codes: Codes, bits: int) -> Codes:
    return codes >> bits << bits
