"""One machine in a worker's Renode (see `sim.engines.protocol.Session`)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.engines.protocol import Arm, CallNode, CodeBlock, Fed, Image, RegionRun, StackWritten, Stop, StopKind
from sim.engines.renode.codes import model_values
from sim.engines.renode.platform import clock_of, machine_for, parts_of
from sim.engines.renode.process import Worker, WorkerDied, WorkerError
from sim.errors import CannotPlay, SetupError
from sim.port.mailbox import DOORBELL, SIZE

# As worker/core/Stops.cs packs them: count, time in ns, pc, lengths of kind, name, memory and console; of a write:
# address, length.
_STOP, _WRITE = struct.Struct("<QQQiiii"), struct.Struct("<II")
_WRITES_MOST = 1 << 18  # bytes that one stop takes with it
NO_LIMIT = (1 << 63) - 1
# An image without timers sees nothing of Renode's time: pieces of it that are long cost least.
_FAST = 1000  # instructions per us of it
_QUANTUM = 1000  # us
_FINAL = (StopKind.ENDED, StopKind.STUCK, StopKind.RESET)
_LOG_LINES = 6
_RESET = "the firmware asked for a reset (AIRCR.SYSRESETREQ)"
_STUCK = "the core executes no instruction: it sleeps, and nothing is left to wake it"


class RenodeSession:
    """A running firmware. Counts are of instructions: Renode has no timing model."""

    def __init__(self, worker: Worker, image: Image, folder: Path | None = None) -> None:
        self._worker, self._image = worker, image
        self._parts = parts_of(folder) if folder is not None else {}
        self._count = self._time = 0
        self._writes: list[tuple[int, bytes]] = []  # go with the next request: one message a stop, not five
        self._glance = [0, 0]  # the mailbox: comes with every stop once it has been asked for
        self._glanced = b""
        self._sent, self._marks = b"", list[int]()
        self._last: Stop | None = None
        self._closed = False
        mips = max(1, round(clock_of(image.layout) / 1e6)) if image.timers else _FAST
        machine = machine_for(image, folder, mips=mips)
        # With timers, or peripherals, an image lives on Renode's own time, which then has the core's clock.
        self._timed = image.timers or not machine.bare
        self._machine = machine
        try:
            worker.call(
                "open",
                elf=str(image.elf.absolute()),
                text=machine.text,
                uart=machine.uart,
                quantum_us=_QUANTUM,
                strict=machine.bare,
                timed=self._timed,
            )
        except (WorkerDied, WorkerError) as error:
            raise SetupError(f"Renode cannot play {image.layout.machine}: {error}") from None
        worker.busy = True
        for name in image.stops:
            self.arm(name, Arm(stop=True))

    @property
    def instructions(self) -> int:
        return self._count

    @property
    def cycles(self) -> int | None:
        return None

    @property
    def time_ps(self) -> int | None:
        return self._time * 1000 if self._timed else None

    def resume(self, limit: int | None = None) -> Stop:
        if self._last is not None and self._last.kind in _FINAL:
            return self._last
        if self._closed:
            return Stop(StopKind.ENDED, detail="the machine has been closed")
        try:
            writes = self._packed_writes()
            until = NO_LIMIT if limit is None else -(-limit // 1000) if self._timed else limit
            _, data = self._worker.call("resume", writes, limit=until, glance=self._glance)
        except (WorkerDied, WorkerError) as error:
            self._last = Stop(StopKind.ENDED, detail=str(error))
            return self._last
        self._count, self._time, pc, *lengths = _STOP.unpack_from(data)
        parts, at = [], _STOP.size
        for length in (*lengths, 8 * lengths[-1]):
            parts.append(data[at : at + length])
            at += length
        kind, name, self._glanced, sent, marks = parts
        self._sent += sent
        each = 1000 if self._timed else 1
        self._marks += (mark * each for mark in struct.unpack(f"<{len(sent)}Q", marks))
        self._last = self._stop(kind.decode(), name.decode(), pc)
        return self._last

    def _packed_writes(self) -> bytes:
        """What has been written since the last stop, for one message; what is too long for that goes at once."""
        if sum(8 + len(data) for _, data in self._writes) > _WRITES_MOST:
            self._flush()
        packed = b"".join(_WRITE.pack(address, len(data)) + data for address, data in self._writes)
        self._writes.clear()
        return packed

    def _stop(self, kind: str, name: str, pc: int) -> Stop:
        if kind == "symbol":
            return Stop(StopKind.SYMBOL, pc=pc, symbol=name)
        if kind == "limit":
            return Stop(StopKind.LIMIT, pc=pc)
        if kind == "stuck":
            return Stop(StopKind.STUCK, pc=pc, detail=_STUCK)
        if kind == "reset":
            return Stop(StopKind.RESET, detail=_RESET)
        if kind == "nothing":
            lines = [line for line in self._log() if "non existing peripheral" in line]
            what = lines[-1].partition(": ")[2] if lines else "an address where nothing is"
            return Stop(StopKind.ENDED, pc=pc, detail=f"bus fault: {what}")
        last = " / ".join(self._log()[-_LOG_LINES:])
        return Stop(StopKind.ENDED, pc=pc, detail=f"Renode gave the core up: {name or last or 'no reason given'}")

    def _log(self) -> list[str]:
        try:
            return list(self._worker.call("log", lines=50)[0]["lines"])
        except (WorkerDied, WorkerError):
            return []

    # ---- the product's own peripherals ----

    def feed(self, slot: str, values: Fed, *, anew: bool = False) -> int:
        answer, _ = self._asked("feed", model_values(values), part=self._part(slot), anew=anew)
        return int(answer["dropped"])

    def bus_fault(self, slot: str, kind: str, on: bool) -> None:
        self._asked("fault", b"", part=self._part(slot), kind=kind, on=on)

    def send(self, data: bytes, apart: int) -> None:
        if self._machine.bare or not self._machine.uart:
            raise CannotPlay(
                f"{self._image.layout.machine} has no UART that takes input: it is made for firmware with the port",
                hint="firmware of others, for a board with a .repl: docs/renode.md",
            )
        self._asked("send", data, apart_ns=apart // 1000)

    def _part(self, slot: str) -> str:
        path = self._parts.get(slot)
        if path is None:
            raise CannotPlay(f"{self._image.layout.machine}: no model of a sensor {slot!r} that can be fed")
        return path

    def _asked(self, do: str, data: bytes, **values: Any) -> tuple[dict[str, Any], bytes]:
        try:
            return self._worker.call(do, data, **values)
        except (WorkerDied, WorkerError) as error:
            raise SetupError(f"Renode cannot {do}: {error}") from None

    # ---- looking ----

    def arm(self, symbol: str, what: Arm) -> None:
        address = self._image.functions[symbol]
        self._worker.call("arm", name=symbol, address=address, stop=what.stop, region=what.region, bell=DOORBELL)

    def _check(self, address: int, length: int) -> None:
        room = self._image.layout.room
        if length < 0 or address < room.origin or address + length > room.end:
            raise IndexError(f"{length} bytes at {address:#010x} are not in RAM")

    def read(self, address: int, length: int) -> bytes:
        self._check(address, length)
        if [address, length] == self._glance and self._glanced and not self._writes:
            return self._glanced
        if length == SIZE:
            self._glance = [address, length]
        self._flush()
        return self._worker.call("read", address=address, length=length)[1]

    def write(self, address: int, data: bytes) -> None:
        self._check(address, len(data))
        self._glanced = b""
        self._writes.append((address, bytes(data)))

    def _flush(self) -> None:
        for address, data in self._writes:
            self._worker.call("write", data, address=address)
        self._writes.clear()

    def registers(self) -> dict[str, int]:
        try:
            registers: dict[str, int] = dict(self._worker.call("registers")[0]["registers"])
        except (WorkerDied, WorkerError):
            return {}
        if self._last is not None and self._last.kind is StopKind.SYMBOL:
            registers["pc"] = self._last.pc
        return registers

    def process_stacks(self) -> Sequence[int]:
        return ()

    def system_word(self, address: int) -> int | None:
        try:
            return int(self._worker.call("word", address=address)[0]["value"])
        except (WorkerDied, WorkerError):
            return None

    def console(self) -> tuple[bytes, Sequence[int]]:
        taken = self._sent, self._marks
        self._sent, self._marks = b"", []
        return taken

    def regions(self) -> list[RegionRun]:
        try:
            runs = self._worker.call("regions")[0]["runs"]
        except (WorkerDied, WorkerError):
            return []
        return [RegionRun(name, int(start), int(end), int(depth)) for name, start, end, depth in runs]

    def stack_written(self) -> StackWritten | None:
        return None

    def calls(self) -> list[CallNode]:
        return []

    def code(self) -> list[CodeBlock]:
        return []

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._worker.busy = False
        if self._last is not None and self._last.kind is StopKind.ENDED:
            self._worker.close()  # what it holds cannot be trusted; the next machine gets a new one
            return
        try:
            self._worker.call("close")
        except (WorkerDied, WorkerError):
            self._worker.close()
