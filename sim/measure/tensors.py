"""Where the tensors of a running model lie in RAM: read out of TFLM's own tables, from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import UsageError
from sim.measure.structs import Member, Structs

if TYPE_CHECKING:
    from sim.machine import Machine

_INTERPRETER = "_ZN9boardless12_GLOBAL__N_17storageE"  # runtime/model.cc: where the MicroInterpreter is
_SOURCE = "runtime/model.cc"
# Ways to the table of tensors: the current generation's, that of 2020.
_PATHS = (("graph_", "subgraph_allocations_", "tensors"), ("context_", "tensors"))


class TensorTable:
    """Addresses of the tensors of a model that has been allocated (the firmware is ready)."""

    def __init__(self, machine: Machine) -> None:
        elf = machine.elf
        storage = elf.symbols.get(_INTERPRETER)
        if storage is None:
            raise UsageError(f"{elf.path.name} has no model of boardless in it")
        structs = Structs(elf, _SOURCE)
        try:
            found = [(p, m) for p in _PATHS if (m := structs.member("tflite::MicroInterpreter", p))]
            if not found:
                raise UsageError(f"{elf.path.name}: this TFLM keeps its tensors in a way that is not known")
            path, table = found[0]
            data = structs.member(structs.pointed("tflite::MicroInterpreter", path), ("data",))
        finally:
            structs.close()
        if data is None or not data.size:
            raise UsageError(f"{elf.path.name}: this TFLM describes its tensors in a way that is not known")
        self._machine, self._entry = machine, data
        self._table = _follow(machine, storage.address, table)

    def address(self, index: int) -> int:
        """Where tensor `index` of the model has its data."""
        return self._word(self._table + index * self._entry.size + self._entry.offsets[0])

    def _word(self, at: int) -> int:
        return int.from_bytes(self._machine.read(at, 4), "little")


def _follow(machine: Machine, base: int, member: Member) -> int:
    # The last offset leads to the pointer to the table itself.
    for offset in member.offsets:
        base = int.from_bytes(machine.read(base + offset, 4), "little")
    return base
