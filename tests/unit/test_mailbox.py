"""The mailbox: the layout of the C header, and nonsense told from requests."""

from __future__ import annotations

import random
import re
import struct

import pytest

from sim.paths import data_root
from sim.port import mailbox
from sim.port.mailbox import BadMailbox, Op, decode, encode_answer, encode_status

HEADER = (data_root() / "firmware" / "port" / "boardless_port.h").read_text(encoding="utf-8")


def box(magic: int = mailbox.MAGIC, version: int = 1, size: int = 64, op: int = 1, arg: tuple[int, ...] = ()) -> bytes:
    whole = (*arg, 0, 0, 0, 0, 0, 0)[:6]
    return mailbox.REQUEST.pack(magic, version, size, op, -1, *whole) + bytes(24)


def test_the_header_says_the_same() -> None:
    assert int(re.search(r"BL_PORT_MAGIC (0x[0-9a-f]+)u", HEADER)[1], 16) == mailbox.MAGIC  # type: ignore[index]
    assert int(re.search(r"BL_PORT_VERSION (\d+)u", HEADER)[1]) == mailbox.VERSION  # type: ignore[index]
    ops = {name: int(value) for name, value in re.findall(r"BL_OP_([A-Z_]+) = (\d+)", HEADER)}
    assert ops == {op.name: int(op) for op in Op}
    answers = dict(re.findall(r"BL_(OK|END|NONE|BAD) = (-?\d+)", HEADER))
    assert {k: int(v) for k, v in answers.items()} == {
        "OK": mailbox.OK, "END": mailbox.END, "NONE": mailbox.NONE, "BAD": mailbox.BAD,
    }  # fmt: skip


def test_offsets_are_those_of_the_comments() -> None:
    offsets = {name: int(at) for name, at in re.findall(r"(\w+)(?:\[\d\])?;\s+/\*\s+(\d+):", HEADER)}
    assert offsets == {"magic": 0, "version": 4, "size": 6, "op": 8, "status": 12, "arg": 16, "result": 40,
                       "time_ns": 56}  # fmt: skip
    assert (offsets["status"], offsets["result"]) == (mailbox.STATUS_AT, mailbox.ANSWER_AT)
    assert len(box()) == mailbox.SIZE == 64


@pytest.mark.parametrize("op", Op)
def test_requests(op: Op) -> None:
    request = decode(box(op=op, arg=(1, 2, 3, 4, 5, 0xFFFFFFFF)))
    assert (request.op, request.arg) == (op, (1, 2, 3, 4, 5, 0xFFFFFFFF))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (box(magic=0), "its magic is 0x00000000"),
        (box(version=2), "version 2, 64 bytes: this boardless speaks version 1"),
        (box(size=60), "version 1, 60 bytes"),
        (box(op=0), "request 0 is none of version 1"),
        (box(op=max(Op) + 1), f"request {max(Op) + 1}"),
        (box(op=0xFFFFFFFF), "request 4294967295"),
        (bytes(64), "magic"),
        (b"\xff" * 64, "magic"),
    ],
)
def test_nonsense(given: bytes, text: str) -> None:
    with pytest.raises(BadMailbox, match=text):
        decode(given)


def test_a_larger_mailbox_is_a_later_one_that_still_fits() -> None:
    assert decode(box(size=80)).op is Op.READY


def test_random_bytes_are_a_request_or_nonsense() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        data = bytearray(box(op=rng.randrange(1, 14)))
        for _ in range(rng.randrange(4)):
            data[rng.randrange(64)] = rng.randrange(256)
        try:
            decode(bytes(data))
        except BadMailbox:
            continue


def test_answers() -> None:
    assert encode_answer((1, 2, 3, 0xFFFFFFFF), 2**64 - 1) == struct.pack("<4IQ", 1, 2, 3, 0xFFFFFFFF, 2**64 - 1)
    assert encode_status(mailbox.BAD) == b"\xfe\xff\xff\xff"
