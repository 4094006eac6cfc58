"""An engine without an emulator: a Python generator plays the firmware. For unit tests of what stands above engines.

The generator gets a `FakeCore` and yields what the core does:

    def firmware(core):
        yield 1000                          # executes 1000 instructions
        core.send(b"hello\\n")               # one instruction a byte, as a call of the console function
        yield from core.ring(Op.READY, *core.text("app"))
        yield Call("work", 300)             # a function that runs for 300 instructions
        yield Arrive("abort")               # comes to a symbol

The session keeps to the protocol: where the image has a timing model each instruction takes `FakeEngine.cycles_each`
cycles, and limits and marks are in cycles. It stops at armed symbols and limits only, counts what it executes, measures
armed regions, and its RAM is read and written as an emulator's. Registered as `fake`, it plays a core that never stops.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.boards import Board, Memory
from sim.elf import Elf, Symbol
from sim.engines.protocol import (
    BUDGET,
    COUNT,
    CYCLES,
    FAULTS,
    MARKS,
    Arm,
    CallNode,
    CodeBlock,
    Image,
    Layout,
    RegionRun,
    Stop,
    StopKind,
)
from sim.port.mailbox import DOORBELL, MAGIC, REQUEST, SIZE, SYMBOL, VERSION, Op
from sim.settings import Settings

_MARKS_MAX = 65536  # console bytes after which it stops, for them to be taken


@dataclass(frozen=True)
class Arrive:
    """The core comes to the first instruction of a symbol."""

    symbol: str


@dataclass(frozen=True)
class Call:
    """A function runs from entry to return for that many instructions."""

    symbol: str
    instructions: int


@dataclass(frozen=True)
class End:
    """The engine stops for good, or sleeps."""

    kind: StopKind
    detail: str


Step = int | Arrive | Call | End
Program = Callable[["FakeCore"], Generator[Step, None, None]]


def _endless(_core: FakeCore) -> Generator[Step, None, None]:
    while True:
        yield 1 << 20


class FakeCore:
    """What the generator has of the machine: RAM and the UART."""

    def __init__(self, ram: Memory, mailbox: int) -> None:
        self.ram, self.mailbox = ram, mailbox
        self._bytes = bytearray(ram.size)
        self._next_text = ram.end - 4096
        self.outgoing: deque[int] = deque()  # bytes that the core is about to send

    def read(self, address: int, length: int) -> bytes:
        """Raises IndexError outside RAM."""
        at = address - self.ram.origin
        if length < 0 or at < 0 or at + length > self.ram.size:
            raise IndexError(f"{length} bytes at {address:#010x} are not in RAM")
        return bytes(self._bytes[at : at + length])

    def write(self, address: int, data: bytes) -> None:
        """Raises IndexError outside RAM."""
        self.read(address, len(data))
        at = address - self.ram.origin
        self._bytes[at : at + len(data)] = data

    def send(self, data: bytes) -> None:
        """The firmware is about to send these: they go out, one an instruction, when the core goes on."""
        self.outgoing.extend(data)

    def text(self, text: str) -> tuple[int, int]:
        """Put a text into RAM: (address, length), as requests have them."""
        data = text.encode("utf-8")
        at, self._next_text = self._next_text, self._next_text + len(data)
        self.write(at, data)
        return at, len(data)

    def ring(self, op: int, *arg: int) -> Generator[Step, None, tuple[int, tuple[int, int, int, int], int]]:
        """A request through the mailbox; returns (status, results, board time in ns) of the answer."""
        whole = (*arg, 0, 0, 0, 0, 0, 0)[:6]
        self.write(self.mailbox, REQUEST.pack(MAGIC, VERSION, SIZE, op, -1, *whole))
        yield Arrive(DOORBELL)
        box = self.read(self.mailbox, SIZE)
        words = [int.from_bytes(box[i : i + 4], "little") for i in range(40, 56, 4)]
        status = int.from_bytes(box[12:16], "little", signed=True)
        return status, (words[0], words[1], words[2], words[3]), int.from_bytes(box[56:64], "little")

    def ready(self, app: str = "fake") -> Generator[Step, None, None]:
        """bl_ready()."""
        yield from self.ring(Op.READY, *self.text(app))


class FakeSession:
    """See `sim.engines.protocol.Session`."""

    def __init__(self, image: Image, program: Program, cycles_each: int = 1) -> None:
        self._image = image
        self._each = cycles_each if image.timing else 1  # of the clock, an instruction
        self._core = FakeCore(image.layout.ram, image.layout.ram.origin)
        self._program = program(self._core)
        self._arms = {name: Arm(stop=True) for name in image.stops}
        self._count = 0
        self._busy = 0  # instructions of the present step that are still to be executed
        self._open: list[tuple[str, int]] = []  # regions that end when `_busy` is done
        self._last: Stop | None = None
        self._sent = bytearray()
        self._marks: list[int] = []
        self._runs: list[RegionRun] = []

    @property
    def instructions(self) -> int:
        return self._count

    @property
    def cycles(self) -> int | None:
        return self._count * self._each if self._image.timing else None

    @property
    def time_ps(self) -> int | None:
        return None

    @property
    def _clock(self) -> int:
        return self._count * self._each

    def resume(self, limit: int | None = None) -> Stop:
        if self._last is None:
            self._last = self._run(limit)
            if self._last.kind in (StopKind.SYMBOL, StopKind.LIMIT):
                stop, self._last = self._last, None
                return stop
        return self._last

    def _run(self, limit: int | None) -> Stop:
        while True:
            self._send()
            if self._busy:
                # Up to the first instruction that begins at the limit or behind it.
                room = self._busy if limit is None else max(0, min(self._busy, -(-limit // self._each) - self._count))
                self._count += room
                self._busy -= room
            if not self._busy:
                self._runs += [self._region(symbol, start) for symbol, start in self._open]
                self._open.clear()
            if (limit is not None and self._clock >= limit) or len(self._marks) >= _MARKS_MAX:
                return Stop(StopKind.LIMIT, pc=self._pc(""))
            step = next(self._program, End(StopKind.STUCK, "the program of the fake core has ended"))
            self._send()
            if isinstance(step, End):
                return Stop(step.kind, detail=step.detail)
            if isinstance(step, int):
                self._busy = step
                continue
            if isinstance(step, Call):
                self._busy = step.instructions
            armed = self._arms.get(step.symbol, Arm())
            if armed.region and isinstance(step, Call):
                self._open.append((step.symbol, self._count))
            if armed.stop:
                return Stop(StopKind.SYMBOL, pc=self._pc(step.symbol), symbol=step.symbol)

    def _region(self, symbol: str, start: int) -> RegionRun:
        cycles = (start * self._each, self._clock) if self._image.timing else (0, 0)
        return RegionRun(symbol, start, self._count, 0, *cycles)

    def _send(self) -> None:
        while self._core.outgoing:
            self._marks.append(self._clock)
            self._sent.append(self._core.outgoing.popleft())
            self._count += 1

    def _pc(self, symbol: str) -> int:
        return self._image.functions.get(symbol, self._image.layout.flash.origin)

    def arm(self, symbol: str, what: Arm) -> None:
        self._arms[symbol] = what

    def read(self, address: int, length: int) -> bytes:
        return self._core.read(address, length)

    def write(self, address: int, data: bytes) -> None:
        self._core.write(address, data)

    def registers(self) -> dict[str, int]:
        return {"pc": self._pc(""), "sp": self._image.layout.ram.end, "xpsr": 0x01000000}

    def process_stacks(self) -> Sequence[int]:
        return ()

    def system_word(self, address: int) -> int | None:
        return None

    def console(self) -> tuple[bytes, Sequence[int]]:
        out = bytes(self._sent), self._marks
        self._sent, self._marks = bytearray(), []
        return out

    def regions(self) -> list[RegionRun]:
        runs, self._runs = self._runs, []
        return runs

    def calls(self) -> list[CallNode]:
        return []

    def code(self) -> list[CodeBlock]:
        return []

    def close(self) -> None:
        self._program.close()


class FakeEngine:
    """Engine `fake` (see `sim.engines.protocol.Engine`)."""

    name = "fake"
    capabilities = frozenset({COUNT, CYCLES, MARKS, BUDGET, FAULTS})

    def __init__(self, settings: Settings | None = None, program: Program = _endless, *, cycles_each: int = 1) -> None:
        self._program = program
        self._cycles_each = cycles_each

    def version(self) -> str:
        return "1"

    def layout(self, board: Board) -> Layout:
        return Layout(
            engine="fake",
            machine="fake",
            flash=board.flash,
            ram=board.ram,
            vectors=board.flash.origin,
            room=board.ram,
            flash_room=board.flash.size,
            console="none",
            console_base=0,
        )

    def start(self, image: Image) -> FakeSession:
        return FakeSession(image, self._program, self._cycles_each)


def fake_elf(board: Board, functions: Sequence[str] = ()) -> Elf:
    """An image for `board` that holds nothing but symbols: the mailbox at the start of RAM, and functions."""
    names = [DOORBELL, "abort", *functions]
    symbols = {name: Symbol(name, board.flash.origin + 0x100 + 16 * i, 16, True) for i, name in enumerate(names)}
    symbols[SYMBOL] = Symbol(SYMBOL, board.ram.origin, SIZE, False)
    sha256 = hashlib.sha256(repr(names).encode()).hexdigest()
    return Elf(Path("fake.elf"), sha256, board.flash.origin, (), symbols)
