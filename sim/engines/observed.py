"""What an engine is asked to note in a run, and what it noted: regions, calls, code, accesses to memory."""

from __future__ import annotations

from dataclasses import dataclass

from sim.boards import Memory


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
class StackWritten:
    """What was stored to the stack of main: the lowest address, and that of main alone (the stack's end: none was).

    `interrupts`: bytes that handlers, nested ones too, had at most below where they came in, with the exception frame.
    """

    lowest: int
    main: int
    interrupts: int


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
