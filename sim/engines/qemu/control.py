"""The memory file that runner and probe share. Offsets are those of `struct control` in probe/control.h."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sim.boards import Memory
from sim.engines.protocol import Arm, CallNode, CodeBlock, RegionRun, StackWritten, Stalls, Watch
from sim.engines.qemu import stack as stack_area
from sim.engines.qemu.code import HEADER as CODE
from sim.engines.qemu.functions import FunctionsArea
from sim.engines.qemu.shared import shared_file
from sim.engines.qemu.steer import ROOM_BYTES, SteerArea
from sim.errors import UsageError

EVENT_START, EVENT_SYMBOL, EVENT_LIMIT, EVENT_FULL, EVENT_STACK, EVENT_HANDLER, EVENT_UNSEEN = range(1, 8)
FLAG_EXACT = 1
NEVER = 2**64 - 1
MARKS_MAX = 1 << 16
REGIONS_MAX = 1 << 12

_SYMBOLS_AT = 4096
_CODE_AT = 1280
_TIMING_AT = 2048  # struct timing_page: parameters, then counters
_COUNTERS = struct.Struct("<QQQQQ")
_COUNTERS_AT = _TIMING_AT + 112
_STOP, _MARK, _REGION = 1, 2, 4
_HEADER = struct.Struct("<QQQIIIIIIIIIIIIII")  # 80 bytes
_STACK = struct.Struct("<II")  # origin, size at offset 80
_EVENT = struct.Struct("<QII")  # pc, event, symbol at offset 16
_REGION_RUN = struct.Struct("<II8Q")


class Control:
    """Counters, limits, symbols and rings of one machine. Close it to give the memory back."""

    def __init__(
        self,
        functions: Mapping[str, int],
        arms: Mapping[str, Arm],
        *,
        exact: bool,
        console: int,
        stack: Memory | None = None,
        watch: Watch | None = None,
        timing: bytes | None = None,
        code: tuple[int, bytes] = (0, b""),
    ) -> None:
        # One entry an address: an alias must not hide the name that is armed.
        by_address: dict[int, str] = {}
        for name in sorted(functions):
            address = functions[name]
            if address not in by_address or name in arms:
                by_address[address] = name
        self.names: Sequence[str] = [by_address[a] for a in sorted(by_address)]
        self._index = {name: i for i, name in enumerate(self.names)}
        self._index_at = {address: i for i, address in enumerate(sorted(by_address))}
        for name, address in functions.items():
            self._index.setdefault(name, self._index[by_address[address]])
        self._marks_at = _SYMBOLS_AT + 8 * len(self.names)
        self._regions_at = self._marks_at + 8 * MARKS_MAX
        self._functions = FunctionsArea(watch, self._regions_at + _REGION_RUN.size * REGIONS_MAX)
        code_at, code_bytes = code
        accesses_at = -(-(self._functions.end + len(code_bytes)) // 8) * 8
        self.fd, self._map = shared_file("boardless-control", accesses_at + ROOM_BYTES)
        self.steer = SteerArea(self._map, accesses_at)
        CODE.pack_into(self._map, _CODE_AT, code_at, len(code_bytes), self._functions.end)
        self._map[self._functions.end : self._functions.end + len(code_bytes)] = code_bytes
        self._functions.write(self._map, self._index[watch.calls_of] if watch and watch.calls_of else None)
        _HEADER.pack_into(
            self._map, 0,
            0, NEVER, 0, 0, 0, FLAG_EXACT if exact else 0, 0, 0, len(self.names),
            _SYMBOLS_AT, self._marks_at, self._regions_at, 0, MARKS_MAX, 0, REGIONS_MAX, console,
        )  # fmt: skip
        if stack is not None:
            _STACK.pack_into(self._map, 80, stack.origin, stack.size)
        table = struct.Struct("<II")
        for i, name in enumerate(self.names):
            table.pack_into(self._map, _SYMBOLS_AT + 8 * i, functions[name], 0)
        for name, what in arms.items():
            self.arm(name, what)
        if timing is not None:
            self._map[_TIMING_AT : _TIMING_AT + len(timing)] = timing
        self._words = memoryview(self._map)

    @property
    def count(self) -> int:
        """Instructions executed; may be read while the core runs."""
        return int.from_bytes(self._map[0:8], "little")

    @property
    def cycles(self) -> int:
        """Cycles by the timing model; 0 without one."""
        return int.from_bytes(self._map[_COUNTERS_AT : _COUNTERS_AT + 8], "little")

    def stalls(self) -> Stalls:
        """What flash made the core wait so far."""
        _, fetch, data, fetch_misses, data_misses = _COUNTERS.unpack_from(self._map, _COUNTERS_AT)
        return Stalls(fetch, data, fetch_misses, data_misses)

    @property
    def idle(self) -> bool:
        """The core sleeps."""
        return self._map[36] != 0

    @property
    def api(self) -> int:
        """Version of QEMU's plugin interface that the probe uses; 0 before it is loaded."""
        return self._map[40]

    def set_limit(self, limit: int | None) -> None:
        self._map[8:16] = (NEVER if limit is None else limit).to_bytes(8, "little")

    def event(self) -> tuple[int, int, str]:
        """(kind, pc, name of the symbol) of the present stop."""
        pc, kind, index = _EVENT.unpack_from(self._map, 16)
        return kind, pc, self.names[index] if kind in (EVENT_SYMBOL, EVENT_HANDLER, EVENT_UNSEEN) else ""

    @property
    def said_yes(self) -> bool:
        """Whether the probe has done its last request 'w'."""
        return int.from_bytes(self._map[88:92], "little") != 0

    def process_stacks(self) -> list[int]:
        """What the probe found at its last request 'p'."""
        n = min(int.from_bytes(self._map[88:92], "little"), 32)
        return list(struct.unpack_from(f"<{n}I", self._map, 92))

    def arm(self, symbol: str, what: Arm) -> None:
        value = _STOP * what.stop | _MARK * what.mark | _REGION * what.region
        struct.pack_into("<I", self._map, _SYMBOLS_AT + 8 * self._index[symbol] + 4, value)

    def stops_at(self, symbol: str) -> bool:
        """Whether the core stops there."""
        return bool(self._map[_SYMBOLS_AT + 8 * self._index[symbol] + 4] & _STOP)

    @contextmanager
    def disarmed(self, address: int) -> Iterator[None]:
        """Nothing happens at the symbol there, if there is one."""
        index = self._index_at.get(address)
        if index is None:
            yield
            return
        at = _SYMBOLS_AT + 8 * index + 4
        before = self._map[at : at + 4]
        self._map[at : at + 4] = bytes(4)
        yield
        self._map[at : at + 4] = before

    def take_marks(self) -> list[int]:
        """Counts of the console bytes since the last call."""
        n = int.from_bytes(self._map[60:64], "little")
        if n == 0:
            return []
        marks = list(struct.unpack_from(f"<{n}Q", self._map, self._marks_at))
        self._map[60:64] = bytes(4)
        return marks

    def take_regions(self) -> list[RegionRun]:
        """Completed region runs since the last call."""
        n = int.from_bytes(self._map[68:72], "little")
        runs = []
        for i in range(n):
            symbol, depth, *counts = _REGION_RUN.unpack_from(self._map, self._regions_at + i * _REGION_RUN.size)
            start, end, start_cycles, end_cycles, *stalls = counts
            waited = Stalls(*stalls) if end_cycles else None
            runs.append(RegionRun(self.names[symbol], start, end, depth, start_cycles, end_cycles, waited))
        self._map[68:72] = bytes(4)
        return runs

    def calls(self) -> list[CallNode]:
        """See `sim.engines.protocol.Session.calls`. Raises UsageError when there was not room for all."""
        self._check_room()
        return self._functions.calls(self._map, self.names)

    def code(self) -> list[CodeBlock]:
        """See `sim.engines.protocol.Session.code`. Raises UsageError when there was not room for all."""
        self._check_room()
        return self._functions.code(self._map)

    def watch_stack(self, stack: Memory, ram: Memory) -> None:
        """Look at every store; before QEMU is started."""
        stack_area.write(self._map, stack, ram)

    def stack_written(self) -> StackWritten:
        """See `sim.engines.protocol.Session.stack_written`."""
        return stack_area.written(self._map)

    def stack_left(self) -> tuple[int, int]:
        """(address, pc) of the store that left the stack; zeros: none did."""
        return stack_area.left(self._map)

    def _check_room(self) -> None:
        lost = self._functions.lost(self._map)
        if lost:
            raise UsageError(f"{lost} calls too many for the tree of calls", hint="watch a smaller function")

    def close(self) -> None:
        self._words.release()
        self._map.close()
