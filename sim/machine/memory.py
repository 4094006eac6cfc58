"""The board's memory: RAM through the engine, flash from the image."""

from __future__ import annotations

import operator

from sim.boards import Memory
from sim.elf import Elf
from sim.engines.protocol import Session
from sim.errors import UsageError
from sim.given import place, whole
from sim.machine.functions import symbol_meant


class BoardMemory:
    """Reads and writes by address, with the board's limits, and by symbol."""

    def __init__(self, elf: Elf, ram: Memory, session: Session) -> None:
        self._elf, self._ram, self.session = elf, ram, session

    def readable(self, address: int, length: int) -> bytes:
        """Bytes of the board's RAM, or of the image in flash. Raises IndexError elsewhere."""
        ram = self._ram
        if ram.origin <= address and address + length <= ram.end:
            return self.session.read(address, length)
        try:
            return self._elf.read(address, length)
        except IndexError:
            raise IndexError(
                f"{length} bytes at {address:#010x} are not in the image, and not in the board's RAM"
            ) from None

    def check_ram(self, address: int, length: int) -> None:
        """Raises IndexError unless all of it is the board's RAM."""
        ram = self._ram
        if not (ram.origin <= address and address + length <= ram.end):
            raise IndexError(f"{length} bytes at {address:#010x} are not in the board's RAM")

    def write_ram(self, address: int, data: bytes) -> None:
        """Write to the board's RAM. Raises IndexError elsewhere."""
        self.check_ram(address, len(data))
        self.session.write(address, data)

    def _address(self, where: str | int) -> tuple[int, int]:
        where = place(where, f"memory at {where!r}")
        if isinstance(where, int):
            return where, 4
        symbol = symbol_meant(self._elf, where)
        return symbol.address, symbol.size

    def read(self, where: str | int, length: int | None = None) -> bytes:
        """Bytes of a symbol (all of it unless `length` is given) or at an address. Raises UsageError."""
        address, size = self._address(where)
        if length is not None:
            length = whole(length, f"read({_named(where)}, {length!r})", 0)
        if length is None and size == 0:
            raise UsageError(f"{where!r} has no size in {self._elf.path.name}", hint="read(name, length)")
        try:
            return self.readable(address, size if length is None else length)
        except IndexError as error:
            raise UsageError(f"read of {_named(where)}: {error}") from None

    def read_int(self, where: str | int, *, signed: bool = False) -> int:
        """An integer variable (as wide as the symbol), or the word at an address. Raises UsageError."""
        data = self.read(where)
        if len(data) not in (1, 2, 4, 8):
            raise UsageError(f"{_named(where)} has {len(data)} bytes: no integer", hint="read() gives the bytes")
        return int.from_bytes(data, "little", signed=signed)

    def write(self, where: str | int, data: bytes | int) -> tuple[int, bytes]:
        """Write bytes, or an integer as wide as the symbol (at an address: a word), to RAM; says what, and where.

        Raises UsageError; nothing is written then.
        """
        address, size = self._address(where)
        if isinstance(data, int) or (hasattr(data, "__index__") and not getattr(data, "ndim", 0)):
            value = operator.index(data)
            if size == 0:
                raise UsageError(f"{where!r} has no size in {self._elf.path.name}", hint="write(name, bytes)")
            try:
                data = value.to_bytes(size, "little", signed=value < 0)
            except OverflowError:
                raise UsageError(f"{value} does not fit into the {size} bytes of {_named(where)}") from None
        if not isinstance(data, bytes | bytearray | memoryview):
            raise UsageError(f"write to {_named(where)}: a {type(data).__name__}: bytes or a whole number go there",
                             hint="of a numpy array: array.tobytes()")  # fmt: skip
        data = bytes(data)
        if isinstance(where, str) and size and len(data) > size:
            raise UsageError(f"{len(data)} bytes do not fit into {where!r}, which has {size}")
        try:
            self.write_ram(address, data)
        except IndexError as error:
            raise UsageError(f"write to {_named(where)}: {error}") from None
        return address, data


def _named(where: str | int) -> str:
    return f"{where:#010x}" if isinstance(where, int) else repr(where)
