"""What an engine has to do: start a firmware, run it until something happens, look at it, stop.

The protocol is small on purpose: an emulator, a fake in unit tests and a debug probe on a real board all fit. What
an engine can do beyond it is declared in `capabilities`; a test that needs one that is missing is skipped with that
reason. Engines register under the entry point group `boardless.engines`; nothing in the core names one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sim.boards import Board
from sim.engines.image import Blob, Debugger, Fed, Image, Layout
from sim.engines.observed import Access, Arm, CallNode, CodeBlock, RegionRun, StackWritten, Stalls, Watch, WatchedMemory
from sim.engines.stop import ENDED_BY_DEBUGGER, Stop, StopKind

# Capability names.
COUNT = "count"  # exact instruction counts, in total and per region
CYCLES = "cycles"  # counts cycles by the image's timing model
MARKS = "marks"  # console bytes with the count at which they were sent
BUDGET = "budget"  # stops at a count of cycles or instructions
CALLS = "calls"  # notes the tree of calls of a function, and which code was executed
FAULTS = "faults"  # stops at the first instruction of a fault handler
REGISTERS = "registers"  # the core's registers, pc too, can be set where it stands still: functions can be called
ACCESSES = "accesses"  # notes reads and writes of memory
DEBUGGER = "debugger"  # a debugger can attach
NATIVE = "native"  # has machines besides, with the memory of boards that it otherwise plays on others
BUS = "bus"  # has the board's own peripherals, and models of its sensors that can be fed (see BusEngine, BusSession)
INPUT = "input"  # bytes can be sent to the UART of a product's image (see InputSession)
FLASH = "flash"  # flash can be written while the core stands still, and the core notices (see FlashWriter)


class Session(Protocol):
    """One running firmware. Addresses are the core's; bytes are raw.

    The session's clock is `time_ps` where the engine keeps it, else `cycles` where the image has a timing model, else
    `instructions`: limits and the marks of console bytes are in it. At a stop at a symbol both counts are those in
    front of the symbol's first instruction; what the jump to it costs (refill) comes with that instruction, when the
    core goes on.
    """

    @property
    def instructions(self) -> int:
        """Instructions executed since the start, at the last stop."""

    @property
    def cycles(self) -> int | None:
        """Cycles by the image's timing model since the start, at the last stop; None without one."""

    @property
    def time_ps(self) -> int | None:
        """The engine's own time, waiting included, for an image that lives on it; None for others."""

    def resume(self, limit: int | None = None) -> Stop:
        """Let the core go on until something happens.

        At the latest it stops at the next block of code (straight code up to a jump) that begins when the session's
        clock is at `limit` or behind it; the block where it stands now is executed in any case.
        """

    def arm(self, symbol: str, what: Arm) -> None:
        """Change what happens at a symbol of the image."""

    def read(self, address: int, length: int) -> bytes:
        """Read RAM. Raises IndexError outside it."""

    def write(self, address: int, data: bytes) -> None:
        """Write RAM. Raises IndexError outside it."""

    def registers(self) -> dict[str, int]:
        """r0..r12, sp, lr, pc, xpsr while the core stands still; empty if the engine is gone and left none."""

    def process_stacks(self) -> Sequence[int]:
        """In a handler: where the process stack pointer is, or may be. Empty where the engine cannot tell."""

    def system_word(self, address: int) -> int | None:
        """A word of the system control space (fault status registers), None if it cannot be read."""

    def console(self) -> tuple[bytes, Sequence[int]]:
        """Bytes sent to the UART since the last call, and the session's clock at each (may be shorter)."""

    def regions(self) -> list[RegionRun]:
        """Region runs completed since the last call."""

    def stack_written(self) -> StackWritten | None:
        """How deep the stack was written (`Watch.stack`); None where nobody watched."""

    def calls(self) -> list[CallNode]:
        """The tree of calls so far (`Watch.calls_of`); empty where nothing was watched."""

    def code(self) -> list[CodeBlock]:
        """Executed code so far (`Watch.code`), in no order; parts of it may be there several times."""

    def close(self) -> None:
        """End the engine; safe to call twice, never raises."""


