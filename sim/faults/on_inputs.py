"""Bit flips in a model's weights, each looked at with the same inputs: how many of them are classified otherwise.

A campaign over the windows of a recording (`sim.faults.campaign`) shows what becomes of decisions; this shows what
becomes of the model: every flip meets every input, so that flips can be compared, bit by bit and tensor by tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.errors import FirmwareFailure, UsageError
from sim.faults.places import tensors_of
from sim.inference import input_rows

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.model import Model
    from sim.model.types import Tensor
    from sim.target import Target

Outputs = npt.NDArray[np.int64]
_CHUNK = 25  # flips of one boot
_HANG = "2000 s"  # of board time for all inputs: no inference of a model that fits a board takes nearly as long


@dataclass(frozen=True)
class Flip:
    """One bit of one weight. `bit` counts from the lowest of the value, which has `width` bits."""

    number: int
    tensor: str
    element: int
    bit: int
    width: int


@dataclass(frozen=True)
class Flipped:
    """What became of it. `wrong`: inputs classified otherwise; `moved`: the largest change of any output, in LSB."""

    flip: Flip
    wrong: int
    moved: int
    failure: str = ""

    @property
    def masked(self) -> bool:
        """No input is classified otherwise."""
        return not self.wrong and not self.failure


def drawn_flips(model: Model, count: int, seed: int) -> list[Flip]:
    """Bits of the weights and biases, each as likely as any other. Raises UsageError for a model without."""
    rng = np.random.default_rng(seed)
    tensors = sorted((t for t in model.tensors if t.data and not _is_shape(t)), key=lambda t: t.name)
    if not tensors:
        raise UsageError(f"{model.name} has no weights")
    ends = np.cumsum([len(t.data or b"") * 8 for t in tensors])
    out = []
    for number, hit in enumerate(rng.integers(int(ends[-1]), size=count)):
        which = int(np.searchsorted(ends, hit, side="right"))
        tensor, at = tensors[which], int(hit) - (int(ends[which - 1]) if which else 0)
        width = np.dtype(tensor.dtype).itemsize * 8
        out.append(Flip(number, tensor.name, at // width, at % width, width))
    return out


def _is_shape(tensor: Tensor) -> bool:
    """Shapes, axes and paddings are constants, too: integers without a scale."""
    return not tensor.scale and np.dtype(tensor.dtype).kind == "i"


def flips_on_inputs(
    target: Target,
    model: Model,
    inputs: npt.NDArray[np.generic],
    *,
    count: int = 1000,
    seed: int = 1,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[list[Flipped], list[int]]:
    """`count` flips, each with all rows of `inputs`; and the classes of the rows without one.

    A flip is undone before the next; that the model is whole again is checked. The same for any number of `jobs`.
    Raises UsageError.
    """
    rows = input_rows(model, inputs)
    firmware = target.build("invoke", model)
    flips = drawn_flips(model, count, seed)
    where = tensors_of(firmware.parsed)
    with _Bench(target, firmware.elf, rows[0], model) as bench:
        clean = bench.outputs()

    def work(chunk: Sequence[Flip]) -> list[Flipped]:
        with _Bench(target, firmware.elf, rows[0], model) as bench:
            return [bench.tried(f, where[f.tensor].at(f.element * f.width // 8 + f.bit // 8), clean) for f in chunk]

    out: list[Flipped] = []
    chunks = [flips[i : i + _CHUNK] for i in range(0, len(flips), _CHUNK)]
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(work, chunks):
            out += found
            progress(f"{len(out)} of {len(flips)} flips")
    return out, [int(row.argmax()) for row in clean]


class _Bench:
    """A board that runs the model on the same rows again and again."""

    def __init__(self, target: Target, elf: object, rows: npt.NDArray[np.generic], model: Model) -> None:
        self._target, self._elf, self._model = target, elf, model
        self._rows: list[bytes] = [row.astype(row.dtype.newbyteorder("<"), copy=False).tobytes() for row in rows]
        self._machine: Machine | None = None
        self._given = 0
        self._out: list[bytes] = []

    def _booted(self) -> Machine:
        if self._machine is None:
            machine = self._machine = self._target.started(self._elf)  # type: ignore[arg-type]
            self._given, self._out = 0, []
            machine.port.inputs = self._next
            machine.port.on_output = lambda slot, data: self._out.append(data) if slot == 0 else None
            machine.run_until_ready()
        return self._machine

    def _next(self, _slot: int, _capacity: int) -> bytes:
        self._given += 1
        return self._rows[(self._given - 1) % len(self._rows)]

    def outputs(self) -> Outputs:
        """Of all rows, [rows, values]. Raises FirmwareFailure."""
        machine = self._booted()
        self._out.clear()
        machine.run_until(lambda: len(self._out) >= len(self._rows), _HANG, "the outputs of all rows")
        kind = np.dtype(self._model.outputs[0].dtype).newbyteorder("<")
        return np.stack([np.frombuffer(data, kind) for data in self._out]).astype(np.int64)

    def tried(self, flip: Flip, address: int, clean: Outputs) -> Flipped:
        """Flip, run all rows, put back."""
        machine = self._booted()
        machine.faults.hit(address, flip.bit % 8)
        try:
            now = self.outputs()
        except FirmwareFailure as failure:
            self.close()
            return Flipped(flip, len(self._rows), 0, failure.reason)
        machine.faults.hit(address, flip.bit % 8)
        wrong = int((now.argmax(axis=1) != clean.argmax(axis=1)).sum())
        return Flipped(flip, wrong, int(np.abs(now - clean).max()))

    def close(self) -> None:
        """End the board, if one runs."""
        if self._machine is not None:
            self._machine.close()
            self._machine = None

    def __enter__(self) -> _Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
