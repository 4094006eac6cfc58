"""Which functions of an image are operators, and which runs of them belong to which operator of the model.

Nothing is added to the firmware. The resolver is a static object with the registrations of the model's operators:
structs of function pointers, laid out differently in every generation of TFLM. Every word of it that is the address
of a function is watched; of those functions only the `invoke` ones are called while an inference runs, one after
the other in the order of the .tflite.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.elf import Elf
from sim.engines.protocol import RegionRun, Stalls
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.machine import Machine

_RESOLVER = "_ZZ18boardless_resolvervE9operators"  # the static in boardless_resolver(), runtime/resolver.h


@dataclass(frozen=True)
class Counted:
    """Instructions, cycles and waiting for flash between two points; None without a timing model."""

    instructions: int
    cycles: int | None
    stalls: Stalls | None = None

    @staticmethod
    def of(run: RegionRun) -> Counted:
        cycles = run.end_cycles - run.start_cycles if run.end_cycles else None
        return Counted(run.end - run.start, cycles, run.stalls)

    def __sub__(self, other: Counted) -> Counted:
        cycles = None if self.cycles is None or other.cycles is None else self.cycles - other.cycles
        stalls = None if self.stalls is None or other.stalls is None else self.stalls - other.stalls
        return Counted(self.instructions - other.instructions, cycles, stalls)

    def as_json(self) -> dict[str, Any]:
        """As results have it."""
        return {**vars(self), "stalls": dict(vars(self.stalls)) if self.stalls else None}


def total(parts: Sequence[Counted]) -> Counted:
    """The sum of all."""
    cycles = [p.cycles for p in parts if p.cycles is not None]
    stalls = [p.stalls for p in parts if p.stalls is not None]
    return Counted(
        sum(p.instructions for p in parts),
        sum(cycles) if len(cycles) == len(parts) else None,
        sum(stalls, Stalls(0, 0, 0, 0)) if len(stalls) == len(parts) else None,
    )


def operator_functions(machine: Machine) -> list[str]:
    """Names of all functions that the resolver of a booted image points to, sorted. Raises UsageError."""
    resolver = machine.elf.symbols.get(_RESOLVER)
    if resolver is None or not resolver.size:
        raise UsageError(
            f"{machine.elf.path.name} has no resolver of boardless in it: operators cannot be told apart",
            hint="profile takes the .tflite and builds the image itself",
        )
    data = machine.read(resolver.address, resolver.size)
    return sorted(functions_pointed_to(machine.elf, data))


def functions_pointed_to(elf: Elf, data: bytes) -> set[str]:
    """Functions whose address (Thumb bit set) is a word of `data`."""
    names = {address: name for name, address in sorted(elf.functions.items(), reverse=True)}
    words = struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
    return {names[w & ~1] for w in words if w & 1 and w & ~1 in names}


def within(runs: Sequence[RegionRun], outer: RegionRun) -> list[RegionRun]:
    """The outermost of the runs inside `outer`, in the order in which they began."""
    out: list[RegionRun] = []
    for run in sorted(runs, key=lambda r: (r.start, -r.end)):
        if run.start < outer.start or run.end > outer.end:
            continue
        if not out or run.start >= out[-1].end:
            out.append(run)
    return out
