"""Which operator of a model is the first to give other values on the board than on the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import UsageError
from sim.inference import feed, input_rows
from sim.measure.compare import Difference, difference
from sim.measure.host import Host, hosts, installed
from sim.measure.operators import operator_functions
from sim.measure.tensors import TensorTable
from sim.model import Model
from sim.settings import Settings
from sim.target import Target

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine import Machine
    from sim.model.types import Operator, Tensor
    from sim.tensors_io import Array

FLOAT_TOLERANCE = 64.0  # steps of float32: sums in another order
_RANDOM_ROWS = 4


@dataclass(frozen=True)
class OperatorDiff:
    """An operator's outputs on the board against one host; None where the host does not give them."""

    operator: Operator
    difference: Difference | None
    over: bool


@dataclass(frozen=True, eq=False)
class HostDiff:
    """All operators against one host."""

    host: str
    operators: tuple[OperatorDiff, ...]

    @property
    def first(self) -> OperatorDiff | None:
        """The first operator over the tolerance."""
        return next((o for o in self.operators if o.over), None)


@dataclass(frozen=True, eq=False)
class DiffResult:
    """A model on a board against the hosts."""

    model: Model
    firmware: Firmware
    target: Target
    rows: int
    random: bool
    tolerance: float
    hosts: tuple[HostDiff, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing is over the tolerance."""
        return all(h.first is None for h in self.hosts)

    def as_json(self) -> dict[str, Any]:
        """As `schemas/diff.json` has it."""
        return {
            **self.target.described(),
            "model_sha256": self.model.sha256,
            "firmware_sha256": self.firmware.sha256,
            "rows": self.rows,
            "random_inputs": self.random,
            "tolerance": self.tolerance,
            "equal": self.equal,
            "hosts": [
                {
                    "host": h.host,
                    "first": h.first.operator.index if h.first else None,
                    "operators": [_as_json(self.model, o) for o in h.operators],
                }
                for h in self.hosts
            ],
        }


def _as_json(model: Model, o: OperatorDiff) -> dict[str, Any]:
    d = o.difference
    return {
        "index": o.operator.index,
        "kind": o.operator.kind,
        "layer": o.operator.layer,
        "inputs": [_tensor(model.tensors[i]) for i in o.operator.inputs if i >= 0],
        "outputs": [_tensor(model.tensors[i]) for i in o.operator.outputs],
        "max": d and d.largest,
        "mean": d and d.mean,
        "differing": d and d.differing,
        "values": d and d.values,
        "over": o.over,
    }


def _tensor(t: Tensor) -> dict[str, Any]:
    return {
        "name": t.name,
        "shape": list(t.shape),
        "dtype": t.dtype,
        "scale": list(t.scale),
        "zero_point": list(t.zero_point),
        "constant": t.constant,
    }


def diff(
    model: Model | Path | str,
    inputs: Array | Sequence[Array] | Mapping[str, Array] | None = None,
    *,
    board: str | None = None,
    settings: Settings | None = None,
    target: Target | None = None,
    host: str = "",
    tolerance: float = 0.0,
    check: bool = True,
    progress: Callable[[str], None] = lambda text: None,
) -> DiffResult:
    """Every operator's outputs on the board against a host interpreter, with the image that `invoke` runs.

    `host`: "tflm", "litert" or "all"; default: the first that is installed. `tolerance` in LSB (at least 64 steps for
    floats). `inputs` None: four rows of random values, the same each time. `check=False` also builds what the tree is
    known to compute wrongly. Raises UsageError, SetupError without a host interpreter, BuildError, FirmwareFailure.
    """
    if target is None:
        target = Target.of(settings or Settings.load({"board": board} if board else {}))
    loaded = model if isinstance(model, Model) else Model.load(model)
    names = [host] if host not in ("", "all") else installed()[: None if host else 1]
    chosen = [h for name in names or [""] for h in hosts(loaded, name)]
    prepared = input_rows(loaded, random_rows(loaded) if inputs is None else inputs)
    firmware = _built(loaded, target, check, progress)
    collected: list[list[Difference | None]] = [[] for _ in chosen]
    with target.started(firmware.elf) as machine:
        board_rows = _Outputs(machine, loaded, prepared)
        for n, outputs in enumerate(board_rows.run()):
            for found, one in zip(collected, chosen, strict=True):
                one.run([array[n].reshape(t.shape) for array, t in zip(prepared, loaded.inputs, strict=True)])
                _add(found, [_differences(loaded, o, outputs, one) for o in loaded.operators])
    results = []
    for found, one in zip(collected, chosen, strict=True):
        rows = [
            OperatorDiff(o, d, _over(loaded, o, d, tolerance)) for o, d in zip(loaded.operators, found, strict=True)
        ]
        results.append(HostDiff(one.text, tuple(rows)))
    return DiffResult(loaded, firmware, target, len(prepared[0]), inputs is None, tolerance, tuple(results))


def random_rows(model: Model) -> list[Array]:
    """Rows over the whole range of each input, the same each time."""
    generator = np.random.default_rng(0)
    out: list[Array] = []
    for t in model.inputs:
        dtype, shape = np.dtype(t.dtype), (_RANDOM_ROWS, *t.shape)
        if dtype.kind == "f":
            out.append(generator.standard_normal(shape).astype(dtype))
        elif t.scale and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            out.append(generator.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True))
        else:  # an index, a condition: what it may be only the model knows
            out.append(generator.integers(0, 2, shape).astype(dtype))
    return out


def _built(model: Model, target: Target, check: bool, progress: Callable[[str], None]) -> Firmware:
    if check:
        return target.build("invoke", model, progress=progress)
    from sim.firmware import build

    return build("invoke", target.board, target.layout, model=model, tree=target.tree,
                 kernels=target.settings.kernels, engine=target.engine, check=False, progress=progress)  # fmt: skip


def _over(model: Model, o: Operator, d: Difference | None, tolerance: float) -> bool:
    if d is None:
        return False
    floats = any(model.tensors[i].dtype in ("float32", "float64") for i in o.outputs)
    return d.largest > (max(tolerance, FLOAT_TOLERANCE) if floats else tolerance)


def _differences(model: Model, o: Operator, outputs: Mapping[int, Array], host: Host) -> Difference | None:
    found: Difference | None = None
    for index in o.outputs:
        # A host interpreter that is asked for a resource tensor ends the process.
        theirs = host.tensor(index) if index in outputs else None
        if theirs is None:
            continue
        try:
            one = difference(outputs[index], theirs)
        except ValueError as error:
            raise UsageError(f"{model.name}: operator {o.index} {o.kind} ({o.layer}): {error}") from None
        found = one if found is None else found + one
    return found


def _add(total: list[Difference | None], row: Sequence[Difference | None]) -> None:
    if not total:
        total.extend(row)
        return
    for i, (old, new) in enumerate(zip(total, row, strict=True)):
        total[i] = old + new if old is not None and new is not None else old or new


class _Outputs:
    """Runs the board and reads each operator's outputs when the next operator begins."""

    def __init__(self, machine: Machine, model: Model, inputs: Sequence[Array]) -> None:
        self._machine, self._model, self._inputs = machine, model, inputs
        self._row: dict[int, Array] = {}
        self._done = 0  # operators of this row that have begun
        self._order = _in_order(model, first=True)
        self._rows: list[dict[int, Array]] = []

    def run(self) -> list[dict[int, Array]]:
        """Per row of inputs: tensor index -> what the operators left there."""
        machine = self._machine
        machine.run_until_ready()
        self._table = TensorTable(machine)
        machine.port.inputs = feed(self._inputs)
        machine.port.on_output = self._output
        for name in operator_functions(machine):
            machine.on_call(name, self._begins)
        machine.run_to_exit(within="1000 h")
        return self._rows

    def _begins(self) -> None:
        self._read()
        self._done += 1

    def _read(self) -> None:
        operator = self._order[self._done - 1] if 0 < self._done <= len(self._order) else None
        for index in operator.outputs if operator else ():
            tensor = self._model.tensors[index]
            if tensor.dtype == "resource":  # which variable, not its value
                continue
            data = self._machine.read(self._table.address(index), tensor.nbytes)
            self._row[index] = np.frombuffer(data, dtype=np.dtype(tensor.dtype).newbyteorder("<"))

    def _output(self, slot: int, _data: bytes) -> None:
        if slot:
            return
        self._read()
        if self._done != len(self._order):
            raise UsageError(
                f"{self._model.name} has {len(self._order)} operators, but {self._done} began in one "
                "inference: their outputs cannot be told apart",
                hint="models with control flow (IF, WHILE) cannot be compared operator by operator",
            )
        self._rows.append(self._row)
        self._row, self._done = {}, 0
        self._order = _in_order(self._model, first=False)


def _in_order(model: Model, *, first: bool) -> list[Operator | None]:
    """What begins in one inference; None: an operator of a graph that CALL_ONCE runs, in the first inference alone."""
    order: list[Operator | None] = []
    for operator in model.operators:
        order.append(operator)
        if first and operator.kind == "CALL_ONCE":
            order += [None] * len(model.graphs[operator.options["init_subgraph_index"]].operators)
    return order
