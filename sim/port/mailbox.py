"""The mailbox as `firmware/port/boardless_port.h` lays it out, version 1."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

SYMBOL = "boardless_mailbox"
DOORBELL = "boardless_doorbell"
MAGIC = 0x314D4C42
VERSION = 1
SIZE = 64

REQUEST = struct.Struct("<IHHIi6I")  # magic, version, size, op, status, arg
_ANSWER = struct.Struct("<4IQ")  # result, time_ns; at offset 40
_STATUS = struct.Struct("<i")  # at offset 12
ANSWER_AT, STATUS_AT = 40, 12


class Op(IntEnum):
    """Requests, BL_OP_..."""

    READY = 1
    OPEN = 2
    READ = 3
    DECISION = 4
    SLEEP = 5
    TIME = 6
    INPUT = 7
    OUTPUT = 8
    EXIT = 9
    FAIL = 10
    INFO = 11
    CONFIG = 12
    BUFFER = 13
    BUS_OPEN = 14
    BUS_TAKE = 15


OK, END, NONE, AGAIN, BAD = 0, 1, 2, 3, -2

_OPS = {int(op): op for op in Op}


@dataclass(frozen=True, slots=True)
class Request:
    """What the firmware asks for."""

    op: Op
    arg: tuple[int, int, int, int, int, int]


class BadMailbox(Exception):
    """The mailbox holds nonsense: the text says which field."""


def decode(box: bytes) -> Request:
    """The request in 64 bytes of mailbox. Raises BadMailbox."""
    magic, version, size, op, _status, *arg = REQUEST.unpack_from(box)
    if magic != MAGIC:
        raise BadMailbox(f"its magic is {magic:#010x}, not {MAGIC:#010x}: something overwrote it")
    if version != VERSION or size < SIZE:
        raise BadMailbox(f"version {version}, {size} bytes: this boardless speaks version {VERSION}, {SIZE} bytes")
    known = _OPS.get(op)
    if known is None:
        raise BadMailbox(f"request {op} is none of version {VERSION}")
    return Request(known, (arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]))


def encode_answer(result: tuple[int, int, int, int], time_ns: int) -> bytes:
    """Bytes for offset ANSWER_AT."""
    return _ANSWER.pack(*result, time_ns)


def encode_status(status: int) -> bytes:
    """Bytes for offset STATUS_AT."""
    return _STATUS.pack(status)