class BusSession(Session, Protocol):
    """What the session of an engine with BUS has beside the rest, for a bus build. While the core stands still."""

    def feed(self, slot: str, values: Fed, *, anew: bool = False) -> int:
        """What the model of the sensor in that slot delivers next, behind what it has not delivered yet.

        `anew`: in place of that; returns how many samples that were. Raises SetupError.
        """

    def bus_fault(self, slot: str, kind: str, on: bool) -> None:
        """ "no answer": the part is off its bus; "stuck": its bus does nothing. Raises SetupError."""


class InputSession(Session, Protocol):
    """What the session of an engine with INPUT has beside the rest."""

    def send(self, data: bytes, apart: int) -> None:
        """Bytes for the firmware at the console's UART: the first now, each `apart` behind the one before.

        `apart` is of the session's clock. A core that sleeps may have the next one at once. Raises CannotPlay where no
        UART of the machine takes any.
        """


class FlashWriter(Protocol):
    """What the session of an engine with the capability FLASH has beside the rest."""

    def write_flash(self, address: int, data: bytes, *, code: bool) -> None:
        """Write flash; the core goes on with what is there now. `code`: it may be code, so nothing kept of it is used.

        Raises IndexError outside flash.
        """


class SteeredSession(Session, Protocol):
    """What a session of an engine with REGISTERS and ACCESSES can do besides."""

    def core(self) -> Sequence[int]:
        """r0 to r15 in front of the block where the core stands still; empty where it cannot go on elsewhere."""

    def set_core(self, registers: Sequence[int]) -> None:
        """r0 to r15 with which the core goes on at the next `resume`. Only where `core` gives them."""

    def stand_at(self, registers: Sequence[int]) -> None:
        """The core goes to that place, where it once stood, and stands still in front of it without another stop."""

    def floats(self) -> Sequence[int]:
        """s0 to s31 as words; empty where the core has no floating-point unit."""

    def watch_memory(self, places: Sequence[WatchedMemory]) -> None:
        """Note accesses to these places from now on, and to no others. At most 8."""

    def accesses(self) -> tuple[list[Access], Sequence[int]]:
        """Accesses noted since the last call, and of each place how many were not noted so far."""


class Engine(Protocol):
    """A way to run firmware."""

    name: str
    capabilities: frozenset[str]

    def version(self) -> str:
        """Version for reports. Raises SetupError when the engine is missing or of a wrong version."""

    def layout(self, board: Board) -> Layout:
        """Where firmware for this board goes. Raises UsageError when the engine cannot play the board."""

    def start(self, image: Image) -> Session:
        """Start; returns at the stop before the first instruction."""


class BusEngine(Engine, Protocol):
    """An engine with BUS."""

    def bus_layout(self, board: Board) -> Layout:
        """Where a bus build for the board is linked. Raises CannotPlay where board or engine have no such thing."""


class NativeEngine(Engine, Protocol):
    """An engine with NATIVE."""

    def native_layout(self, board: Board) -> Layout | None:
        """Where images lie that were linked for the board itself; None where the engine has no such machine for it."""


__all__ = [
    "ACCESSES",
    "BUDGET",
    "BUS",
    "CALLS",
    "COUNT",
    "CYCLES",
    "DEBUGGER",
    "ENDED_BY_DEBUGGER",
    "FAULTS",
    "FLASH",
    "INPUT",
    "MARKS",
    "NATIVE",
    "REGISTERS",
    "Access",
    "Arm",
    "Blob",
    "BusEngine",
    "BusSession",
    "CallNode",
    "CodeBlock",
    "Debugger",
    "Engine",
    "Fed",
    "FlashWriter",
    "Image",
    "InputSession",
    "Layout",
    "NativeEngine",
    "RegionRun",
    "Session",
    "StackWritten",
    "Stalls",
    "SteeredSession",
    "Stop",
    "StopKind",
    "Watch",
    "WatchedMemory",
]
