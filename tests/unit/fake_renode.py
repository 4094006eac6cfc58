"""A worker without Renode: `sim.engines.fake` behind the messages that the real one answers.

Run as `python fake_renode.py FD CACHE`, by tests of what stands on this side of the messages: processes, sessions, port
and sensors. The name of the image says which of the programs below is played.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from sim.boards import Board
from sim.engines.fake import End, FakeCore, FakeEngine, Step, fake_elf
from sim.engines.protocol import Arm, Image, StopKind
from sim.engines.renode.worker.main import serve
from sim.engines.renode.worker.rpc import Channel
from sim.port.mailbox import DOORBELL, Op

BOARD = Board.load("arduino_nano_33_ble")
STM32 = Board.load("stm32f4_discovery")
Steps = Generator[Step, None, None]


def sense(core: FakeCore) -> Steps:
    """Opens the IMU, reads 10 samples at a time, decides each time by the first code, ends after three."""
    yield from core.ready("sense")
    core.send(b"ready\n")
    name, length = core.text("imu")
    _, opened, _ = yield from core.ring(Op.OPEN, name, length, 119_000)
    at, _ = core.text("x" * 200)
    for _ in range(3):
        yield 1000
        yield from core.ring(Op.READ, opened[0], at, 10)
        label, size = core.text("up" if struct.unpack("<h", core.read(at, 2))[0] > 0 else "down")
        yield from core.ring(Op.DECISION, 0, 0x3F000000, label, size)
    yield from core.ring(Op.EXIT, 0)


def bus(core: FakeCore) -> Steps:
    """A bus build: opens the IMU on its bus, takes 10 samples at a time from the part's model, decides by the first."""
    yield from core.ready("bus")
    name, length = core.text("imu")
    _, opened, _ = yield from core.ring(Op.BUS_OPEN, name, length, 119_000, 4, 245)
    for _ in range(3):
        yield 1000
        yield from core.ring(Op.BUS_TAKE, opened[0], 10, 0)
        model = [FED.pop(0) for _ in range(60)]
        assert not FED, "more samples than the firmware takes"
        label, size = core.text("up" if model[0] > 0 else "down")
        yield from core.ring(Op.DECISION, 0, 0x3F000000, label, size)
    yield from core.ring(Op.EXIT, 0)


def stream(core: FakeCore) -> Steps:
    """A microphone: the model delivers by itself, whether somebody takes it or not."""
    yield from core.ready("stream")
    name, length = core.text("microphone")
    _, opened, _ = yield from core.ring(Op.BUS_OPEN, name, length, 16_000_000)
    for _ in range(20):
        yield 1000
        chunk = [FED.pop(0) for _ in range(3200)]
        yield from core.ring(Op.BUS_TAKE, opened[0], 3200, 0)
        yield from core.ring(Op.INFO, *core.text("sound"), chunk[0] & 0xFFFFFFFF)
    yield from core.ring(Op.EXIT, 0)


def warm(core: FakeCore) -> Steps:
    """A thermometer on its bus: the model keeps one value, which the firmware takes."""
    yield from core.ready("warm")
    name, length = core.text("temperature")
    _, opened, _ = yield from core.ring(Op.BUS_OPEN, name, length, 10_000)
    for samples in (1, 1, 1, 2):
        yield 1000
        yield from core.ring(Op.BUS_TAKE, opened[0], samples, 0)
        label, size = core.text(f"{FED.pop() / 1e9:.2f}")
        assert not FED, "more than one value"
        yield from core.ring(Op.DECISION, 0, 0x3F000000, label, size)


def converts(core: FakeCore) -> Steps:
    """An amplifier on an ADC: the model has a queue of codes."""
    yield from core.ready("converts")
    name, length = core.text("current")
    _, opened, _ = yield from core.ring(Op.BUS_OPEN, name, length, 100_000)
    for _ in range(2):
        yield 1000
        yield from core.ring(Op.BUS_TAKE, opened[0], 2, 0)
        label, size = core.text(f"{FED.pop(0)} {FED.pop(0)}")
        assert not FED, "more samples than the firmware takes"
        yield from core.ring(Op.DECISION, 0, 0x3F000000, label, size)
    yield from core.ring(Op.EXIT, 0)


