"""A row of the table: one combination, and what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from sim.errors import BoardlessError, FirmwareFailure
from sim.evaluate import Evaluation
from sim.sweep.grid import DEFAULT, Cell

PLAYED, FAILED, REFUSED = "played", "failed", "refused"


@dataclass(frozen=True)
class Row:
    """Times in seconds of board time, sizes in bytes. Of a combination that was refused: only names and the reason."""

    app: str
    board: str
    model: str
    tree: str
    kernels: str
    engine: str
    outcome: str  # played; failed: the firmware failed on a recording; refused: it does not fit, build, or start
    reason: str = ""
    tree_version: str | None = None
    engine_version: str | None = None
    machine: str | None = None
    clock_hz: int | None = None
    cycle_model: str | None = None
    recordings: int | None = None
    right: int | None = None
    accuracy: float | None = None
    host_accuracy: float | None = None
    decisions_compared: int | None = None
    decisions_different: int | None = None
    latency_median: float | None = None
    latency_p95: float | None = None
    latency_max: float | None = None
    detection_median: float | None = None
    false_alarms: int | None = None
    false_alarms_per_hour: float | None = None
    lost_samples: int | None = None
    skipped: int | None = None
    flash: int | None = None
    ram_static: int | None = None
    arena: int | None = None
    model_sha256: str | None = None
    firmware_sha256: str | None = None
    data_sha256: str | None = None

    @property
    def variant(self) -> tuple[str, ...]:
        """What else there is to a combination than app and board."""
        return self.model, self.tree, self.kernels, self.engine

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def refused(cell: Cell, error: BoardlessError) -> Row:
        """Of a combination that cannot be played."""
        return replace(_named(cell), outcome=REFUSED, reason=error.message)

    @staticmethod
    def failed(cell: Cell, failure: FirmwareFailure) -> Row:
        """Of one whose firmware does not come up."""
        return replace(_named(cell), outcome=FAILED, reason=failure.reason)

    @staticmethod
    def of(cell: Cell, found: Evaluation) -> Row:
        """Of one that was."""
        latency, detection = found.latency, found.detection
        compared = bool(found.host_text)
        return replace(
            _named(cell),
            outcome=FAILED if found.failures else PLAYED,
            reason=f"{found.failures[0][0]}: {found.failures[0][1]}" if found.failures else "",
            tree_version=found.firmware.tree.version_text if found.firmware.tree else None,
            engine_version=found.target.engine.version(),
            machine=found.target.layout.machine,
            clock_hz=found.target.board.clock_hz,
            cycle_model=found.cycle_model,
            recordings=len(found.results),
            right=sum(r.right for r in found.results),
            accuracy=found.accuracy,
            host_accuracy=found.host_accuracy,
            decisions_compared=found.compared if compared else None,
            decisions_different=len(found.disagreements) if compared else None,
            latency_median=latency.median if latency else None,
            latency_p95=latency.p95 if latency else None,
            latency_max=latency.max if latency else None,
            detection_median=detection.median if detection else None,
            false_alarms=found.false_alarms,
            false_alarms_per_hour=found.false_alarms_per_hour,
            lost_samples=found.lost,
            skipped=len(found.data.skipped),
            flash=found.firmware.flash,
            ram_static=found.firmware.ram_static,
            arena=found.firmware.arena_reserved,
            model_sha256=found.firmware.model.sha256 if found.firmware.model else None,
            firmware_sha256=found.firmware.sha256,
            data_sha256=found.data.sha256,
        )


COLUMNS = tuple(f.name for f in fields(Row))


def _named(cell: Cell) -> Row:
    return Row(
        app=cell.app_name,
        board=cell.board_name,
        model=cell.model.stem if cell.model else "",
        tree=Path(cell.tflm).name or DEFAULT,
        kernels=cell.kernels,
        engine=cell.engine,
        outcome=REFUSED,
    )
