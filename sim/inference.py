"""Run any model on a virtual board: rows in, raw outputs, instructions and memory back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.clock import cycle_model
from sim.engines.protocol import Arm, RegionRun
from sim.errors import UsageError
from sim.machine import Spread, described_cycles, spread_of_cycles
from sim.model import Model
from sim.settings import Settings
from sim.target import Target
from sim.tensors_io import Array, in_order, rows

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.model.types import Tensor

REGION = "boardless_invoke"


@dataclass(frozen=True, eq=False)
class InvokeResult:
    """What a model did on a board. `outputs`: per output tensor one array [n, *shape], raw;
    n takes the place of a batch dimension of 1."""

    outputs: list[Array]
    instructions: Spread
    cycles: Spread | None  # None: the core has no timing model
    runs: int
    firmware: Firmware
    model: Model
    target: Target
    seconds: float  # board time of all inferences together

    @property
    def outputs_sha256(self) -> str:
        """Of the raw little-endian bytes, row by row (all outputs of a row together)."""
        digest = hashlib.sha256()
        for row in range(self.runs):
            for output in self.outputs:
                digest.update(output[row].astype(output.dtype.newbyteorder("<"), copy=False).tobytes())
        return digest.hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The result as `schemas/invoke.json` has it."""
        firmware = self.firmware
        return {
            **self.target.described(),
            "unverified": list(self.target.board.unverified),
            "model_sha256": self.model.sha256,
            "firmware_sha256": firmware.sha256,
            "runs": self.runs,
            "instructions": vars(self.instructions),
            "cycles": described_cycles(self.cycles, self.target.board.timing),
            "cycle_model": cycle_model(self.target.board.timing),
            "memory": {
                "flash": firmware.flash,
                "ram_static": firmware.ram_static,
                "arena_reserved": firmware.arena_reserved,
                "arena_used": firmware.arena_used,
                "arena_smallest": firmware.arena_smallest,
            },
            "outputs_sha256": self.outputs_sha256,
        }


def invoke(
    model: Model | Path | str,
    inputs: Array | Sequence[Array] | Mapping[str, Array],
    *,
    board: str | None = None,
    settings: Settings | None = None,
    target: Target | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> InvokeResult:
    """One inference per row of `inputs` on the virtual board.

    `inputs`: an array [n, *shape] for a model with one input, else one per input tensor (in order, or by name); raw
    integers, or float that is quantised. Raises UsageError for a model or input that cannot be used, BuildError when
    it does not fit the board, FirmwareFailure when the firmware fails.
    """
    if target is None:
        options = {"board": board} if board else {}
        target = Target.of(settings or Settings.load(options))
    loaded = model if isinstance(model, Model) else Model.load(model)
    prepared = input_rows(loaded, inputs)
    firmware = target.build("invoke", loaded, progress=progress)
    return _run(loaded, prepared, len(prepared[0]), firmware, target)


def input_rows(model: Model, inputs: Array | Sequence[Array] | Mapping[str, Array]) -> list[Array]:
    """Per input tensor one array [n, *shape] of its own dtype, all with the same n. Raises UsageError."""
    tensors = model.inputs
    if isinstance(inputs, Mapping):
        arrays = in_order(inputs, tensors, "inputs")
    else:
        arrays = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
    if len(arrays) != len(tensors):
        raise UsageError(f"{len(arrays)} input arrays, but {model.name} has {len(tensors)} inputs")
    prepared = [rows(a, t) for a, t in zip(arrays, tensors, strict=True)]
    n = len(prepared[0])
    if any(len(p) != n for p in prepared):
        raise UsageError(f"the inputs have different numbers of rows: {', '.join(str(len(p)) for p in prepared)}")
    return prepared


def zero_rows(model: Model) -> list[Array]:
    """One row of zeros (real value 0) for each input."""
    return [np.full((1, *t.shape), t.zero_point[0] if t.zero_point else 0, dtype=t.dtype) for t in model.inputs]


def feed(inputs: Sequence[Array]) -> Callable[[int, int], bytes | None]:
    """What answers bl_input: the rows of each slot in turn, then nothing more."""
    given = [0] * len(inputs)

    def next_input(slot: int, _capacity: int) -> bytes | None:
        if slot >= len(given) or given[slot] >= len(inputs[slot]):
            return None
        given[slot] += 1
        array = inputs[slot][given[slot] - 1]
        data: bytes = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        return data

    return next_input


def _row_shape(tensor: Tensor) -> tuple[int, ...]:
    # The rows take the place of the model's batch dimension of 1.
    return tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape


def _most_seconds(model: Model, target: Target) -> float:
    """Board time after which an inference spins: reference kernels take 20 to 60 cycles a MAC, this allows 500."""
    return (2_000_000_000 + 500 * model.macs) / target.board.clock_hz


def _run(model: Model, inputs: list[Array], n: int, firmware: Firmware, target: Target) -> InvokeResult:
    out: list[list[bytes]] = [[] for _ in model.outputs]
    with target.boot(firmware.elf) as machine:
        machine.port.inputs = feed(inputs)
        machine.port.on_output = lambda slot, data: out[slot].append(data)
        machine.arm(REGION, Arm(region=True))
        counted: list[RegionRun] = []
        most = _most_seconds(model, target)
        while machine.port.exit_code is None:
            done = len(counted)

            def more(done: int = done) -> bool:
                counted.extend(machine.new_runs(REGION))
                return machine.port.exit_code is not None or len(counted) > done

            machine.run_until(more, most, f"the end of inference {min(done + 1, n)} of {n}")
        seconds = machine.time
    outputs = [
        np.frombuffer(b"".join(rows_), dtype=np.dtype(t.dtype).newbyteorder("<")).reshape(n, *_row_shape(t))
        for rows_, t in zip(out, model.outputs, strict=True)
    ]
    instructions = Spread.of([run.end - run.start for run in counted])
    return InvokeResult(outputs, instructions, spread_of_cycles(counted), n, firmware, model, target, seconds)
