"""A campaign: many faults in memory, one decision window each, and what became of the decisions.

The firmware plays a recording. In front of a window bits are flipped; behind its decision everything is put back: flash
bit by bit, RAM from the clean run, which gives the same RAM and registers at the same decision every time. Where that
does not help (another register, a fault, a hang), the board starts anew. So many faults share one boot, each of them on
clean ground.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.engines.protocol import FLASH
from sim.errors import UsageError
from sim.faults.campaign_journal import CHUNK, Journal, read_journal
from sim.faults.gun import Gun
from sim.faults.places import place_of, tensors_of
from sim.faults.rates import Campaign
from sim.faults.shot import Outcome, Shot, plan

if TYPE_CHECKING:
    from sim.sensors.recording import Recording
    from sim.target import Target

BITS_MAX = 65_536  # flipped together: each is written on its own


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
    if not 1 <= count <= 1_000_000 or not bits or min(bits) < 1 or not 1 <= jobs <= 64:
        raise UsageError(f"{count} faults of {list(bits)} bits by {jobs} jobs",
                         hint="at least one of each, and at most 64 jobs")  # fmt: skip
    if seed < 0:
        raise UsageError(f"seed {seed}", hint="0 or more")
    found = [place_of(image, target.layout, p) for p in places]
    for place in found:
        if max(bits) > min(place.size * 8, BITS_MAX):
            raise UsageError(f"{max(bits)} bits of {place.name}, which has {place.size * 8}",
                             hint=f"at most {min(place.size * 8, BITS_MAX)} flipped together")  # fmt: skip
    if FLASH not in target.engine.capabilities and any(p in ("weights", "code") for p in places):
        raise UsageError(f"engine {target.engine.name} cannot write flash while it runs", hint="--faults arena,stack")
    shots = plan(found, bits, count, seed)
    part_of = _parts(image)
    first = Gun(target, elf, sensor, stimulus)
    try:
        clean = first.clean()
    finally:
        first.close()
    about = {"firmware": image.sha256, "stimulus": stimulus.name, "places": list(places), "bits": list(bits),
             "count": count, "seed": seed, "board": target.board.name, "windows": len(clean.labels)}  # fmt: skip
    known = read_journal(journal, about, shots)
    chunks = [shots[i : i + CHUNK] for i in range(0, len(shots), CHUNK)]
    todo = [c for c in chunks if any(s.number not in known for s in c)]

    def work(chunk: Sequence[Shot]) -> list[Outcome]:
        gun = Gun(target, elf, sensor, stimulus)
        try:
            return [gun.fire(s, clean, part_of(s.bits[0][0])) for s in chunk]
        finally:
            gun.close()

    with Journal(journal, about, known) as notes, ThreadPoolExecutor(jobs) as pool:
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