def dies(core: FakeCore) -> Steps:
    """The worker is killed in mid-run."""
    yield from core.ready("dies")
    yield 1000
    print("the last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), 9)
    yield 1


def hangs(core: FakeCore) -> Steps:
    """The worker says nothing more."""
    yield from core.ready("hangs")
    time.sleep(3600)
    yield 1


def lost(core: FakeCore) -> Steps:
    """The core runs into nowhere: Renode gives it up."""
    yield from core.ready("lost")
    yield End(StopKind.ENDED, "")


FED: list[int] = []  # what the sensor's model has not delivered: billionths of a unit, or samples of sound
PROGRAMS = {
    "sense": sense,
    "bus": bus,
    "stream": stream,
    "warm": warm,
    "converts": converts,
    "dies": dies,
    "hangs": hangs,
    "lost": lost,
}
Answer = tuple[dict[str, Any], bytes]


class FakePlayer:
    """Answers as `sim.engines.renode.worker.player.Player` does."""

    def do_open(
        self, _data: bytes, elf: str, text: str, uart: str, quantum_us: int, strict: bool, timed: bool
    ) -> Answer:
        own = 'using "platforms/' in text
        if ("CPU.CortexM @" not in text and not own) or strict is own or Path(elf).stem not in PROGRAMS:
            raise ValueError("a description that cannot be read")
        self.timed = timed
        FED.clear()
        engine = FakeEngine(program=PROGRAMS[Path(elf).stem])
        board = STM32 if "stm32f4" in text else BOARD
        made = fake_elf(board)
        self.session = engine.start(Image(Path(elf), engine.layout(board), made.functions))
        return {"halted": False, "pc": 0}, b""

    def do_close(self, _data: bytes) -> Answer:
        self.session.close()
        return {}, b""

    def do_arm(self, _data: bytes, name: str, address: int, stop: bool, region: bool, bell: str) -> Answer:
        assert bell == DOORBELL
        self.session.arm(name, Arm(stop=stop, region=region))
        return {}, b""

    def do_resume(self, data: bytes, limit: int, glance: list[int]) -> Answer:
        while data:
            address, length = struct.unpack_from("<II", data)
            self.session.write(address, data[8 : 8 + length])
            data = data[8 + length :]
        stop = self.session.resume(limit if not self.timed else limit * 64 // 1000)
        kinds = {StopKind.SYMBOL: b"symbol", StopKind.LIMIT: b"limit", StopKind.STUCK: b"stuck"}
        kind, name = kinds.get(stop.kind, b"ended"), stop.symbol.encode()
        sent, marks = self.session.console()
        memory = self.session.read(*glance) if glance[1] else b""
        lengths = len(kind), len(name), len(memory), len(sent)
        count = self.session.instructions
        head = struct.pack("<QQQiiii", count, count * 1000 // 64, stop.pc, *lengths)
        return {}, head + kind + name + memory + sent + struct.pack(f"<{len(sent)}Q", *marks)

    def do_feed(self, data: bytes, part: str, anew: bool) -> Answer:
        dropped = len(FED) if anew else 0
        if anew:
            FED.clear()
        kind = {"twi0.lsm9ds1_imu": "q", "pdm": "h", "i2c1.si7021": "q", "adc1": "H"}[part]
        FED.extend(struct.unpack(f"<{len(data) // struct.calcsize(kind)}{kind}", data))
        return {"dropped": dropped}, b""

    def do_fault(self, _data: bytes, part: str, kind: str, on: bool) -> Answer:
        raise ValueError(f"no such bus here: {part}, {kind}, {on}")

    def do_read(self, _data: bytes, address: int, length: int) -> Answer:
        return {}, self.session.read(address, length)

    def do_write(self, data: bytes, address: int) -> Answer:
        self.session.write(address, data)
        return {}, b""

    def do_registers(self, _data: bytes) -> Answer:
        return {"registers": self.session.registers()}, b""

    def do_word(self, _data: bytes, address: int) -> Answer:
        return {"value": 0}, b""

    def do_regions(self, _data: bytes) -> Answer:
        return {"runs": [[r.symbol, str(r.start), str(r.end), str(r.depth)] for r in self.session.regions()]}, b""

    def do_log(self, _data: bytes, lines: int) -> Answer:
        return {"lines": ["[ERROR] CPU abort [PC=0x4FF00000]: Trying to execute code outside RAM or ROM"]}, b""


if __name__ == "__main__":
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    channel.send({"ready": {"renode": "0.0", "runtime": "none", "python": sys.version.split()[0]}})
    serve(channel, FakePlayer())
