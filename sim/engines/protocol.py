"""What an engine has to do: start a firmware, run it until something happens, look at it, stop.

The protocol is small on purpose: an emulator, a fake in unit tests and a debug probe on a real board all fit. What
an engine can do beyond it is declared in `capabilities`; a test that needs one that is missing is skipped with that
reason. Engines register under the entry point group `boardless.engines`; nothing in the core names one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from sim.boards import Board, Memory
from sim.timing import TimingProfile

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
FLASH = "flash"  # flash can be written while the core stands still, and the core notices (see FlashWriter)


@dataclass(frozen=True)
class Layout:
    """Where firmware for one board is linked on one engine. Addresses and sizes in bytes."""

    engine: str
    machine: str  # what plays the board, for people and for hashes: "mps2-an386"
    flash: Memory  # origin as the engine has it, size of the board
    ram: Memory
    vectors: int  # where the core reads its vector table at reset; usually flash.origin
    room: Memory  # all RAM the engine has there: sizing runs may use it
    flash_room: int
    console: str  # kind of UART: firmware/boards/console_<kind>.c
    console_base: int
    native: bool = False  # the board's own addresses, for images that were linked for the board and not for a twin


class StopKind(Enum):
    """Why the core stands still."""

    START = "start"  # before the first instruction
    SYMBOL = "symbol"  # at the first instruction of an armed symbol
    LIMIT = "limit"  # the limit is reached, or there is much to take: console bytes, regions
    ENDED = "ended"  # the engine is gone: reset request, lock-up, crash (see `Stop.detail`)
    STUCK = "stuck"  # no instruction is executed: asleep with nothing to wake it
    RESET = "reset"  # the firmware asked for a reset; the core stands still behind the request
    STACK = "stack"  # the stack pointer has left `Image.stack`


@dataclass(frozen=True)
class Stop:
    """One stop. `symbol` is the armed name; `detail` says in words why an engine ended."""

    kind: StopKind
    pc: int = 0
    symbol: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Arm:
    """What happens at the first instruction of a symbol."""

    stop: bool = False
    mark: bool = False  # note the clock: a byte is sent to the console
    region: bool = False  # measure from here to the return


@dataclass(frozen=True)
class Stalls:
    """Cycles in which the core waited for flash, and how often it had to."""

    fetch: int
    data: int
    fetch_misses: int
    data_misses: int

    def __add__(self, other: Stalls) -> Stalls:
        return Stalls(
            self.fetch + other.fetch,
            self.data + other.data,
            self.fetch_misses + other.fetch_misses,
            self.data_misses + other.data_misses,
        )

    def __sub__(self, other: Stalls) -> Stalls:
        return Stalls(
            self.fetch - other.fetch,
            self.data - other.data,
            self.fetch_misses - other.fetch_misses,
            self.data_misses - other.data_misses,
        )


@dataclass(frozen=True)
class RegionRun:
    """One call of a region: instruction counts at entry and after return."""

    symbol: str
    start: int
    end: int
    depth: int = 0
    start_cycles: int = 0  # 0: the engine has no timing model
    end_cycles: int = 0
    stalls: Stalls | None = None  # of its cycles, with a timing model


@dataclass(frozen=True)
class Watch:
    """What else to note in a run. Each costs time, so nothing is noted unless it is asked for."""

    calls_of: str = ""  # tree of calls under this function, from its entry to its return
    code: bool = False  # which code was executed, how often
    stack: Memory | None = None  # every store: how deep this stack gets, and a stop where it is left for other data


@dataclass(frozen=True)
class CallNode:
    """A function as called from one place in the tree of calls; figures are of the function itself.

    A function that is reached by a jump (tail call) counts as called by the one that jumped.
    """

    function: str
    parent: int  # index of the caller's node; -1: the root
    ordinal: int  # 1, 2, ... for the calls of armed regions, each a node of its own; 0: any other function
    calls: int
    instructions: int
    cycles: int


@dataclass(frozen=True)
class CodeBlock:
    """Straight code that was executed `times` times. Address and size in bytes."""

    address: int
    size: int
    times: int


@dataclass(frozen=True)
class Blob:
    """Bytes that are loaded beside an image."""

    address: int
    data: bytes


@dataclass(frozen=True)
class WatchedMemory:
    """Memory whose accesses are noted, `most` of them; `stop`: the core stops soon behind each."""

    memory: Memory
    reads: bool
    writes: bool
    stop: bool
    most: int


@dataclass(frozen=True)
class Access:
    """One access to watched memory. Counts are those in front of the instruction at `pc`."""

    place: int  # index of the WatchedMemory
    instructions: int
    cycles: int  # 0: the engine has no timing model
    pc: int
    address: int
    size: int
    write: bool
    value: int  # what is in memory behind the access


ENDED_BY_DEBUGGER = "the debugger has ended the machine"  # Stop.detail of that


@dataclass(frozen=True)
class Debugger:
    """Where to wait for a debugger before the first instruction; `ready` is called when one can attach."""

    socket: Path
    ready: Callable[[], None]


@dataclass(frozen=True)
class Image:
    """A linked firmware as an engine needs it."""

    elf: Path
    layout: Layout
    functions: Mapping[str, int]  # name -> address, Thumb bit clear
    timers: bool = False  # reads timers or takes interrupts: virtual time must follow instructions
    console_symbol: str = ""  # called once per console byte; empty: watch the UART's data register
    stops: Sequence[str] = field(default=())  # names in `functions` that stop the core from the start
    watch: Watch | None = None
    timing: TimingProfile | None = None  # count cycles by this model; None: instructions only
    stack: Memory | None = None  # the stack pointer stays in here (its end included), where the engine can watch it
    blob: Blob | None = None  # loaded beside the image
    debugger: Debugger | None = None


class Session(Protocol):
    """One running firmware. Addresses are the core's; bytes are raw.

    The session's clock is `cycles` where the image has a timing model, else `instructions`: limits and the marks of
    console bytes are in it. At a stop at a symbol both counts are those in front of the symbol's first instruction;
    what the jump to it costs (refill) comes with that instruction, when the core goes on.
    """

    @property
    def instructions(self) -> int:
        """Instructions executed since the start, at the last stop."""

    @property
    def cycles(self) -> int | None:
        """Cycles by the image's timing model since the start, at the last stop; None without one."""

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

    def stack_written(self) -> int | None:
        """The lowest address of the stack that was written (`Watch.stack`); None where nobody watched."""

    def calls(self) -> list[CallNode]:
        """The tree of calls so far (`Watch.calls_of`); empty where nothing was watched."""

    def code(self) -> list[CodeBlock]:
        """Executed code so far (`Watch.code`), in no order; parts of it may be there several times."""

    def close(self) -> None:
        """End the engine; safe to call twice, never raises."""


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


class NativeEngine(Engine, Protocol):
    """An engine with NATIVE."""

    def native_layout(self, board: Board) -> Layout | None:
        """Where images lie that were linked for the board itself; None where the engine has no such machine for it."""
