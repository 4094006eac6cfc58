"""Shrink: the smallest stimulus that is still wrong in the same way.

Passes, each on what the one before has left: cut the end off, keep only the last samples that it takes, drop faults and
writes, delete blocks (ddmin), make channels zero or constant, round codes, delete single samples. The last three come
again until nothing changes, so that what is left is 1-minimal: without any one sample it is not wrong.

Samples are made simple before single ones are deleted: of those that are equal it does not matter which one is gone, so
that one trial tells of them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import UsageError
from sim.field.ending import FIRST
from sim.field.recorded import FieldRecording
from sim.field.shrink_journal import Journal
from sim.field.shrinker import Shrinker
from sim.field.symptom import Symptom
from sim.field.trial import State, Trials, whole_state

if TYPE_CHECKING:
    from sim.target import Target

GAPS = ("close", "hold")
SINGLE = 512  # of more samples than that whole reads are deleted, not single samples


@dataclass(frozen=True)
class Shrunk:
    """`before` and `after` are counts of samples of all sensors; `trials` were run, `known` were in the journal."""

    recording: FieldRecording
    before: int
    after: int
    trials: int
    known: int
    did: tuple[str, ...]  # in words


def shrink(
    recording: FieldRecording,
    target: Target,
    elf: Path,
    symptom: Symptom,
    *,
    gaps: str = "close",
    unit: int = 0,
    jobs: int = 1,
    journal: Path | None = None,
    good: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Shrunk:
    """The smallest recording with the same symptom that deleting and simplifying leads to.

    `gaps`: "close": what is deleted is gone, and what comes after it comes sooner; "hold": the value before it stays.
    `unit`: samples that are deleted together at the finest; 0: single ones where there are few (512), else as many as
    the firmware reads at a time.
    `journal`: where to keep verdicts. `good`: a firmware that does it right, as it must with what is left.
    Raises UsageError when the recording is not wrong in the first place.
    """
    if gaps not in GAPS:
        raise UsageError(f"gaps={gaps!r}", hint="close or hold")
    trials = Trials(recording, target, elf, symptom, good)
    about = f"2 {recording.event_hash} {recording.firmware['sha256']} {symptom.text} {gaps} "
    about += trials.key(whole_state(recording))
    if good is not None:
        from sim.elf import load_elf

        about += f" {load_elf(good).sha256}"
    work = Shrinker(trials, Journal(journal, about), gaps, jobs, progress)
    before = work.state.samples
    try:
        work.check()
        work.cut_end()
        slots = sorted(work.state.codes, key=lambda s: -len(work.state.codes[s]))
        for slot in slots:
            work.keep_last(slot)
            progress(f"{slot}: the last {len(work.state.codes[slot])} samples are enough")
        work.drop_events()
        for slot in slots:
            work.flatten(slot)
        finest = {}
        for slot in slots:
            finest[slot] = _delete_blocks(work, slot, unit)
            progress(f"{slot}: {len(work.state.codes[slot])} samples are left, without the blocks that are not needed")
        seen: set[str] = set()
        while True:
            before_it = work.state
            for slot in slots:
                work.simplify(slot)
            if (key := trials.key(work.state)) in seen:  # with held values the two can lead to one another for ever
                work.state = before_it
                break
            seen.add(key)
            for slot in slots:
                work.delete(slot, finest[slot], singly=True)
        for slot in slots:
            progress(f"{slot}: {len(work.state.codes[slot])} samples are needed")
        did = work.simple()
        final = _final(trials, work.state, recording, did, gaps, finest)
    finally:
        work.close()
    return Shrunk(final, before, work.state.samples, work.run, work.known, tuple(did))


def _delete_blocks(work: Shrinker, slot: str, unit: int) -> int:
    """Delete blocks, from coarse ones to whole reads (or `unit`); returns the size of those to delete at the finest."""
    n, read = len(work.state.codes[slot]), work.read_size(slot)
    smallest = unit or max(read if read > 1 else 8, -(-n // 256))
    sizes = [smallest]
    while n // sizes[0] > 64:
        sizes.insert(0, sizes[0] * 8)
    for size in sizes:
        work.delete(slot, size, singly=size < sizes[0])
    n = len(work.state.codes[slot])
    return unit or (1 if n <= SINGLE else max(read, -(-n // 256)))


def _final(
    trials: Trials, state: State, recording: FieldRecording, did: list[str], gaps: str, finest: dict[str, int]
) -> FieldRecording:
    run = trials.run(state)
    if not trials.symptom.seen(run):
        raise UsageError("what was shrunk does not fail any more: the run is not the same every time")
    whole = whole_state(recording).samples
    how = "closes the gap" if gaps == "close" else "holds the value"
    said = [f"shrunk from {whole} samples to {state.samples}; deleting {how}"]
    said += [f"{slot}: deleted in blocks of {size} samples" for slot, size in finest.items() if size > 1]
    return replace(
        run, complaint={**trials.symptom.as_json(), "ends": FIRST}, remarks=(*recording.remarks, *said, *did),
        elf=recording.elf, firmware=recording.firmware, build=recording.build, origin=recording.origin, stimuli=(),
    )  # fmt: skip
