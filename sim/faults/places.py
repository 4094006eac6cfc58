"""Places in memory for faults, by name: weights, a tensor, code, stack, arena, a symbol, or an address."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.boards import Memory
from sim.elf import Elf
from sim.engines.protocol import Layout
from sim.errors import UsageError, near
from sim.measure.stack import places as stack_places

MODEL = "boardless_model_data"
NAMES = ("weights", "code", "stack", "arena")


@dataclass(frozen=True)
class Place:
    """Bytes that can be hit: spans of addresses. `flash`: they are read-only for the firmware."""

    name: str
    spans: tuple[Memory, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(s.size for s in self.spans)

    def at(self, offset: int) -> int:
        """Address of byte `offset` of the place."""
        for span in self.spans:
            if offset < span.size:
                return span.origin + offset
            offset -= span.size
        raise IndexError(offset)

    def drawn(self, rng: np.random.Generator) -> tuple[int, int]:
        """(address, bit 0..7), every bit of the place as likely as any other."""
        hit = int(rng.integers(self.size * 8))
        return self.at(hit // 8), hit % 8


def place_of(elf: Elf, layout: Layout, where: str | int) -> Place:
    """What a name or an address means in this image. Raises UsageError for a name that it has not.

    "weights": constants of the model, not its tables; "code": all functions; "weights:NAME": a tensor.
    """
    if isinstance(where, int):
        return Place(f"{where:#010x}", (Memory(where, 1),))
    kind, _, inner = where.partition(":")
    if kind == "weights":
        return _weights(elf, inner)
    if where == "code":
        return Place(where, _merged([Memory(s.address, s.size) for s in elf.symbols.values() if s.function and s.size]))
    if where == "stack":
        area = stack_places(elf, layout).stack
        if area is None:
            raise UsageError(f"{elf.path.name}: nobody can tell where its stack is", hint="give an address")
        return Place(where, (area,))
    if where == "arena":
        start, end = elf.symbols.get("__arena_start"), elf.symbols.get("__arena_end")
        if start is None or end is None:
            raise UsageError(f"{elf.path.name} has no arena of boardless", hint="give its symbol, or an address")
        return Place(where, (Memory(start.address, end.address - start.address),))
    symbol = next((s for n, s in elf.symbols.items() if where in (n, elf.shown(n))), None)
    if symbol is None or not symbol.size:
        known = [*NAMES, *(elf.shown(s.name) for s in elf.symbols.values() if s.size)]
        raise UsageError(f"{elf.path.name} has no place {where!r} in memory", hint=near(where, known))
    return Place(where, (Memory(symbol.address, symbol.size),))


def tensors_of(elf: Elf) -> dict[str, Place]:
    """Constant tensor -> where it lies in flash. Raises UsageError for an image without a model of ours."""
    from sim.model import Model

    symbol = elf.symbols.get(MODEL)
    if symbol is None:
        raise UsageError(f"{elf.path.name} has no model of boardless in it", hint="give the symbol of its weights")
    data = elf.read(symbol.address, symbol.size)
    model = Model.from_bytes(data, elf.path.name)
    out: dict[str, Place] = {}
    for tensor in model.tensors:
        if tensor.data:
            at = model.data.find(tensor.data)
            if at >= 0:
                out[tensor.name] = Place(f"weights:{tensor.name}", (Memory(symbol.address + at, len(tensor.data)),))
    return out


def _weights(elf: Elf, tensor: str) -> Place:
    known = tensors_of(elf)
    if not tensor:
        return Place("weights", _merged([span for place in known.values() for span in place.spans]))
    if tensor not in known:
        raise UsageError(f"the model has no weights {tensor!r}", hint=near(tensor, known))
    return known[tensor]


def _merged(spans: list[Memory]) -> tuple[Memory, ...]:
    """In rising order, without overlaps: two names of one place are hit once."""
    out: list[Memory] = []
    for span in sorted(spans, key=lambda s: (s.origin, s.size)):
        if out and span.origin < out[-1].end:
            end = max(out[-1].end, span.end)
            out[-1] = Memory(out[-1].origin, end - out[-1].origin)
        else:
            out.append(span)
    return tuple(out)
