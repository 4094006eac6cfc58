"""What a step came to: accuracy on the host, and everything else on the virtual board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.compress.data import Data
from sim.compress.size import Size, float_bytes, of_keras, of_tflite, zipped
from sim.convert import Conversion, convert
from sim.convert.quantise import spread, tflite_outputs
from sim.errors import BuildError, UsageError

if TYPE_CHECKING:
    from sim.target import Target

Array = NDArray[Any]


@dataclass(frozen=True)
class OnBoard:
    """Measured on the virtual board; bytes, cycles (None: the core has no timing model), joules (None: no currents).

    `rows` test samples were run there: `right` of them are right, `same` have the class that the host gives.
    """

    flash: int
    ram_static: int
    arena: int
    instructions: int
    cycles: int | None
    joules: float | None
    rows: int
    right: int
    same: int


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table. `accuracy`: of all test samples, the `.tflite` on the host (TensorFlow's own kernels)."""

    step: str
    dtype: str
    accuracy: float
    tflite: bytes
    size: Size
    float_bytes: int  # of the model's own weights now, four bytes each
    board: OnBoard | None
    notes: tuple[str, ...] = ()

    @property
    def zipped(self) -> int:
        return zipped(self.tflite)


def row(
    step: str,
    model: Any,
    books: Sequence[Array],
    data: Data,
    target: Target,
    *,
    int8: bool,
    board_rows: int,
    notes: Sequence[str] = (),
    progress: Callable[[str], None] = lambda text: None,
) -> Row:
    """Convert, judge on the host, build and run on the board. What the tree or the board refuses becomes a note."""
    settings = target.settings
    kind = "int8" if int8 else "float32"
    made = convert(model, data.representative, tree=target.tree, kernels=settings.kernels, dtype=kind)
    scores = tflite_outputs(made.tflite, [data.test.x])[0][0]
    answers = classes(scores)
    said = list(notes)
    size = of_tflite(made.tflite, books) if int8 else of_keras(model)
    board = None
    try:
        board = _on_board(made, data, answers, target, board_rows, progress)
    except (UsageError, BuildError) as error:
        said.append(f"not on {target.board.name}: {error.message}")
    accuracy = float((answers == data.test.y).mean())
    return Row(step, kind, accuracy, made.tflite, size, float_bytes(model), board, tuple(said))


def classes(scores: Array) -> Array:
    """Class of each row of scores [n, classes]; of a single score: 1 above one half."""
    if scores.shape[1] == 1:
        return (scores[:, 0] > 0.5).astype(np.int64)
    return np.asarray(scores.argmax(axis=1))


def _on_board(
    made: Conversion, data: Data, answers: Array, target: Target, board_rows: int, progress: Callable[[str], None]
) -> OnBoard:
    from sim.energy.estimate import duty
    from sim.inference import invoke
    from sim.model import Model

    if made.refusals:
        raise UsageError("; ".join(made.refusals))
    chosen = spread(len(data.test), board_rows)
    result = invoke(Model.from_bytes(made.tflite, "compressed"), data.test.x[chosen], target=target, progress=progress)
    (raw,) = result.outputs
    (out,) = made.outputs
    real = (raw.astype(np.float64) - out.zero_point) * out.scale if out.scale else raw
    got = classes(real.reshape(len(chosen), -1))
    cycles = result.cycles.median if result.cycles is not None else None
    joules = None
    if cycles is not None and target.board.power is not None:
        joules = duty(target.board, cycles, cycles / target.board.clock_hz).joules
    firmware = result.firmware
    return OnBoard(
        flash=firmware.flash,
        ram_static=firmware.ram_static,
        arena=firmware.arena_smallest or firmware.arena_reserved,
        instructions=result.instructions.median,
        cycles=cycles,
        joules=joules,
        rows=len(chosen),
        right=int((got == data.test.y[chosen]).sum()),
        same=int((got == answers[chosen]).sum()),
    )
