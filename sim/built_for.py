"""What core an image was built for, as its build attributes say, and whether a board's core runs that.

Addenda to, and Errata in, the ABI for the Arm Architecture (IHI 0045), 3.3.5 and 3.3.6. An image without them (a bare
dump, an ELF of another linker) is taken: nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.boards import Board
from sim.errors import UsageError

_V6M, _V6SM, _V7, _V7EM, _V8M_BASE, _V8M_MAIN, _V81M_MAIN = 11, 12, 10, 13, 16, 17, 21
_ARCHITECTURES = {
    _V6M: "Armv6-M", _V6SM: "Armv6-M", _V7: "Armv7-M", _V7EM: "Armv7E-M", 14: "Armv8-A", 15: "Armv8-R",
    _V8M_BASE: "Armv8-M Baseline", _V8M_MAIN: "Armv8-M Mainline", 18: "Armv8.1-A", 19: "Armv8.2-A", 20: "Armv8.3-A",
    _V81M_MAIN: "Armv8.1-M Mainline", 22: "Armv9-A",
}  # fmt: skip
_CLASSIC = 10  # below: of before Armv7, whose Thumb code a Cortex-M may well run
_M3 = frozenset({_V6M, _V6SM, _V7})
_M4 = _M3 | {_V7EM}
_M33 = _M4 | {_V8M_BASE, _V8M_MAIN}
_RUNS = {"cortex-m3": _M3, "cortex-m4": _M4, "cortex-m7": _M4, "cortex-m33": _M33, "cortex-m55": _M33 | {_V81M_MAIN}}
_FP = {1: 1, 2: 2, 3: 3, 4: 3, 5: 4, 6: 4, 7: 5, 8: 5}  # Tag_FP_arch -> version of the floating-point architecture
_SINGLE = 1  # Tag_ABI_HardFP_use
_FPUS = {"fpv4-sp-d16": (4, False), "fpv5-sp-d16": (5, False), "fpv5-d16": (5, True), "auto": (5, True)}


@dataclass(frozen=True)
class BuiltFor:
    """Architecture (Tag_CPU_arch; None: not said), floating point (version, 0: none), vector extension of an image."""

    architecture: int | None = None
    arm_state: bool = False  # begins in Arm state, which no Cortex-M has
    floats: int = 0
    double: bool = False
    vector: bool = False
    hard_float: bool = False  # floats are given to functions in floating-point registers

    @staticmethod
    def of(said: Mapping[str, Any], entry: int, hard_float: bool) -> BuiltFor:
        """From the attributes of a file by pyelftools' names, and where it begins, with the Thumb bit."""
        architecture = said.get("TAG_CPU_ARCH")
        classic = architecture is not None and architecture < _CLASSIC
        floats = _FP.get(said.get("TAG_FP_ARCH", 0), 0)
        return BuiltFor(
            architecture=architecture,
            arm_state=classic and bool(said.get("TAG_ARM_ISA_USE")) and entry != 0 and not entry & 1,
            floats=floats,
            double=floats != 0 and said.get("TAG_ABI_HARDFP_USE") != _SINGLE,
            vector=bool(said.get("TAG_MVE_ARCH")),
            hard_float=hard_float,
        )


def check_core(name: str, built: BuiltFor, board: Board) -> None:
    """Raises UsageError for an image of another core: it would only fault. `name`: of its file."""
    wrong = _wrong(built, board)
    if not wrong:
        return
    flags = f"-mcpu={board.core} -mthumb" + {"none": " -mfloat-abi=soft", "auto": ""}.get(
        board.fpu, f" -mfpu={board.fpu}"
    )
    raise UsageError(f"{name} is built for another core than the {_core(board)} of {board.name}: {wrong}",
                     hint=f"build it with {flags}, or choose the board it is for")  # fmt: skip


def _wrong(built: BuiltFor, board: Board) -> str:
    if built.arm_state:
        return "it begins in Arm state, and a Cortex-M has Thumb state only"
    runs = _RUNS.get(board.core)
    architecture = built.architecture
    if runs is not None and architecture is not None and architecture >= _CLASSIC and architecture not in runs:
        return f"its code is {_ARCHITECTURES.get(architecture, f'of architecture {architecture}')} (Tag_CPU_arch)"
    if built.vector and not board.mve:
        return "its code has the vector extension, MVE (Tag_MVE_arch)"
    if board.fpu == "none" and built.hard_float:
        return "it gives floats in floating-point registers (-mfloat-abi=hard), and the board has no FPU"
    if board.fpu == "none" and built.floats:
        return "its code is for an FPU (Tag_FP_arch), and the board has none"
    version, double = _FPUS.get(board.fpu, (5, True))
    if built.floats > version:
        return f"its code is for an FPU of FPv{built.floats} (Tag_FP_arch), and the board's is {board.fpu}"
    if built.double and not double:
        return f"its code is for an FPU with double precision (Tag_ABI_HardFP_use), and the board's is {board.fpu}"
    return ""


def _core(board: Board) -> str:
    return board.core.replace("cortex-m", "Cortex-M")
