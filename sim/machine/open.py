"""A machine to reach into: memory, single functions, who writes where, where it stands."""

from __future__ import annotations

from typing import Any

from sim.machine.base import MachineBase
from sim.machine.call_result import CallResult
from sim.machine.calling import call
from sim.machine.intercepting import Interception, Replacement
from sim.machine.tracing import Backtrace, backtrace
from sim.machine.watching import Watching


class OpenMachine(MachineBase):
    """Reads and writes memory, calls and replaces functions of the image."""

    def read(self, where: str | int, length: int | None = None) -> bytes:
        """Bytes of a symbol (all of it unless `length` is given) or at an address. Raises UsageError."""
        return self._runner.memory.read(where, length)

    def read_int(self, where: str | int, *, signed: bool = False) -> int:
        """An integer variable (as wide as the symbol), or the word at an address. Raises UsageError."""
        return self._runner.memory.read_int(where, signed=signed)

    def write(self, where: str | int, data: bytes | int) -> None:
        """Write bytes, or an integer as wide as the symbol (at an address: a word), to RAM.

        Raises UsageError; nothing is written then.
        """
        address, written = self._runner.memory.write(where, data)
        if self.capture is not None:
            self.capture.wrote(address, written)

    def call(
        self, function: str | int, *arguments: Any, within: float | str = "1 s", at: str | int | None = None
    ) -> CallResult:
        """Call one function of the image, by name or address; the firmware goes on afterwards as if nothing had been.

        Numbers, None, bytes and numpy arrays are taken; arrays go below the stack, or to RAM `at` an address or symbol,
        and come back in `buffers`. Raises UsageError for what is no function and for arguments that do not fit,
        FirmwareFailure for a fault in it or when it has not returned `within` that much board time.
        """
        return call(self._runner, function, arguments, within, at)

    def intercept(self, function: str, replacement: Replacement) -> Interception:
        """Replace a function of the image by one of Python, until `remove()` or the end of a `with`.

        It gets an `InterceptedCall`, and what it returns the firmware gets: int, float or None. Raises UsageError.
        """
        return Interception(self._runner, function, replacement)

    def watch(self, where: str | int, on: str = "write", length: int | None = None, most: int = 10_000) -> Watching:
        """Note who writes ("write"), reads ("read") or does either to ("access") a symbol or address in RAM.

        The first `most` accesses are kept. Ends with `remove()` or a `with`. Raises UsageError.
        """
        return self._watches.add(where, on, length, most)

    def backtrace(self) -> Backtrace:
        """The calls that led to where the core stands now, innermost first; str() of it has a line each."""
        return backtrace(self._runner)
