"""The host's side of the port, without any engine: each request, and each way to get it wrong."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest

from sim.durations import PS
from sim.port.answer import Answer, PortMisuse
from sim.port.host import PortHost
from sim.port.mailbox import END, NONE, OK, Op, Request
from sim.sensors.channel import SensorChannel
from sim.sensors.parts import part

RAM, SIZE = 0x2000_0000, 0x1000


class Memory:
    """4 KB of RAM; nothing else."""

    def __init__(self) -> None:
        self.bytes = bytearray(SIZE)

    def _at(self, address: int, length: int) -> int:
        if not (address >= RAM and address + length <= RAM + SIZE):
            raise IndexError(f"{length} bytes at {address:#010x} are not in the board's RAM")
        return address - RAM

    def readable(self, address: int, length: int) -> bytes:
        at = self._at(address, length)
        return bytes(self.bytes[at : at + length])

    def check_ram(self, address: int, length: int) -> None:
        self._at(address, length)

    def write_ram(self, address: int, data: bytes) -> None:
        at = self._at(address, len(data))
        self.bytes[at : at + len(data)] = data


@pytest.fixture
def port() -> PortHost:
    return PortHost(memory=Memory(), sensors={"imu": SensorChannel(part("lsm9ds1"), "imu")})


def text(port: PortHost, value: str, at: int = 0x100) -> tuple[int, int]:
    data = value.encode()
    port.memory.write_ram(RAM + at, data)
    return RAM + at, len(data)


def ask(port: PortHost, op: Op, *arg: int, now: int = 0) -> Answer:
    a = (*arg, 0, 0, 0, 0, 0, 0)[:6]
    return port.answer(Request(op, (a[0], a[1], a[2], a[3], a[4], a[5])), now)


def bits(value: float) -> int:
    word: int = struct.unpack("<I", struct.pack("<f", value))[0]
    return word


def test_ready(port: PortHost) -> None:
    assert ask(port, Op.READY, *text(port, "gesture")) == Answer()
    assert (port.ready, port.app) == (True, "gesture")


def test_text_that_is_not_utf8_is_shown_all_the_same(port: PortHost) -> None:
    port.memory.write_ram(RAM, b"a\xff\xfeb")
    ask(port, Op.READY, RAM, 4)
    assert port.app == "a\ufffd\ufffdb"


def test_open_read_and_the_time_of_the_last_sample(port: PortHost) -> None:
    opened = ask(port, Op.OPEN, *text(port, "imu"), 119_000, 0, 0, now=5)
    handle, channels, size, rate = opened.results
    assert (opened.status, handle, channels, size, rate) == (OK, 0, 6, 12, 119_000)
    answer = ask(port, Op.READ, handle, RAM + 0x200, 16, now=5)
    assert answer.results[:3] == (16, 0, 0)
    exact = Fraction(16 * 10**12, 119) + 5
    assert exact <= answer.ready_ps < exact + 1
    # Late by a second: the FIFO of 32 has dropped what is older.
    late = ask(port, Op.READ, handle, RAM + 0x200, 1, now=answer.ready_ps + 10**12)
    assert late.results[0] == 1
    assert late.results[1] == 119 - 32
    assert late.ready_ps == answer.ready_ps + 10**12


def test_opening_again_keeps_the_handle(port: PortHost) -> None:
    name = text(port, "imu")
    assert {ask(port, Op.OPEN, *name, 119_000).results[0] for _ in range(1000)} == {0}


def test_a_buffer_that_is_not_there_costs_no_sample(port: PortHost) -> None:
    ask(port, Op.OPEN, *text(port, "imu"), 119_000)
    with pytest.raises(PortMisuse, match="read: 12 bytes at 0x00000000"):
        ask(port, Op.READ, 0, 0, 1)
    assert ask(port, Op.READ, 0, RAM, 1).results[2] == 0


def test_decisions(port: PortHost) -> None:
    ask(port, Op.OPEN, *text(port, "imu"), 119_000)
    read = ask(port, Op.READ, 0, RAM, 4)
    ask(port, Op.DECISION, 2, bits(0.75), *text(port, "up"), now=read.ready_ps + 2 * 10**9)
    decision = port.decisions[0]
    assert (decision.label, decision.index, decision.score, decision.number) == ("up", 2, 0.75, 0)
    assert decision.latency == pytest.approx(0.002)
    assert decision.samples == {"imu": 4}


def test_sleep_and_time(port: PortHost) -> None:
    assert ask(port, Op.SLEEP, 1, 1, now=7).ready_ps == ((1 << 32) + 1) * 1000 + 7
    assert ask(port, Op.TIME, now=7) == Answer()


def test_input(port: PortHost) -> None:
    assert ask(port, Op.INPUT, 0, RAM, 4).blocked
    rows = [b"ab", b"abcde"]
    port.inputs = lambda slot, capacity: rows.pop(0) if rows else None
    assert ask(port, Op.INPUT, 0, RAM, 4).results[0] == 2
    with pytest.raises(PortMisuse, match="input 0 has 5 bytes, but the firmware has room for 4"):
        ask(port, Op.INPUT, 0, RAM, 4)
    assert ask(port, Op.INPUT, 0, RAM, 4).status == END


def test_output_exit_info_and_config(port: PortHost) -> None:
    port.memory.write_ram(RAM, b"xyz")
    ask(port, Op.OUTPUT, 3, RAM, 3)
    assert port.outputs == [(3, b"xyz")]
    ask(port, Op.INFO, *text(port, "arena"), 77)
    assert port.info == {"arena": 77}
    port.config["runs"] = -1
    assert ask(port, Op.CONFIG, *text(port, "runs")).results[0] == 0xFFFFFFFF
    assert ask(port, Op.CONFIG, *text(port, "other")).status == NONE
    ask(port, Op.EXIT, 0x8000_0000)
    assert port.exit_code == -(2**31)


def test_giving_up_is_a_failure_with_its_text(port: PortHost) -> None:
    with pytest.raises(PortMisuse, match="the firmware gave up: no sensor"):
        ask(port, Op.FAIL, *text(port, "no sensor"))


@pytest.mark.parametrize(
    ("op", "arg", "message"),
    [
        (Op.READY, (0, 1), "ready: 1 bytes at 0x00000000"),
        (Op.READY, (RAM + SIZE - 1, 2), "2 bytes at 0x20000fff"),
        (Op.READY, (0xFFFFFFFF, 255), "255 bytes at 0xffffffff"),
        (Op.READY, (RAM, 256), "a text of 256 bytes"),
        (Op.OPEN, (RAM, 0, 119_000), "opens sensor '', but the board has imu"),
        (Op.READ, (0, RAM, 1), "read of sensor handle 0, but 0 are open"),
        (Op.DECISION, (0, 0x7FC00000), "not a number"),
        (Op.DECISION, (0, 0xFF800000), "not a number: -inf"),
        (Op.SLEEP, (0xFFFFFFFF, 0xFFFFFFFF), "sleeps for 18446744073709551615 ns"),
        (Op.SLEEP, (0, 0x80000000), "sleeps for"),
        (Op.OUTPUT, (0, RAM, 0xFFFFFFFF), "output: 4294967295 bytes"),
        (Op.INFO, (RAM, 0xFFFFFFFF), "a text of"),
        (Op.FAIL, (0, 3), "fail: 3 bytes"),
    ],
)
def test_misuse(port: PortHost, op: Op, arg: tuple[int, ...], message: str) -> None:
    with pytest.raises(PortMisuse, match=message):
        ask(port, op, *arg)


def flood(port: PortHost, op: Op) -> None:
    for i in range(20_000):
        if op is Op.INFO:
            ask(port, op, *text(port, f"k{i}"), i)
        else:
            ask(port, op, 0, RAM, SIZE)


def test_floods_are_bounded(port: PortHost) -> None:
    with pytest.raises(PortMisuse, match="floods the port with figures: more than 1024 keys"):
        flood(port, Op.INFO)
    assert len(port.info) == 1024
    ask(port, Op.INFO, *text(port, "k0"), 5)  # one that is there may change
    with pytest.raises(PortMisuse, match="floods the port with outputs"):
        flood(port, Op.OUTPUT)
    assert sum(len(data) for _, data in port.outputs) <= 64 << 20


def test_a_driver_gets_more_ram_for_what_waits() -> None:
    microphone = SensorChannel(part("mp34dt05"), "microphone")
    port = PortHost(memory=Memory(), sensors={"microphone": microphone, "imu": SensorChannel(part("lsm9ds1"), "imu")})
    ask(port, Op.OPEN, *text(port, "microphone"), 16_000_000)
    ask(port, Op.OPEN, *text(port, "imu"), 119_000)
    assert microphone.fifo_depth == 512
    assert ask(port, Op.BUFFER, 0, RAM + 0x200, 2048).status == OK
    assert microphone.fifo_depth == 1024
    assert ask(port, Op.READ, 0, RAM, 16, now=PS).results[1] == 16_000 - 1024
    for arg, said in (
        ((2, RAM, 64), "buffer for sensor handle 2, but 2 are open"),
        ((1, RAM, 64), "samples of ST LSM9DS1 wait in the part's own FIFO"),
        ((0, RAM, 1), "buffer of 1 bytes for 'microphone': at least one sample"),
        ((0, RAM + SIZE - 2, 64), "buffer: 64 bytes at 0x20000ffe are not in the board's RAM"),
    ):
        with pytest.raises(PortMisuse, match=said):
            ask(port, Op.BUFFER, *arg)
    ask(port, Op.OPEN, *text(port, "microphone"), 16_000_000, now=PS)  # as a firmware does that starts again
    assert microphone.fifo_depth == 512
