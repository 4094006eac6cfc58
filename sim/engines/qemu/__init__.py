"""QEMU: the embedded default engine. A board runs on its twin, the Arm reference machine with the same core."""

from __future__ import annotations

from sim.boards import Board
from sim.engines.protocol import (
    ACCESSES,
    BUDGET,
    CALLS,
    COUNT,
    CYCLES,
    DEBUGGER,
    FAULTS,
    FLASH,
    INPUT,
    MARKS,
    NATIVE,
    REGISTERS,
    Image,
    Layout,
    SteeredSession,
)
from sim.engines.qemu.program import find_qemu, qemu_version
from sim.engines.qemu.twins import layout_of, native_layout_of
from sim.settings import Settings


class QemuEngine:
    """Engine `qemu` (see `sim.engines.protocol.Engine`)."""

    name = "qemu"
    capabilities = frozenset(
        {COUNT, CYCLES, MARKS, BUDGET, CALLS, FAULTS, REGISTERS, ACCESSES, DEBUGGER, FLASH, NATIVE, INPUT}
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def version(self) -> str:
        return ".".join(map(str, qemu_version(find_qemu(self._settings))))

    def layout(self, board: Board) -> Layout:
        return layout_of(board)

    def native_layout(self, board: Board) -> Layout | None:
        return native_layout_of(board)

    def start(self, image: Image) -> SteeredSession:
        from sim.engines.qemu.session import open_session

        program = find_qemu(self._settings)
        qemu_version(program)  # one that will not do is refused here
        return open_session(program, image)
