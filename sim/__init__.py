"""boardless: pytest for TinyML firmware on virtual boards.

Importing this package loads nothing heavy: names are resolved when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Board": "sim.boards",
    "BoardlessError": "sim.errors",
    "FieldRecording": "sim.field.recorded",
    "Firmware": "sim.firmware",
    "FirmwareFailure": "sim.errors",
    "Machine": "sim.machine",
    "Model": "sim.model",
    "Recording": "sim.sensors.recording",
    "Settings": "sim.settings",
    "TflmTree": "sim.tflm",
    "diff": "sim.measure.diff",
    "evaluate": "sim.evaluate",
    "invoke": "sim.inference",
    "profile": "sim.measure.profile",
}
__all__ = [*sorted(_WHERE), "__version__"]

if TYPE_CHECKING:
    from sim.boards import Board as Board
    from sim.errors import BoardlessError as BoardlessError
    from sim.errors import FirmwareFailure as FirmwareFailure
    from sim.evaluate import evaluate as evaluate
    from sim.field.recorded import FieldRecording as FieldRecording
    from sim.firmware import Firmware as Firmware
    from sim.inference import invoke as invoke
    from sim.machine import Machine as Machine
    from sim.measure.diff import diff as diff
    from sim.measure.profile import profile as profile
    from sim.model import Model as Model
    from sim.settings import Settings as Settings
    from sim.tflm import TflmTree as TflmTree


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'sim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
