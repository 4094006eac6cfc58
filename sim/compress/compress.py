"""`compress`: a Keras model through the steps, each judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.compress.channels import channels
from sim.compress.cluster import books, cluster
from sim.compress.data import Data, data_for
from sim.compress.judge import Row, row
from sim.compress.prune import prune
from sim.compress.size import float_bytes
from sim.compress.steps import Step, parse
from sim.compress.tuning import State, Tuning, fresh, kernels
from sim.convert.keras_file import open_model
from sim.errors import UsageError
from sim.files import check_writable, replaced

if TYPE_CHECKING:
    from sim.target import Target


@dataclass(frozen=True, eq=False)
class Compression:
    """`rows`: the model as given (float32), then one a step. `model`: the Keras model after the last one."""

    rows: tuple[Row, ...]
    model: Any
    data: Data
    target: Target
    float_bytes: int  # of the model as given

    @property
    def tflite(self) -> bytes:
        return self.rows[-1].tflite

    def ratio(self, one: Row) -> float:
        """How many times smaller the coded weights are than those of the model as given, four bytes each."""
        return self.float_bytes / one.size.coded


def compress(
    model: Any,
    train: Any,
    steps: str | Sequence[Step | str],
    *,
    test: Any = None,
    target: Target | None = None,
    tuning: Tuning | None = None,
    board_rows: int = 50,
    out: Path | str | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Compression:
    """Take `model` (Keras, or the path of one) through `steps`, fine-tuning on `train` after each but int8.

    `train`, `test`: see `sim.compress.data.data_for`. `target`: board, engine and tree (default: the settings').
    `board_rows`: test samples that are also run on the board, evenly over all. `out`: file for the last `.tflite`.
    The model that was given is not changed. Same input and seed, same machine: same bytes. Raises UsageError.
    """
    wanted = parse(steps)
    how = tuning or Tuning()
    _check(how, board_rows)
    path = Path(out) if out is not None else None
    check_writable(path)
    given, name = open_model(model)
    if not kernels(given):
        raise UsageError(f"{name}: has no weights that could be compressed", hint="Dense and Conv layers have some")
    data = data_for(given, train, test)
    if target is None:
        from sim.settings import Settings
        from sim.target import Target

        target = Target.of(Settings.load())
    state = State(fresh(given, how.seed))
    measured: dict[str, Any] = {"data": data, "target": target, "board_rows": board_rows, "progress": progress}
    rows = [row("given", state.model, [], int8=False, **measured)]
    for number, step in enumerate(wanted):
        progress(f"{step}")
        own = Tuning(how.epochs, how.rate, how.seed + number)
        state.notes = []
        if step.kind == "channels":
            state = channels(state, data.train, step.value, own, progress)
        elif step.kind == "prune":
            state = prune(state, data.train, step.value, own, progress)
        elif step.kind == "cluster":
            state = cluster(state, data.train, int(step.value), own, progress)
        is_int8 = step.kind == "int8"
        rows.append(row(str(step), state.model, books(state), int8=is_int8, notes=state.notes, **measured))
    if path is not None:
        with replaced(path) as file:
            file.write(rows[-1].tflite)
    return Compression(tuple(rows), state.model, data, target, float_bytes(given))


def _check(how: Tuning, board_rows: int) -> None:
    if not 0 <= how.epochs <= 1000:
        raise UsageError(f"epochs = {how.epochs}", hint="0 (no fine-tuning) to 1000")
    if not 0 < how.rate <= 1:
        raise UsageError(f"learning rate = {how.rate:g}", hint="above 0, at most 1; 0.001 is usual")
    if board_rows < 1:
        raise UsageError(f"{board_rows} samples on the board", hint="at least 1")
