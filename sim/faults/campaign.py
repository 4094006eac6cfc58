"""A campaign: many faults in memory, one decision window each, and what became of the decisions.

The firmware plays a recording. In front of a window bits are flipped; behind its decision everything is put back: flash
bit by bit, RAM from the clean run, which gives the same RAM and registers at the same decision every time. Where that
does not help (another register, a fault, a hang), the board starts anew. So many faults share one boot, each of them on
clean ground.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.engines.protocol import FLASH
from sim.errors import FirmwareFailure, UsageError
from sim.failure.demangle import demangled
from sim.faults.places import Place, place_of, tensors_of
from sim.machine.runner import ENDINGS, NotSeen

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.sensors.recording import Recording
    from sim.target import Target

CLASSES = ("masked", "wrong decision", "detected", "fault", "hang")
_CHUNK = 25  # faults that one boot begins with: fixed, so that the result does not depend on the number of jobs
_PATIENCE = 20  # clean decisions take this much less time than one that counts as a hang
_Z = 1.959964  # 95 %


@dataclass(frozen=True)
class Shot:
    """One fault: bits that are flipped together, all in one place."""

    number: int
    place: str
    bits: tuple[tuple[int, int], ...]  # (address, bit)


@dataclass(frozen=True)
class Outcome:
    """What became of it. `part`: the tensor or function that was hit; `window`: number of the decision."""

    shot: Shot
    kind: str
    window: int
    expected: str
    decided: str
    part: str
    detail: str = ""
    moved: float = 0.0  # how far the score is from that without the fault; also of one that is masked

    def as_json(self) -> dict[str, Any]:
        """A line of the journal."""
        return {
            "number": self.shot.number, "place": self.shot.place, "bits": [list(b) for b in self.shot.bits],
            "outcome": self.kind, "window": self.window, "expected": self.expected, "decided": self.decided,
            "part": self.part, "detail": self.detail, "moved": self.moved,
        }  # fmt: skip


@dataclass(frozen=True)
class Rate:
    """Of all faults of one place and number of bits: counts by class, the share of right decisions, 95 % interval."""

    place: str
    bits: int
    counts: Mapping[str, int]
    moved: int  # of those masked: with another score
    right: float
    low: float
    high: float


@dataclass(frozen=True)
class Campaign:
    """All outcomes, in the order of their numbers."""

    outcomes: tuple[Outcome, ...]
    windows: int

    def rates(self) -> list[Rate]:
        """A row a place and number of bits."""
        groups: dict[tuple[str, int], list[Outcome]] = {}
        for o in self.outcomes:
            groups.setdefault((o.shot.place, len(o.shot.bits)), []).append(o)
        out = []
        for (place, bits), found in sorted(groups.items()):
            counts = {kind: sum(o.kind == kind for o in found) for kind in CLASSES}
            low, high = wilson(counts["masked"], len(found))
            moved = sum(o.kind == "masked" and o.moved > 0 for o in found)
            out.append(Rate(place, bits, counts, moved, counts["masked"] / len(found), low, high))
        return out

    def vulnerable(self, most: int = 10) -> list[tuple[str, int, int]]:
        """(tensor or function, faults that were not masked, faults) of those hit, the worst first."""
        hit: dict[str, list[bool]] = {}
        for o in self.outcomes:
            hit.setdefault(o.part, []).append(o.kind != "masked")
        rows = [(part, sum(bad), len(bad)) for part, bad in hit.items() if any(bad)]
        return sorted(rows, key=lambda r: (-r[1] / r[2], -r[1], r[0]))[:most]


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    p, n, z2 = hits / trials, trials, _Z * _Z
    middle, half = p + z2 / (2 * n), _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)
    return low if hits else 0.0, high if hits < trials else 1.0


def plan(places: Sequence[Place], bits: Sequence[int], count: int, seed: int) -> list[Shot]:
    """`count` faults for each place and number of bits, drawn with `seed`."""
    rng = np.random.default_rng(seed)
    out: list[Shot] = []
    for place in places:
        for n in bits:
            for _ in range(count):
                drawn = tuple(sorted(place.drawn(rng) for _ in range(n)))
                out.append(Shot(len(out), place.name, drawn))
    return out


@dataclass(frozen=True)
class _Clean:
    """The clean run: decisions, and RAM and registers behind each."""

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    ram: tuple[bytes, ...]
    registers: tuple[Mapping[str, int], ...]
    patience: float  # s of board time


class _Gun:
    """One running board, and the next window that a fault can have."""

    def __init__(self, target: Target, elf: Path, sensor: str, stimulus: Recording) -> None:
        self._target, self._elf, self._sensor, self._stimulus = target, elf, sensor, stimulus
        self._machine: Machine | None = None
        self.window = 0

    def boot(self) -> Machine:
        """A fresh board, behind its first decision."""
        self.close()
        machine = self._machine = self._target.started(self._elf)
        machine.run_until_ready()
        machine.sensor(self._sensor).play(self._stimulus)
        machine.wait_for_decision(within="60 s")
        self.window = 1
        return machine

    def clean(self) -> _Clean:
        """Play all of it without a fault."""
        machine = self.boot()
        ram, registers, times = [_ram(machine)], [machine.registers()], [0.0]
        while machine.sensor(self._sensor).channel.pending():
            before = machine.time
            with suppress(NotSeen):
                machine.wait_for_decision(within="10 s")
                ram.append(_ram(machine))
                registers.append(machine.registers())
                times.append(machine.time - before)
                continue
            break
        labels = [d.label for d in machine.decisions]
        if len(labels) < 3:
            raise UsageError(f"{self._stimulus.name}: {len(labels)} decisions, too few for a campaign",
                             hint="a longer recording: --play")  # fmt: skip
        # The last ones may come from behind the end of the recording.
        scores = tuple(d.score for d in machine.decisions[:-1])
        return _Clean(tuple(labels[:-1]), scores, tuple(ram[:-1]), tuple(registers[:-1]), max(times) + 1.0)

    def fire(self, shot: Shot, clean: _Clean, part: str) -> Outcome:
        """Flip, wait for the decision, put back."""
        machine = self._machine
        if machine is None or self.window >= len(clean.labels):
            machine = self.boot()
        window, self.window = self.window, self.window + 1
        expected = clean.labels[window]
        _flip(machine, shot)
        try:
            decision = machine.wait_for_decision(within=clean.patience)
        except NotSeen as failure:
            self.close()
            return Outcome(shot, "hang", window, expected, "", part, failure.reason)
        except FirmwareFailure as failure:
            self.close()
            return Outcome(shot, _class_of(failure.reason), window, expected, "", part, failure.reason)
        same = machine.registers() == clean.registers[window]
        machine.runner.memory.write_ram(machine.layout.ram.origin, clean.ram[window])
        _unflip_flash(machine, shot)
        if not same or len(machine.decisions) != window + 1:
            self.close()
        decided, moved = decision.label, abs(decision.score - clean.scores[window])
        kind = "masked" if decided == expected else "wrong decision"
        return Outcome(shot, kind, window, expected, decided, part, "", moved)

    def close(self) -> None:
        """End the board, if one runs."""
        if self._machine is not None:
            self._machine.close()
            self._machine = None


def _ram(machine: Machine) -> bytes:
    return machine.read(machine.layout.ram.origin, machine.layout.ram.size)


def _flip(machine: Machine, shot: Shot) -> None:
    for address, bit in shot.bits:
        machine.faults.hit(address, bit, shot.place)


def _unflip_flash(machine: Machine, shot: Shot) -> None:
    ram = machine.layout.ram
    for address, bit in shot.bits:
        if not ram.origin <= address < ram.end:
            machine.faults.hit(address, bit, shot.place)


def _class_of(reason: str) -> str:
    """ "detected": the firmware itself noticed; "hang": it goes nowhere; else a fault."""
    if any(reason.startswith(text) for text in ENDINGS.values()) or "gave up" in reason or "ended its run" in reason:
        return "detected"
    return "hang" if "sleeps" in reason or "halted" in reason or "endless loop" in reason else "fault"


def run_campaign(
    target: Target,
    elf: Path,
    sensor: str,
    stimulus: Recording,
    *,
    places: Sequence[str] = ("weights",),
    bits: Sequence[int] = (1,),
    count: int = 100,
    seed: int = 1,
    jobs: int = 1,
    journal: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Campaign:
    """`count` faults for each place (see `sim.faults.places`) and number of bits flipped together.

    The same for any number of `jobs`. `journal`: outcomes go there, a line each; what is there already is not run
    again. Raises UsageError.
    """
    from sim.elf import load_elf

    image = load_elf(elf)
    if not 1 <= count <= 1_000_000 or not bits or min(bits) < 1 or jobs < 1:
        raise UsageError(f"{count} faults of {list(bits)} bits by {jobs} jobs", hint="at least one of each")
    found = [place_of(image, target.layout, p) for p in places]
    if FLASH not in target.engine.capabilities and any(p in ("weights", "code") for p in places):
        raise UsageError(f"engine {target.engine.name} cannot write flash while it runs", hint="--faults arena,stack")
    shots = plan(found, bits, count, seed)
    part_of = _parts(image)
    first = _Gun(target, elf, sensor, stimulus)
    try:
        clean = first.clean()
    finally:
        first.close()
    about = {"firmware": image.sha256, "stimulus": stimulus.name, "places": list(places), "bits": list(bits),
             "count": count, "seed": seed, "board": target.board.name, "windows": len(clean.labels)}  # fmt: skip
    known = _read_journal(journal, about, shots)
    chunks = [shots[i : i + _CHUNK] for i in range(0, len(shots), _CHUNK)]
    todo = [c for c in chunks if any(s.number not in known for s in c)]

    def work(chunk: Sequence[Shot]) -> list[Outcome]:
        gun = _Gun(target, elf, sensor, stimulus)
        try:
            return [gun.fire(s, clean, part_of(s.bits[0][0])) for s in chunk]
        finally:
            gun.close()

    with _Journal(journal, about, known) as notes, ThreadPoolExecutor(jobs) as pool:
        for outcomes in pool.map(work, todo):
            known.update({o.shot.number: o for o in outcomes})
            notes.add(outcomes)
            progress(f"{len(known)} of {len(shots)} faults")
    return Campaign(tuple(known[s.number] for s in shots), len(clean.labels))


def _parts(image: Any) -> Callable[[int], str]:
    """Address -> name of the tensor or function there."""
    tensors: list[tuple[int, int, str]] = []
    with suppress(UsageError):
        for name, place in tensors_of(image).items():
            tensors += [(s.origin, s.end, name) for s in place.spans]

    def part(address: int) -> str:
        inside = next((name for low, high, name in tensors if low <= address < high), "")
        if inside:
            return inside
        function = image.function_at(address)
        if function is not None:
            return str(function.name)
        data = next((s for s in image.symbols.values() if s.size and s.address <= address < s.address + s.size), None)
        return data.name if data is not None else ""

    return part


def _read_journal(path: Path | None, about: Mapping[str, Any], shots: Sequence[Shot]) -> dict[int, Outcome]:
    if path is None or not path.is_file():
        return {}
    out: dict[int, Outcome] = {}
    for i, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            said = json.loads(line)
            if i == 0:
                if said != about:
                    return {}
                continue
            shot = shots[said["number"]]
            if [list(b) for b in shot.bits] == said["bits"] and said["outcome"] in CLASSES:
                out[shot.number] = Outcome(shot, said["outcome"], said["window"], said["expected"], said["decided"],
                                           said["part"], said["detail"], said["moved"])  # fmt: skip
        except (ValueError, KeyError, TypeError, IndexError):  # the last line may be cut short
            continue
    # Whole chunks only: the windows of a chunk follow one another.
    whole = {n for n in out if all(k in out for k in _chunk_of(n, len(shots)))}
    return {n: o for n, o in out.items() if n in whole}


def _chunk_of(number: int, total: int) -> range:
    start = number // _CHUNK * _CHUNK
    return range(start, min(start + _CHUNK, total))


class _Journal:
    """Written as the campaign goes."""

    def __init__(self, path: Path | None, about: Mapping[str, Any], known: Mapping[int, Outcome]) -> None:
        self._file = None
        if path is not None:
            try:
                self._file = path.open("w", encoding="utf-8")
            except OSError as error:
                raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
            self._file.write(json.dumps(about) + "\n")
            self.add([known[n] for n in sorted(known)])

    def add(self, outcomes: Sequence[Outcome]) -> None:
        if self._file is not None:
            self._file.writelines(json.dumps(o.as_json()) + "\n" for o in outcomes)
            self._file.flush()

    def __enter__(self) -> _Journal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def described(campaign: Campaign) -> Iterator[str]:
    """Lines for people."""
    yield f"{len(campaign.outcomes)} faults over {campaign.windows} windows"
    for r in campaign.rates():
        counts = ", ".join(f"{n} {kind}" for kind, n in r.counts.items() if n)
        right = f"{r.right * 100:.1f} % right ({r.low * 100:.1f} to {r.high * 100:.1f})"
        moved = f" ({r.moved} of them with another score)" if r.moved else ""
        yield f"{r.place}, {r.bits} bit{'s' * (r.bits > 1)}: {right}: {counts.replace(' masked', f' masked{moved}')}"
    worst = campaign.vulnerable()
    if worst:
        yield "most vulnerable (not masked, of faults there):"
        names = demangled(part for part, _, _ in worst)
        yield from (f"  {bad} of {total}  {names.get(part, part) or '(no symbol)'}" for part, bad, total in worst)
